"""What the claims are judged on: one run's records as arrays over rounds and replicates.

R rounds (from the dense one on), S replicates, T test examples.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Row = Mapping[str, Any]
MEASURES: dict[str, Callable[[Row], Any]] = {
    "train": lambda r: r["last"]["train_accuracy"],
    "test_last": lambda r: r["last"]["test_accuracy"],
    "permuted": lambda r: r["last"]["permuted_accuracy"],
    "unpermuted": lambda r: r["last"]["unpermuted_accuracy"],
    "restored": lambda r: r["last"]["restored_accuracy"],
    "from_start": lambda r: r["distance"]["from_start"],
}


@dataclass(frozen=True)
class Run:
    """What a run left behind; nan where something was not measured."""

    noise: float
    rounds: list[str]
    sparsity_R: Array
    regime_R: list[str]
    models: Mapping[str, int]
    sparse: Mapping[str, Array]  # name in MEASURES -> [R, S]
    redense: Mapping[str, Array]
    reinit: Mapping[str, Array]
    right: Mapping[int, NDArray[np.bool_]]  # round number -> [S, T], for the named models
    eigenvalue: Mapping[str, Array]  # sparse, redense -> [R, S], the largest
    climb_RS: Array  # of the path, as a share of its range

    def high(self, measure: Array) -> list[int]:
        """Rounds of the high regime for which a measure exists."""
        return [r for r, regime in enumerate(self.regime_R) if regime == "high" and np.isfinite(measure[r]).all()]

    def examples(self, better: int, worse: int) -> Array | None:
        """Difference of right answers per test example, mean over replicates [T]; None if not stored."""
        if better not in self.right or worse not in self.right:
            return None
        return np.asarray(self.right[better].mean(axis=0) - self.right[worse].mean(axis=0), dtype=float)


def measured(
    records: Sequence[Row], rounds: Sequence[str], seeds: Sequence[int], what: Callable[[Row], float | None]
) -> Array:
    """One number of each record [R, S]; nan where there is no record, or nothing in it."""
    found = {(r["round"], r["seed"]): what(r) for r in records}
    return np.array([[found.get((key, seed)) for seed in seeds] for key in rounds], dtype=float)


def all_measured(records: Sequence[Row], rounds: Sequence[str], seeds: Sequence[int]) -> dict[str, Array]:
    """Every one of MEASURES."""
    return {name: measured(records, rounds, seeds, what) for name, what in MEASURES.items()}
