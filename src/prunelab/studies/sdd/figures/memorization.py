"""What is memorised: accuracy on permuted, unpermuted and restored labels (SDD Figures 3 and 10)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

LABELS = {
    "permuted": "permuted (noise, by rote)",
    "unpermuted": "unpermuted (clean)",
    "restored": "restored (true labels of the permuted)",
    "test": "test",
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Above, each subset per epoch at the named models; below, at the last epoch against sparsity."""
    figure = plt.figure(figsize=(7.6, 5.9))
    upper, lower = np.asarray(figure.subfigures(2, 1, height_ratios=[1, 1.1]))

    def paint(axes: Axes, rows: style.Rows) -> None:
        for subset in ("permuted", "unpermuted", "restored"):
            color, line = marks.SUBSETS[subset]
            style.band(axes, rows, "epoch", f"{subset}_accuracy", color, linestyle=line)

    marks.model_panels(tables, upper, paint)
    axes = lower.subplots()
    curve = tables["double_descent"]
    for subset, (color, line) in marks.SUBSETS.items():
        rows = [row for row in tables["memorization"] if row["subset"] == subset]
        if rows:
            style.band(axes, rows, "remaining", "accuracy", color, linestyle=line, label=LABELS[subset])
    style.sparsity_axis(axes, curve)
    marks.shade_regimes(axes, curve, names=True)
    style.accuracy_axis(axes, "accuracy, last epoch (%)")
    lower.legend(loc="outside upper center", ncols=4, fontsize=8)
    style.title(figure, "What is memorised", subtitle)
    marks.caption(lower, tables)
    return figure
