"""The dense network trained on parts of the training set, beside the sparse network (Lens Figures 9, 10 and 17)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.lens.figures.shown import Shown, star

PARTS = {
    "misclassified": (style.GREEN, "-", "s", "dense, on what it gets right"),
    "improved": (style.ORANGE, "--", "v", "dense, without the top-improved"),
    "worsened": (style.RED, "-.", "^", "dense, small part with the most worsened"),
    "beside_worsened": (style.SKY, ":", "o", "dense, the same with random ones instead"),
}
DRAWN = {
    "random": ("#777777", "dense, without random ones"),
    "again": (style.PURPLE, "dense, all examples, another initialisation"),
}


def draw(shown: Shown, subtitle: str) -> Figure | None:
    """Test error against the sparsity of the network that chose the part; rounds that improve are shaded."""
    if not shown.tables["leave_out"]:
        return None
    figure, axes = plt.subplots(figsize=(6.6, 4.3))
    curve = [_error(row) for row in shown.tables["curve"]]
    style.band(axes, curve, "remaining", "error", style.BLUE, label="sparse network")
    star(axes, shown, curve, "error", style.BLUE)
    for which, (color, line, marker, label) in PARTS.items():
        rows = [_error(row) for row in shown.rows("leave_out", which=which)]
        if rows:
            style.band(
                axes, rows, "remaining", "error", color, linestyle=line, marker=marker, markersize=4, label=label
            )
    for which, (color, label) in DRAWN.items():
        values = [1 - row["test_last"] for row in shown.rows("leave_out", which=which)]
        if values:
            _level(axes, np.array(values), color, label)
    _shade(axes, shown)
    style.accuracy_axis(axes, "test error (%)")
    style.sparsity_axis(axes, shown.tables["curve"])
    axes.legend(loc="lower left", bbox_to_anchor=(0, 1.0), ncols=2, fontsize=8)
    style.title(figure, "What are the left-out examples worth?", subtitle)
    said = f"Star: {shown.chosen.how} the best round. Shaded: rounds better than the dense network. Levels: mean and "
    style.caption(figure, len(shown.seeds), said + "deviation over draws and replicates; they depend on no round.")
    return figure


def _error(row: Mapping[str, Any]) -> dict[str, Any]:
    return {**row, "error": 1 - row["test_last"]}


def _level(axes: Axes, values: Any, color: str, label: str) -> None:
    axes.axhline(values.mean(), color=color, linewidth=1.2, linestyle=(0, (4, 2)), label=label)
    if len(values) > 1:
        spread = values.std(ddof=1)
        axes.axhspan(values.mean() - spread, values.mean() + spread, color=color, alpha=0.12, linewidth=0)


def _shade(axes: Axes, shown: Shown) -> None:
    """Each improving round from half-way to its neighbours, on the log axis."""
    places = np.array([shown.remaining(r) for r in range(len(shown.keys))])
    edges = np.concatenate([[places[0]], np.sqrt(places[:-1] * places[1:]), [places[-1]]])
    for r in shown.chosen.improving:
        axes.axvspan(edges[r], edges[r + 1], color="#e3eef5", zorder=0, linewidth=0)
