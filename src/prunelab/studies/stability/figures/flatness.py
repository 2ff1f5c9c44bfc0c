"""How flat arms end, against their stability and their accuracy (the paper's Figs. 6 and E5)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.stability.figures import marks, relation
from prunelab.studies.stability.flatness import FARTHEST, HIGHER, STEP
from prunelab.studies.stability.shown import FLATNESS, Run

# Of shown.FLATNESS, with labels.
MEASURES = {
    "log H": "sum of the largest\nHessian eigenvalues, H (log)",
    "log C": "squared gradient norm,\nmean over examples, C (log)",
    "log TIC": "TIC: C / H (log)",
    "epsilon": "ε-flatness",
}
ROWS = {"stability": "stability (%)", "test": "test accuracy (%)"}


def draw(run: Run, subtitle: str) -> Figure | None:
    """A column a measure; None where none was taken."""
    arms = run.flat_arms
    if not arms:
        return None
    figure, grid = plt.subplots(2, len(MEASURES), figsize=(11.2, 5.0), sharex="col", sharey="row")
    for axes_row, (column, name) in zip(grid, ROWS.items(), strict=True):
        value = 100 * run.table(arms, column)
        for axes, (measure, label) in zip(axes_row, MEASURES.items(), strict=True):
            found, logarithm = run.flatness(arms, measure), FLATNESS[measure][1]
            marks.points(axes, run, arms, np.exp(found) if logarithm else found, value)
            some = [arms.index(arm) for arm in run.of_figure_6]
            told = relation.within(found[some], value[some])
            axes.set_title(f"within replicates {relation.said(told)}", fontsize=8)
            if logarithm:
                marks.log_axis(axes, "x")
            if column == "test":
                axes.set_xlabel(label)
        axes_row[0].set_ylabel(name)
    marks.legend(figure, run, arms)
    style.title(figure, "Flatness against stability and accuracy (S12, S13)", subtitle)
    style.note(
        figure,
        marks.runs_note(
            run,
            "r: with the logarithm, but for ε: the shortest way along a top eigenvector to a "
            f"{run.flat_on} loss higher by {HIGHER:g}, {FARTHEST + STEP:g} where there is none up to {FARTHEST:g}; of "
            "arms unpruned, pruned before training or gradually while it goes on. Measured where training ends.",
        ),
    )
    return figure
