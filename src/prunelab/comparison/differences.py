"""Are two studies different? Tests on replicates, paired where seeds match.

The valley, the sweet spot and the best epoch are not chosen on what they are measured on (judging/crossfit.py): on
one half of the test images by the other replicates, or on validation accuracy where there is a split.
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prunelab import regimes
from prunelab.comparison.grid import Grid, Study
from prunelab.judging import crossfit
from prunelab.studies.sdd import evidence

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Difference:
    """A - B of two samples' means; interval and p are None where replicates are too few."""

    value: float
    low: float | None
    high: float | None
    p: float | None
    paired: bool
    n: int  # pairs, or the smaller sample


def between(a_S: Array, b_S: Array, *, paired: bool) -> Difference:
    """Student's t on differences if paired, Welch's t if not, both with their 95% interval (scipy)."""
    value, n = float(a_S.mean() - b_S.mean()), min(len(a_S), len(b_S))
    if n < 2:
        return Difference(value, None, None, None, paired, n)
    spread = np.ptp(a_S - b_S) if paired else max(np.ptp(a_S), np.ptp(b_S))
    if spread < 1e-12:  # no variance: t is infinite or undefined, and scipy says so aloud
        return Difference(value, value, value, 1.0 if abs(value) < 1e-12 else 0.0, paired, n)
    found = stats.ttest_rel(a_S, b_S) if paired else stats.ttest_ind(a_S, b_S, equal_var=False)
    interval = found.confidence_interval(0.95)
    return Difference(value, float(interval.low), float(interval.high), float(found.pvalue), paired, n)


def measures(run: evidence.Evidence) -> dict[str, Array]:
    """What is compared, for each replicate [S]: last test accuracies at the named rounds, and the dip."""
    validation = run.sparse["validation"]
    split = None if np.isnan(validation).any() else validation

    def at(kind: str, place: int, validation_RS: Array | None = None) -> Array:
        where = crossfit.chosen(run.right[kind], regimes.valley_and_sweet_spot, validation_RS)[:, :, place]
        return np.asarray(crossfit.picked(run.right[kind], where).mean(axis=1), dtype=float)

    dense, valley = run.right["last"][0].mean(axis=1), at("last", 0)
    found = {"dense": dense, "valley": valley, "sweet_spot": at("last", 1, split), "dip": dense - valley}
    return found | {"best epoch": at("best", 1, split)}


def compare(a: Study, b: Study) -> dict[str, Difference]:
    """Every measure of A minus B, over the seeds they share if those are two or more."""
    one, other = a.evidence, b.evidence
    ours, theirs = measures(one), measures(other)
    shared = [seed for seed in one.seeds if seed in other.seeds]
    if len(shared) < 2:
        return {name: between(ours[name], theirs[name], paired=False) for name in ours}
    at_a, at_b = ([run.seeds.index(seed) for seed in shared] for run in (one, other))
    return {name: between(ours[name][at_a], theirs[name][at_b], paired=True) for name in ours}


def pairs(grid: Grid) -> list[tuple[Study, Study]]:
    """Each colour against the first within a panel; where there is one colour only, each panel against the first."""
    groups: dict[Any, list[Study]] = {}
    for key, study in grid.studies.items():
        groups.setdefault(key[:2] if len(grid.values["colours"]) > 1 else None, []).append(study)
    return [(study, group[0]) for group in groups.values() for study in group[1:]]


def table(grid: Grid) -> list[dict[str, Any]]:
    """A row for each pair and measure; `p_adjusted` for as many tests as the table has (Benjamini and Hochberg)."""
    rows = [
        dict(zip(("where", "a", "b"), grid.contrast(a, b), strict=True))
        | {"measure": name, "difference": d.value, "low": d.low, "high": d.high}
        | {"p": d.p, "test": "paired t" if d.paired else "Welch t", "n": d.n}
        for a, b in pairs(grid)
        for name, d in compare(a, b).items()
    ]
    tested = [row for row in rows if row["p"] is not None]
    adjusted = stats.false_discovery_control([row["p"] for row in tested]) if tested else ()
    for row, p in zip(tested, adjusted, strict=True):
        row["p_adjusted"] = float(p)
    return [{**row, "p_adjusted": row.get("p_adjusted")} for row in rows]
