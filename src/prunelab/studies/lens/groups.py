"""Examples in groups, by how hard they are and by how much pruning changes them (Lens 3, I, K).

N examples, G groups.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
HARD = 0.2  # the share of examples that counts as hard
TENTH = 0.1  # of the examples, those that pruning changes most


def size(share: float, count: int) -> int:
    """A share of so many examples."""
    return int(np.floor(share * count + 0.5))


def ranks(score_N: Array) -> NDArray[np.int64]:
    """Each example's rank by its score, from 0; equal ones by position."""
    result = np.empty(len(score_N), dtype=np.int64)
    result[np.argsort(score_N, kind="stable")] = np.arange(len(score_N))
    return result


def groups(score_N: Array, count: int) -> NDArray[np.int64]:
    """Each example's group, from 0: the easiest in the first, the hardest in the last; sizes differ by one at most."""
    return ranks(score_N) * count // len(score_N)


def hard(score_N: Array) -> NDArray[np.bool_]:
    """Which examples are the hardest fifth."""
    return ranks(score_N) >= len(score_N) - size(HARD, len(score_N))


def by_group(values_N: NDArray[Any], group_N: NDArray[np.int64], count: int) -> NDArray[np.float64]:
    """The mean of each group [G]; nan of an empty one."""
    sizes = np.bincount(group_N, minlength=count)
    sums = np.bincount(group_N, weights=np.asarray(values_N, dtype=float), minlength=count)
    return np.where(sizes > 0, sums / np.maximum(sizes, 1), np.nan)


def concentration(difference_N: Array, hard_N: NDArray[np.bool_]) -> float:
    """How much more the hard examples change than the others: the ratio of their mean absolute differences.

    0 where nothing changes; the smallest number there is stands for what does not change at all.
    """
    size_N = np.abs(np.asarray(difference_N, dtype=float))
    others = max(float(size_N[~hard_N].mean()), np.finfo(float).tiny)
    return min(float(size_N[hard_N].mean()) / others, 1e12)


def affected(difference_N: Array, share: float, how: str) -> NDArray[np.bool_]:
    """Which examples are in the share that is changed, worsened or improved the most; equal ones by position.

    Args:
        difference_N: loss, less the dense network's.
        share: how many, of all.
        how: changed | worsened | improved.
    """
    signed = {"changed": np.abs, "worsened": np.positive, "improved": np.negative}[how](difference_N)
    result = np.zeros(len(signed), dtype=bool)
    result[np.argsort(-signed, kind="stable")[: size(share, len(signed))]] = True
    return result


def jaccard(a_N: NDArray[np.bool_], b_N: NDArray[np.bool_]) -> float:
    """How much two sets share: the size of what is in both over that of what is in either; 1 of two empty ones."""
    either = int((a_N | b_N).sum())
    return int((a_N & b_N).sum()) / either if either else 1.0


def jaccard_of_chance(share: float) -> float:
    """That of two sets of such a share, drawn independently."""
    return share / (2 - share)
