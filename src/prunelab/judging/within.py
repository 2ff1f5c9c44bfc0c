"""Correlation of arms within replicates: do the arms of one replicate that have more of x have more of y?

Arms of a replicate share data, labels and initialisation, so replicates differ in level; each replicate's mean over
its arms is subtracted from both (A arms, S replicates). Pooled as if independent, runs count what replicates share.

Intervals are a jackknife over replicates on Fisher's z = atanh(r), with Student's t: in simulated worlds of 3 to 10
replicates and 3 to 7 arms they cover 93 to 96% (on r itself they would cover 86 to 94%), and at least 87% where noise
has so heavy tails that its third moment is infinite (tests/test_within.py).
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prunelab.judging.effects import TAIL, TAIL_OF_MOST, Array, Effect

Statistic = Callable[[NDArray[np.int64]], float]  # from the positions of replicates
Pair = tuple[Array, Array]  # x and y [A, S]
NEAREST = 0.99999  # a correlation of 1 has no z


@dataclass(frozen=True)
class Pooled:
    """Pearson's r and Kendall's tau over all runs as if they were independent, with p-values: never a verdict."""

    r: float
    r_p: float
    tau: float
    tau_p: float

    def __str__(self) -> str:
        return f"r {self.r:+.2f}, p {self.r_p:.1g}; tau {self.tau:+.2f}, p {self.tau_p:.1g}"


def pooled(x_AS: Array, y_AS: Array) -> Pooled | None:
    """Over runs that have both (nan: none); None where they are too few or all alike."""
    both = np.isfinite(x_AS) & np.isfinite(y_AS)
    x, y = x_AS[both], y_AS[both]
    if len(x) < 3 or np.ptp(x) == 0 or np.ptp(y) == 0:
        return None
    pearson, kendall = stats.pearsonr(x, y), stats.kendalltau(x, y)
    return Pooled(*(float(value) for value in (*pearson, *kendall)))


def correlation(x_AS: Array, y_AS: Array) -> float | None:
    """Pearson's r of what is left when each replicate's mean over arms is taken from both; None where nothing is.

    Only arms that have both in a replicate (nan: none) count there.
    """
    both = np.isfinite(x_AS) & np.isfinite(y_AS)
    x, y = _centred(x_AS, both), _centred(y_AS, both)
    if not (x.any() and y.any()):
        return None
    x, y = x / np.abs(x).max(), y / np.abs(y).max()  # so that no square is too small for a float
    return float((x * y).sum() / np.sqrt((x**2).sum() * (y**2).sum()))


def _centred(table_AS: Array, there: NDArray[np.bool_]) -> Array:
    """Those that are there, less their mean over arms; exactly 0 where they differ by rounding only."""
    values = np.where(there, table_AS, 0.0)
    centred = np.where(there, values - values.sum(axis=0) / np.maximum(there.sum(axis=0), 1), 0.0)
    centred[np.abs(centred) < 1e-12 * np.abs(values).max(initial=0.0)] = 0.0
    return np.asarray(centred[there])


def z(x_AS: Array, y_AS: Array) -> float:
    """Fisher's z of that; 0 where there is none."""
    found = correlation(x_AS, y_AS)
    return 0.0 if found is None else float(np.arctanh(np.clip(found, -NEAREST, NEAREST)))


def effect(what: str, pairs: Sequence[Pair], sign: int) -> Effect:
    """The correlation within replicates, times the claimed sign; of several pairs the mean (of their z).

    Args:
        what: for a reader.
        pairs: (x, y) [A, S] each, of the same replicates.
        sign: +1 or -1.
    """

    def statistic(some: NDArray[np.int64]) -> float:
        return sign * float(np.mean([z(x[:, some], y[:, some]) for x, y in pairs]))

    return _effect(what, statistic, pairs[0][0].shape[1], "correlation", lambda value: float(np.tanh(value)))


def difference(what: str, larger: Pair, smaller: Pair) -> Effect:
    """By how much Fisher's z of one correlation exceeds that of another."""

    def statistic(some: NDArray[np.int64]) -> float:
        return z(larger[0][:, some], larger[1][:, some]) - z(smaller[0][:, some], smaller[1][:, some])

    return _effect(what, statistic, larger[0].shape[1], "z", float)


def _effect(what: str, statistic: Statistic, count: int, unit: str, shown: Callable[[float], float]) -> Effect:
    """A jackknife over replicates: one at a time is left out."""
    everyone = np.arange(count)
    value = statistic(everyone)
    if count < 2:
        return Effect(what, round(shown(value), 6), unit)
    without = np.array([statistic(np.delete(everyone, one)) for one in everyone])
    error = float(np.sqrt((count - 1) / count * ((without - without.mean()) ** 2).sum()))

    def limit(tail: float, side: int) -> float:
        return round(shown(value + side * float(stats.t.ppf(1 - tail, count - 1)) * error), 6)

    interval = (limit(TAIL, -1), limit(TAIL, 1))
    return Effect(what, round(shown(value), 6), unit, interval, None, interval, limit(TAIL_OF_MOST, 1))
