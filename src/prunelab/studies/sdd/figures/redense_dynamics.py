"""Training on after the pruned weights came back, epoch by epoch (SDD Figures 4, 11 and 13)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

LINES = {
    "train_accuracy": ("train (noisy labels)", style.ORANGE, "--"),
    "test_accuracy": ("test", style.BLUE, "-"),
    "permuted_accuracy": ("permuted", style.RED, ":"),
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """One panel for each re-dense round nearest to a named model; the weights come back at the vertical line.

    Each phase is a line of its own, whatever epochs they are counted by.
    """
    rows = tables["redense_dynamics"]
    sparsity = {row["round"]: float(row["sparsity"]) for row in tables["double_descent"]}
    keys = sorted({row["round"] for row in rows})
    figure = plt.figure(figsize=(7.6, 3.0))
    panels = list(np.atleast_1d(figure.subplots(1, len(keys), sharey=True)))
    for axes, key in zip(panels, keys, strict=True):
        some = [row for row in rows if row["round"] == key]
        for column, (label, color, line) in LINES.items():
            for training, named in (("sparse", label), ("redense", None)):
                phase = [row for row in some if row["training"] == training]
                style.band(axes, phase, "epoch", column, color, linestyle=line, label=named)
        axes.axvline(max(r["epoch"] for r in some if r["training"] == "sparse"), color=style.BLACK, linewidth=0.8)
        axes.set_title(f"{key}\n{100 * sparsity[key]:.4g}% sparse")
        axes.set_xlabel("epoch")
    style.accuracy_axis(panels[0])
    panels[0].legend(loc="lower right", fontsize=7, frameon=True, framealpha=1, edgecolor="none")
    style.title(figure, "Sparse, then re-dense", subtitle)
    marks.caption(figure, tables, "At the vertical line the pruned weights come back at zero.")
    return figure
