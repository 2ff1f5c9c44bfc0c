"""A run's tables as figures and verdicts use them: arms by name, replicates side by side. A arms, S replicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prunelab.studies.stability.flatness import FARTHEST, STEP
from prunelab.studies.stability.parameters import NONE, SCRATCH

if TYPE_CHECKING:
    from prunelab.studies.stability.parameters import Stability

Array = NDArray[np.float64]
Row = Mapping[str, Any]
Rows = Sequence[Row]
# Measures of flatness: the column, and whether its logarithm is related. H is the sum of the largest eigenvalues, C
# the mean squared gradient of an example.
FLATNESS = {
    "log H": ("eigenvalue_sum", True),
    "log C": ("gradient_norm2", True),
    "log TIC": ("tic_sum", True),
    "epsilon": ("epsilon", False),
    "log trace": ("trace", True),
    "log TIC by trace": ("tic_trace", True),
}


@dataclass(frozen=True)
class Run:
    """What a run found.

    Attributes:
        settings: the study's parameters.
        seeds: replicates.
        arms: a row for each arm and seed (gather.ARM_COLUMNS).
        right: by arm, how often each test image was right in the last epochs [S, T], from 0 to 1.
        tables: others by name: events, dynamics, flatness, eigenvalues, spectrum, along, layers; without rows where
            nothing was measured.
        flat_on: the set on which flatness was measured, test or train.
    """

    settings: "Stability"
    seeds: Sequence[int]
    arms: Rows
    right: Mapping[str, Array]
    tables: Mapping[str, Rows] = field(default_factory=dict)
    flat_on: str = "test"

    @property
    def names(self) -> list[str]:
        """Of all arms, in the order of the pipeline."""
        return list(dict.fromkeys(row["arm"] for row in self.arms))

    def values(self, arm: str, column: str) -> Array:
        """A column of an arm [S], nan where it is empty."""
        found = {row["seed"]: row[column] for row in self.arms if row["arm"] == arm}
        return np.array([found.get(seed) for seed in self.seeds], dtype=float)

    def mean(self, arm: str, column: str) -> float:
        """Over its replicates."""
        return float(self.values(arm, column).mean())

    def table(self, arms: Sequence[str], column: str) -> Array:
        """A column of several arms [A, S]."""
        return np.array([self.values(arm, column) for arm in arms])

    def flat(self, arms: Sequence[str], column: str) -> Array:
        """A column of the table `flatness` [A, S], nan where it is empty."""
        found = {(row["arm"], row["seed"]): row[column] for row in self.tables.get("flatness", ())}
        return np.array([[found.get((arm, seed)) for seed in self.seeds] for arm in arms], dtype=float)

    def flatness(self, arms: Sequence[str], name: str) -> Array:
        """One of FLATNESS [A, S], nan where it was not measured or has no logarithm.

        Where no step up to the farthest raises the loss enough, epsilon counts as the next one.
        """
        column, logarithm = FLATNESS[name]
        values = self.flat(arms, column)
        if logarithm:
            return np.log(np.where(values > 0, values, np.nan))
        measured = np.isfinite(self.flat(arms, "trace"))
        return np.where(measured & np.isnan(values), FARTHEST + STEP, values)

    def of(self, scheme: str) -> list[str]:
        """Arms with this scheme (prune, scratch, dropout, zeroing, ...)."""
        return [name for name in self.names if self.about(name)["scheme"] == scheme]

    def about(self, arm: str) -> Row:
        """The first row of an arm, for what all its replicates share."""
        return next(row for row in self.arms if row["arm"] == arm)

    def targeting(self, target: str, *, one_shot: bool = True) -> list[str]:
        """Arms that prune this target while training, by period; with or without those of one event per layer."""
        found = [name for name in self.of("prune") if self.about(name)["target"] == target]
        return [name for name in found if one_shot or not self.one_shot(name)]

    def one_shot(self, arm: str) -> bool:
        """Whether each layer is pruned in one event."""
        return self.about(arm)["period"] not in self.settings.gradual

    @property
    def flat_arms(self) -> list[str]:
        """Arms whose flatness was measured."""
        there = {row["arm"] for row in self.tables.get("flatness", ())}
        return [name for name in self.names if name in there]

    @property
    def of_figure_6(self) -> list[str]:
        """Those of them that the paper relates: unpruned, pruned before training, and gradually while it goes on."""
        gradual = [name for name in self.pruned if not self.one_shot(name)]
        return [name for name in self.flat_arms if name in (NONE, SCRATCH, *gradual)]

    @property
    def three(self) -> list[str]:
        """The arms of the paper's Figure 2: smallest often, smallest rarely, largest rarely; [] where one lacks.

        One-shot arms are left out: they are far from all others, and would decide alone.
        """
        small, large = (self.targeting(target, one_shot=False) for target in ("smallest", "largest"))
        return [small[0], small[-1], large[-1]] if len(small) > 1 and large else []

    @property
    def noisy(self) -> bool:
        """Whether labels were wrong: drawn so, or brought by the data."""
        return bool(np.isfinite(self.values(NONE, "permuted")).any())

    @property
    def pruned(self) -> list[str]:
        """Arms that prune while training."""
        return self.of("prune")
