"""All that a run left, as its figures and verdicts use it; and as tables that git keeps."""

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from prunelab.core import artifacts, halves
from prunelab.studies.stability import gather, places
from prunelab.studies.stability.flatness import keeping
from prunelab.studies.stability.parameters import arm_names, flatness_arms
from prunelab.studies.stability.shown import Array, Run

if TYPE_CHECKING:
    from prunelab.config import Config

MEASURED = ("flatness", "eigenvalues", "spectrum", "layers", "along")


def read(params: "Config", tests: int) -> Run:
    """Every replicate of every arm that the parameters name; what else lies in the folders is not looked at.

    Args:
        params: all.
        tests: T, of test images.

    Raises:
        UserError: a file is missing or damaged; it is named.
    """
    settings, seeds = params.stability, params.seeds
    names, half_T = arm_names(settings), halves.first(tests)
    end = max(settings.spans[1])
    arms, right = [], {}
    tables: dict[str, list[dict[str, Any]]] = {"events": [], "dynamics": []}
    for name in names:
        replicates = [gather.Replicate.read(name, seed, tests, end) for seed in seeds]
        for one in replicates:
            cost = gather.reliance(name, one.seed) if gather.named(name).temporary else None
            arms.append(one.row(half_T, cost))
            tables["events"] += one.events
            tables["dynamics"] += one.dynamics
        right[name] = np.array([one.right_T for one in replicates])
    return Run(settings, seeds, arms, right, tables | _flatness(params), params.flatness.data)


def _flatness(params: "Config") -> dict[str, list[dict[str, Any]]]:
    found: dict[str, list[dict[str, Any]]] = {name: [] for name in MEASURED}
    for arm in flatness_arms(params):
        for seed in params.seeds:
            row, more = keeping.read(arm, seed, params.flatness.alphas)
            found["flatness"].append(row)
            for name, rows in more.items():
                found[name] += rows
    return found


def write(folder: Path, run: Run) -> None:
    """What git keeps of a run, but for the figures; tables that have no row are not written."""
    artifacts.write_table(folder / places.ARM_TABLE.name, run.arms, gather.ARM_COLUMNS)
    for name, rows in run.tables.items():
        if rows:
            columns = {"events": gather.EVENTS, "dynamics": gather.DYNAMICS}.get(name, ())
            artifacts.write_table(folder / f"{name}.csv", rows, columns)
    artifacts.write_arrays(folder / places.TEST_EXAMPLES, examples(run))


def examples(run: Run) -> dict[str, Array]:
    """How often each test image was right [S, T] uint8 of the last epochs, by arm; in float16, as it is 0 to 1."""
    return {name: values.astype(np.float16) for name, values in run.right.items()}
