"""Statistics of tidy tables by round: rows with `round` and `seed` -> replicates side by side, their mean and spread.

R rounds, S replicates.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Rows = Sequence[Mapping[str, Any]]


def grouped(rows: Rows, column: str, *places: str) -> dict[tuple[Any, ...], dict[Any, Any]]:
    """A column's values by seed, for each place (default: each `round`) in order of appearance.

    Raises ValueError if a replicate is there twice: those rows differ in what they are not grouped by.
    """
    groups: dict[tuple[Any, ...], dict[Any, Any]] = {}
    for row in rows:
        place = tuple(row.get(name, "") for name in places or ("round",))
        group = groups.setdefault(place, {})
        if row["seed"] in group:
            named = zip(places or ("round",), place, strict=True)
            where = ", ".join(f"{name} {value}" for name, value in named if value != "")
            raise ValueError(f"{column}: two values of seed {row['seed']} at {where}")
        group[row["seed"]] = row[column]
    return groups


def array(rows: Rows, column: str, rounds: Sequence[str], seeds: Sequence[int]) -> Array:
    """A column as [R, S], nan where there is no value."""
    groups = grouped(rows, column)
    return np.array([[groups.get((key,), {}).get(seed) for seed in seeds] for key in rounds], dtype=float)


def mean(rows: Rows, column: str) -> Array:
    """The mean over replicates, for each round in order of appearance [R]; nan where it is empty."""
    return np.array([mean_std(values.values())[0] for values in grouped(rows, column).values()], dtype=float)


def mean_std(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation (n - 1), each None where it was not measured.

    That is: both if a value is missing, the deviation if there is one value only.
    """
    found = np.array(list(values), dtype=float)  # None becomes nan
    if np.isnan(found).any():
        return None, None
    return float(found.mean()), float(found.std(ddof=1)) if len(found) > 1 else None
