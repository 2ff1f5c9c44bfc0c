"""Whether arms differ in how much they fit: test accuracy against that on training labels, right and wrong ones."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prunelab import style
from prunelab.studies.stability import claims
from prunelab.studies.stability.figures import marks, relation
from prunelab.studies.stability.shown import Run

GUARD = 100 * claims.GUARD  # % of the training labels: the paper compares networks that fit them all


def draw(run: Run, subtitle: str) -> Figure:
    """A point a run; the second panel is there where labels were permuted."""
    panels = {"train": "train accuracy (%)"}
    if np.isfinite(run.table(run.names, "permuted")).any():
        panels["permuted"] = "accuracy on permuted labels (%)"
    figure, grid = plt.subplots(1, len(panels), figsize=(3.7 * len(panels) + 2.0, 4.2), sharey=True, squeeze=False)
    test = 100 * run.table(run.names, "test")
    for axes, (column, name) in zip(grid[0], panels.items(), strict=True):
        marks.points(axes, run, run.names, 100 * run.table(run.names, column), test, join=False)
        axes.set_xlabel(name)
        axes.set_title(_related(run, column), fontsize=8, loc="left")
    dashed: dict[str, Any] = {"color": style.BLACK, "linestyle": "--", "linewidth": 1}
    grid[0, 0].axvline(GUARD, **dashed)
    grid[0, 0].set_ylabel("test accuracy (%)")
    guard = Line2D([], [], label=f"{GUARD:g}% of labels fitted", **dashed)
    marks.legend(figure, run, run.names, extra=[guard])
    style.title(figure, "Accuracy against how much arms fit (the condition of S1 to S3; S17)", subtitle)
    style.note(
        figure,
        f"A point a run: {marks.replicates(run)} an arm. Correlations are over arms that prune gradually; that of test "
        f"accuracy with stability: {relation.said(_r(run, 'stability'))}. Left of the dashed line the paper's own "
        "condition fails: fitting less, not noise, may explain accuracy.",
    )
    return figure


def _r(run: Run, column: str) -> float | None:
    arms = marks.gradual(run)
    return relation.within(run.table(arms, column), run.table(arms, "test")) if len(arms) > 1 else None


def _related(run: Run, column: str) -> str:
    return f"within replicates {relation.said(_r(run, column))}"
