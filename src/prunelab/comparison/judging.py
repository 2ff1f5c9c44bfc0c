"""All verdicts on several runs: the nine claims on each study, and on all together what compares them."""

from collections.abc import Mapping, Sequence
from typing import Any

from prunelab.comparison import across
from prunelab.comparison.grid import Grid
from prunelab.comparison.runs import Run
from prunelab.judging import deciding
from prunelab.studies.sdd import claims

TOGETHER = "all together"
Judged = Mapping[str, Mapping[str, Any]]  # as plots/sdd/claims.json


def judged(runs: Sequence[Run], grid: Grid) -> list[tuple[str, Judged]]:
    """A title and verdicts for each study of the grid, whose runs' replicates count as one's; then for all together."""
    found: list[tuple[str, Judged]] = []
    several = len(grid.studies) > 1
    for study in grid.studies.values():
        by_number = claims.verdicts(study.evidence)
        if several:  # judged below
            by_number = {number: claim for number, claim in by_number.items() if number not in across.COMPARING}
        settings = {**study.runs[0].settings, "seeds": study.evidence.seeds}
        found.append((grid.title(study), deciding.as_json(by_number, settings)))
    if several:
        seeds = sorted({seed for study in grid.studies.values() for seed in study.evidence.seeds})
        settings = {**runs[0].settings, "seeds": seeds}
        found.append((TOGETHER, deciding.as_json(across.all_of(runs), settings)))
    return found
