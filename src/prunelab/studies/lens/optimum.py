"""Which rounds are looked at: the optimum, those that improve, and the highest of them (Lens 2 and 4).

R rounds, from the dense one on, of the mean over replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from prunelab import regimes

Curve = NDArray[np.float64]
SHOWN = 5  # rounds of the figure by sparsity


@dataclass(frozen=True)
class Chosen:
    """Positions of rounds."""

    best: int  # the highest validation accuracy; without a split the highest test accuracy. It may be the dense one
    validated: bool  # by validation
    improving: list[int]  # test accuracy above the dense network's; they need not be neighbours
    highest: int | None  # the last of these

    @property
    def how(self) -> str:
        """How the optimum was found, in words."""
        return "by validation accuracy" if self.validated else "found on test accuracy"


def choose(test_R: Curve, validation_R: Curve) -> Chosen:
    """The rounds, from mean curves; `validation_R` is nan without a split. Of equal rounds the least sparse."""
    validated = not np.isnan(validation_R).any()
    better = [r for r in range(1, len(test_R)) if test_R[r] > test_R[0]]
    best = regimes.highest(validation_R if validated else test_R)
    return Chosen(best, validated, better, better[-1] if better else None)


def last_improving(test_R: Curve) -> int:
    """The highest improving round of a curve; 0, the dense one, if none is."""
    better = np.flatnonzero(test_R > test_R[0])
    return int(better[-1]) if better.size else 0


def spread(rounds: int, shown: int = SHOWN) -> list[int]:
    """Rounds evenly spaced over 1..R, the first and the last among them (Lens L)."""
    last = rounds - 1
    return sorted({round(1 + j * (last - 1) / (shown - 1)) for j in range(shown)})


def name(chosen: Chosen, number: int) -> str:
    """What a round is called in tables."""
    named: Sequence[tuple[int | None, str]] = ((chosen.best, "optimum"), (chosen.highest, "highest_improving"))
    return " + ".join(word for found, word in named if found == number)
