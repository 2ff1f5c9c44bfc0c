"""What was measured of one replicate of one arm, on disk."""

from collections.abc import Sequence
from math import isfinite
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunelab.core import artifacts
from prunelab.studies.stability import places

if TYPE_CHECKING:
    from prunelab.studies.stability.flatness.measure import Found

Row = dict[str, Any]
NUMBERS = (
    *("parameters", "loss", "accuracy", "eigenvalue_sum", "top", "trace", "trace_error"),
    *("gradient_norm2", "gradient_covariance", "tic_sum", "tic_trace", "epsilon"),
)
MAY_BE_EMPTY = ("epsilon", "eigenvalue_sum", "top", "tic_sum", "tic_trace")
TABLES = {
    places.SPECTRUM: ("eigenvalue", "weight"),
    places.LAYERS: ("layer", "parameters", "eigenvalue", "trace"),
    places.ALONG: ("vector", "e", "loss"),
}


def keep(folder: Path, arm: str, seed: int, found: "Found") -> None:
    """Write a replicate's into its (unfinished) folder."""
    artifacts.write_json(folder / artifacts.RECORD, {"arm": arm, "seed": seed, **found.record})
    for name, rows in zip(TABLES, (found.spectrum, found.layers, found.along), strict=True):
        artifacts.write_table(folder / name, rows, TABLES[name])


def read(arm: str, seed: int, alphas: Sequence[float]) -> tuple[Row, dict[str, list[Row]]]:
    """The record as a row, and `eigenvalues`, `spectrum`, `layers`, `along`, each with arm and seed.

    Raises UserError that names a damaged file, or one of another arm.
    """
    folder = artifacts.replicate(artifacts.of_round(places.FLATNESS, arm), seed)
    path = folder / artifacts.RECORD
    record = artifacts.read_json(path, ("arm", "seed", "eigenvalues", "effective", *NUMBERS))
    at = {"arm": arm, "seed": seed}
    with artifacts.reading(path):
        if (record["arm"], record["seed"]) != (arm, seed):
            raise ValueError(f"is that of {record['arm']!r:.40}, seed {record['seed']!r:.40}")
        row = at | {name: _number(record[name], name) for name in NUMBERS}
        names = [f"{alpha:g}" for alpha in alphas] if record["effective"] else []
        row |= {f"effective_{name}": _number(record["effective"][name], name) for name in names}
        values = [_number(value, "eigenvalues") for value in record["eigenvalues"]]
    tables = {"eigenvalues": [at | {"rank": rank, "eigenvalue": value} for rank, value in enumerate(values, 1)]}
    for name, columns in TABLES.items():
        rows = artifacts.read_table(folder / name, columns)
        with artifacts.reading(folder / name):
            for one in rows:
                for column in columns:
                    if column != "layer":
                        _number(one[column], column)
        tables[Path(name).stem] = [at | {column: one[column] for column in columns} for one in rows]
    return row, tables


def _number(value: Any, name: str) -> float | None:
    """As it is; some may be None. Raises ValueError for what is no finite number."""
    if value is None and name in MAY_BE_EMPTY:
        return None
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise ValueError(f"{name} is {value!r:.20}, no number")
    return value
