"""Accuracy against stability, a point a run (the paper's Fig. 2, right, and Fig. 4)."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.stability.figures import marks, relation
from prunelab.studies.stability.shown import Run

MEASURES = {"test": "test accuracy (%)", "gap": "generalisation gap (points)"}


def draw(run: Run, subtitle: str) -> Figure | None:
    """Accuracy above, generalisation gap below; three arms beside all. None with fewer than two pruned arms."""
    sets = [arms for arms in (run.three, marks.gradual(run)) if len(arms) > 1]
    if not sets:
        return None
    if sets[0] == sets[-1]:
        sets = sets[:1]
    figure, grid = plt.subplots(
        2, len(sets), figsize=(3.7 * len(sets) + 1.7, 6.4), sharex="col", sharey="row", squeeze=False
    )
    for column, arms in zip(grid.T, sets, strict=True):
        for axes, measure in zip(column, MEASURES, strict=True):
            stable, value = 100 * run.table(arms, "stability"), 100 * run.table(arms, measure)
            marks.points(axes, run, arms, stable, value)
            told = relation.text(stable, value)
            if measure == "test":
                told += f"\nthe same, on separate halves of the test set {relation.said(relation.halves(run, arms))}"
            axes.set_title(told, fontsize=7.5, loc="left")
        column[-1].set_xlabel("stability (%)")
    for axes, name in zip(grid[:, 0], MEASURES.values(), strict=True):
        axes.set_ylabel(name)
    marks.legend(figure, run, sets[-1])
    style.title(figure, "Accuracy against stability (S1, S2, S16)", subtitle)
    both = " Left: the three arms of the paper's Fig. 2; right: all that prune gradually."
    several = both if len(sets) > 1 else " All arms that prune gradually."
    style.note(
        figure,
        marks.runs_note(run, "Within replicates: each replicate's mean over arms is taken from both.") + several,
    )
    return figure
