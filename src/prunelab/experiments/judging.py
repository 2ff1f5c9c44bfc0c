"""All verdicts on several runs: the nine claims on each study, and on all together what compares them."""

from collections.abc import Mapping, Sequence
from typing import Any

from prunelab.analysis import deciding, verdicts
from prunelab.experiments import claims
from prunelab.experiments.grid import Grid
from prunelab.experiments.runs import Run

TOGETHER = "all together"
Judged = Mapping[str, Mapping[str, Any]]  # as metrics/claims.json


def judged(runs: Sequence[Run], grid: Grid) -> list[tuple[str, Judged]]:
    """A title and verdicts for each study of the grid, whose runs' replicates count as one's; then for all together."""
    found: list[tuple[str, Judged]] = []
    several = len(grid.studies) > 1
    for study in grid.studies.values():
        by_number = verdicts.verdicts(study.evidence)
        if several:  # judged below
            by_number = {number: claim for number, claim in by_number.items() if number not in claims.COMPARING}
        settings = {**study.runs[0].settings, "seeds": study.evidence.seeds}
        found.append((grid.title(study), deciding.as_json(by_number, settings)))
    if several:
        seeds = sorted({seed for study in grid.studies.values() for seed in study.evidence.seeds})
        settings = {**runs[0].settings, "seeds": seeds}
        found.append((TOGETHER, deciding.as_json(claims.all_of(runs), settings)))
    return found
