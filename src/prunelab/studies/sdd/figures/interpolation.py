"""Loss and accuracy on the straight line from sparse to re-dense solutions (SDD Figures 5 and 14)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

MOST = 6  # panels


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure | None:
    """Above loss, below accuracy, for up to MOST rounds from dense to the last; None where no path was measured."""
    rows = tables["interpolation"]
    keys = sorted({row["round"] for row in rows})
    if not keys:
        return None
    keys = style.spread(keys, MOST)
    figure, grid = plt.subplots(
        2, len(keys), figsize=(max(1.35 * len(keys), 4), 3.9), sharex=True, sharey="row", squeeze=False
    )
    for (upper, lower), key in zip(grid.T, keys, strict=True):
        some = [row for row in rows if row["round"] == key]
        for axes, measure in ((upper, "loss"), (lower, "accuracy")):
            style.band(axes, some, "alpha", f"train_{measure}", style.ORANGE, label="train")
            style.band(axes, some, "alpha", f"test_{measure}", style.BLUE, label="test", linestyle="--")
        upper.set_title(f"{100 * float(some[0]['sparsity']):.4g}%\nsparse")
        lower.set_xlabel("$\\alpha$")
        lower.set_xticks([0, 0.5, 1], ["0", "½", "1"])
    grid[0, 0].set_ylabel("cross-entropy loss")
    style.accuracy_axis(grid[1, 0])
    grid[0, 0].legend(loc="upper left", fontsize=7)
    style.title(figure, "From sparse to re-dense", subtitle)
    marks.caption(figure, tables, "$\\alpha=0$: sparse, $\\alpha=1$: re-dense solution; train: noisy labels.")
    return figure
