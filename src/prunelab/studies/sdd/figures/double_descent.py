"""The heart: train, last test and best test accuracy against sparsity (SDD Figures 1 and 8)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.patheffects import withStroke

from prunelab import style
from prunelab.studies.sdd.figures import marks

# Where the label of a named model stands: offset in points, horizontal and vertical alignment. Each is on the side
# the curve does not pass.
PLACES = {
    "dense": ((5, 9), "left", "bottom"),
    "valley": ((0, -8), "center", "top"),
    "sweet_spot": ((0, -9), "center", "top"),
    "underfitting": ((-9, -2), "right", "center"),
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Two panels with one axis: train above, test below, regimes shaded, named models marked."""
    rows = tables["double_descent"]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.8), sharex=True, height_ratios=[1, 1.5])
    style.band(top, rows, "remaining", "train", style.ORANGE, label="train (noisy labels)")
    style.band(bottom, rows, "remaining", "test_last", style.BLUE, label="test, last epoch")
    style.band(bottom, rows, "remaining", "test_best", style.BLACK, label="test, best epoch", linestyle=":")
    if rows[0]["validation"] is not None:
        style.band(bottom, rows, "remaining", "validation", style.PURPLE, label="validation, last", linestyle="--")
    style.sparsity_axis(bottom, rows)
    for axes in (top, bottom):
        style.accuracy_axis(axes)
        marks.shade_regimes(axes, rows, names=axes is top)
    explained = "Valley and sweet spot are found on test accuracy."
    halo = [withStroke(linewidth=2, foreground="white", alpha=0.8)]  # a label may have to stand on a line
    for row in tables["named_models"]:
        if row["model"] == "best_validation":
            chosen = (1 - float(row["sparsity"]), float(row["test_last"]))
            bottom.plot(*chosen, color=style.PURPLE, **style.STAR)
            explained = f"Star: the round of best validation accuracy, {row['round']}. {explained}"
    for model, row in marks.named(tables).items():
        name, color = marks.MODELS[model]
        point = (1 - float(row["sparsity"]), float(row["test_last"]))
        offset, ha, va = PLACES[model]
        bottom.plot(*point, "o", color=color, markersize=6, zorder=5)
        text = f"{name}\n{100 * point[1]:.1f}%"
        place = {"xytext": offset, "textcoords": "offset points", "ha": ha, "va": va}
        bottom.annotate(text, point, **place, color=color, fontsize=8, zorder=6, path_effects=halo)
    bottom.margins(y=0.22)  # room for the labels above and below the curves
    bottom.set_ylim(bottom=max(bottom.get_ylim()[0], -0.03))
    top.legend(loc="lower left")
    bottom.legend(loc="lower left", bbox_to_anchor=(0, 0.98), ncols=3)
    style.title(figure, "Sparse double descent", subtitle)
    marks.caption(figure, tables, f"The axis is spaced by the weights remaining (log). {explained}")
    return figure
