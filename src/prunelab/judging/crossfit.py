"""What is selected is selected on other data than it is measured on.

R rounds, S replicates, T test images; `right` is 1 where an answer is right. A replicate's rounds are chosen by the
*other* replicates' curves (its own luck in a round is not to choose that round), on one half of the test images, and
measured on the other half (nor is the images' luck); both ways, so that every image counts once.

The result is too low rather than too high: the round that other data choose is not always the best. So it can
support a claim. To contradict one, `most` takes the highest upper limit over all rounds that could have been chosen.
"""

from collections.abc import Callable, Sequence
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from prunelab.core import halves
from prunelab.judging import effects

Array = NDArray[np.float64]
Right = NDArray[np.bool_]
Chosen = NDArray[np.int64]  # [2, S, k]: k positions for each half they were chosen on and each replicate
Choice = Callable[[Array], Sequence[int]]  # from a mean curve [R] to k positions


def chosen(values_RST: NDArray[np.generic], choose: Choice, validation_RS: Array | None = None) -> Chosen:
    """Positions for each half of the test images and each replicate, chosen without either.

    Args:
        values_RST: what the curve is the mean of: right answers, or differences of them.
        choose: the rule.
        validation_RS: validation accuracy, where there is a split: then that curve, of the other replicates, chooses.

    With one replicate there are no others: its own curve chooses, on the other half.
    """
    count = values_RST.shape[1]
    others = ~np.eye(count, dtype=bool) if count > 1 else np.ones((1, 1), dtype=bool)
    weights_SS = others / others.sum(axis=1, keepdims=True)
    curves = (_on(values_RST, half) for half in _halves(values_RST.shape[2]))
    if validation_RS is not None:
        curves = (validation_RS for _ in range(2))
    return np.array([[list(choose(curve)) for curve in (curve_RS @ weights_SS.T).T] for curve_RS in curves])


def picked(values_RST: NDArray[np.generic], where_2S: NDArray[np.int64]) -> Array:
    """Each replicate's values at a chosen round [S, T]: each image's at the round chosen on the half it is not in."""
    replicates = np.arange(values_RST.shape[1])
    first, _ = _halves(values_RST.shape[2])
    result = np.where(first, values_RST[where_2S[1], replicates], values_RST[where_2S[0], replicates])
    return np.asarray(result, dtype=float)


def at(values_RS: Array, where_2S: NDArray[np.int64]) -> Array:
    """The same for what is measured on other data than test images [S]: the mean over both choices."""
    return np.asarray(values_RS[where_2S, np.arange(values_RS.shape[1])].mean(axis=0), dtype=float)


def most(better_PST: NDArray[np.generic], worse_PST: NDArray[np.generic]) -> float | None:
    """Upper limit, in points, of the largest of P differences, whichever that is."""
    difference = 100.0 * (better_PST.astype(np.int8) - worse_PST.astype(np.int8))
    return effects.upper(difference.mean(axis=2), difference.mean(axis=1))


def most_of_pairs(right_RST: Right, pairs: Sequence[tuple[int, int]]) -> float | None:
    """`most` over pairs of rounds (better, worse), without holding all their images at once."""
    mean_RS, mean_RT = right_RST.mean(axis=2), right_RST.mean(axis=1)
    better, worse = np.array(pairs).T
    limits = []
    for start in range(0, len(pairs), 64):
        b, w = better[start : start + 64], worse[start : start + 64]
        limits.append(effects.upper(100 * (mean_RS[b] - mean_RS[w]), 100 * (mean_RT[b] - mean_RT[w])))
    return None if limits[0] is None else max(limit for limit in limits if limit is not None)


def _on(values_RST: NDArray[np.generic], half_T: NDArray[np.bool_]) -> Array:
    return np.asarray(values_RST[:, :, half_T].mean(axis=2), dtype=float)


@lru_cache(maxsize=8)
def _halves(count: int) -> tuple[NDArray[np.bool_], NDArray[np.bool_]]:
    first = halves.first(count)
    if count < 2:  # nothing to part
        return np.ones(count, dtype=bool), np.ones(count, dtype=bool)
    return first, ~first
