"""From the nodes of the Hessians' spectra to tidy tables: densities on one grid, effective dimensions, layers."""

from collections.abc import Mapping, Sequence

import numpy as np

from prunelab.landscape.spectrum import Spectrum, Vector, smoothed
from prunelab.studies.sdd.tables import LAYERS, LINEAR, POINT, Row

TRAININGS = ("sparse", "redense")
# Densities are over u = asinh(l / LINEAR) of an eigenvalue l: about l / LINEAR near 0, a logarithm far from it, where a
# unit of u is a factor of e.
STEP = 0.25  # of the grid of u
WIDTH = 0.5  # of the Gaussian in which each node is spread: about as far apart are the nodes of some dozen steps
# What stands for less than this part of an eigenvalue makes the grid no longer.
SEEN = 0.01
LEAST = 1e-12  # a density below is 0

Nodes = Mapping[tuple[str, int], Sequence[Row]]  # by round and seed


def density(records: Sequence[Row], nodes: Nodes) -> list[Row]:
    """The share of eigenvalues per unit of u, at eigenvalues `at` that are the same for all rounds and replicates."""
    found = {
        (r["round"], r["seed"], of): _points(nodes[r["round"], r["seed"]], of)
        for r in records
        if nodes
        for of in TRAININGS
    }
    if not found:
        return []
    seen = np.concatenate([np.arcsinh(values[weights > SEEN] / LINEAR) for values, weights in found.values()])
    grid = STEP * np.arange(np.floor(seen.min() / STEP) - 8, np.ceil(seen.max() / STEP) + 9)
    rows = []
    for r in records:
        for of in TRAININGS:
            values, weights = found[r["round"], r["seed"], of]
            heights = smoothed(np.arcsinh(values / LINEAR), weights, grid, WIDTH)
            rows += [
                _point(r)
                | {"training": of, "at": float(LINEAR * np.sinh(u)), "density": float(h) if h > LEAST else 0.0}
                for u, h in zip(grid, heights, strict=True)
            ]
    return rows


def effective_dimension(records: Sequence[Row], nodes: Nodes, alphas: Sequence[float]) -> list[Row]:
    """How many parameters the data determine (landscape/spectrum.py), for each alpha."""
    rows = []
    for r in records if nodes else ():
        for of in TRAININGS:
            found = Spectrum(np.empty(0), *_points(nodes[r["round"], r["seed"]], of))
            rows += [
                _point(r) | {"training": of, "alpha": alpha, "dimension": found.effective_dimension(alpha)}
                for alpha in alphas
            ]
    return rows


def curvature_by_layer(records: Sequence[Row], layers: Nodes) -> list[Row]:
    """Largest eigenvalue and trace of each layer's own diagonal block of the Hessian, and how large that is."""
    return [
        _point(r) | {"training": row["solution"]} | {name: row[name] for name in LAYERS if name != "solution"}
        for r in records
        for row in layers.get((r["round"], r["seed"]), ())
    ]


def _points(rows: Sequence[Row], of: str) -> tuple[Vector, Vector]:
    some = [(row["eigenvalue"], row["weight"]) for row in rows if row["solution"] == of]
    values, weights = np.array(some, dtype=np.float64).T
    return values, weights


def _point(record: Row) -> Row:
    return {name: record[name] for name in POINT}
