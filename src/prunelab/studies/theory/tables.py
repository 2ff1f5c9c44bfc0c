"""The study's tables as they are read: every cell of its kind, every row there, or the file is named.

P shares of weights kept, S replicates.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts
from prunelab.studies.theory import places
from prunelab.studies.theory.network.measures import COLUMNS, MAY_BE_EMPTY

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

Array = NDArray[np.float64]
Row = dict[str, Any]
RACE = ("kept", "seed", "step", "loss", "signal", "noise")


@dataclass(frozen=True)
class Curve:
    """A run's rows by column [P, S]; empty cells are nan."""

    kept: Array  # [P], falling from 1
    seeds: tuple[int, ...]
    columns: dict[str, Array]

    def __getitem__(self, name: str) -> Array:
        return self.columns[name]

    def mean(self, name: str) -> Array:
        """Over the replicates that have one [P]; nan where none has."""
        there = ~np.isnan(self[name])
        total = np.where(there, self[name], 0.0).sum(axis=1)
        return np.where(there.any(axis=1), total / np.maximum(there.sum(axis=1), 1), np.nan)


def curve(rows: Sequence[Row]) -> Curve:
    """The rows of a run side by side.

    Raises ValueError if one is lacking, or there twice.
    """
    kept = sorted({float(row["kept"]) for row in rows}, reverse=True)
    seeds = sorted({int(row["seed"]) for row in rows})
    place = {(float(row["kept"]), int(row["seed"])): row for row in rows}
    if len(place) != len(rows) or len(place) != len(kept) * len(seeds):
        raise ValueError("not one row for each share of weights kept and each seed")
    found = {
        name: np.array([[place[p, seed][name] for seed in seeds] for p in kept], dtype=float)
        for name in COLUMNS
        if name not in ("kept", "seed")
    }
    return Curve(np.array(kept), tuple(seeds), found)


def read(theory: "Theory") -> list[Row]:
    """What all replicates left: a row for each p and seed, p by p. Raises UserError that names a damaged file."""
    rows = []
    for seed in theory.seeds:
        path = artifacts.replicate(places.RUNS, seed) / places.SWEEP
        found = _numbers(path, COLUMNS)
        with artifacts.reading(path):
            if [(row["kept"], row["seed"]) for row in found] != [(p, seed) for p in theory.kept]:
                raise ValueError("has other rows than one for each of theory.kept")
        rows += found
    return sorted(rows, key=lambda row: -float(row["kept"]))


def race(seed: int, kept: Sequence[float]) -> list[Row]:
    """How some runs of a replicate went, step by step. Raises UserError that names a damaged file."""
    path = artifacts.replicate(places.RUNS, seed) / places.RACE
    rows = _numbers(path, RACE)
    with artifacts.reading(path):
        if lacking := {*kept} - {row["kept"] for row in rows}:
            raise ValueError(f"has no row of kept={min(lacking)}")
    return [row for row in rows if row["kept"] in kept]


def margins(theory: "Theory", seed: int) -> NDArray[np.float32]:
    """Of the fresh examples of a replicate, at each p [P, T]. Raises UserError that names a damaged file."""
    path = artifacts.replicate(places.RUNS, seed) / places.MARGINS
    found = artifacts.read_arrays(path, ["margins"])["margins"]
    with artifacts.reading(path):
        if found.dtype != np.float32 or found.shape != (len(theory.kept), theory.test_examples):
            raise ValueError(f"margins is {found.dtype} {found.shape}, not one for each p and fresh example")
        if not np.isfinite(found).all():
            raise ValueError("margins are no numbers")
    return found


def _numbers(path: Path, columns: Sequence[str]) -> list[Row]:
    rows = artifacts.read_table(path, columns)
    with artifacts.reading(path):
        for number, row in enumerate(rows, 1):
            for name in columns:
                value = row[name]
                if value is None and name in MAY_BE_EMPTY:
                    continue
                if not isinstance(value, int | float) or not isfinite(value):
                    raise ValueError(f"row {number}: {name} is {value!r:.20}, no number")
    return rows
