"""The heart: train, last test and best test accuracy against sparsity (SDD Figures 1 and 8)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab.figures import style


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Two panels with one axis: train above, test below, regimes shaded, named models marked."""
    rows = tables["double_descent"]
    figure, (top, bottom) = plt.subplots(2, 1, figsize=(6.4, 5.4), sharex=True, height_ratios=[1, 1.5])
    style.band(top, rows, "remaining", "train", style.ORANGE, label="train (noisy labels)")
    style.band(bottom, rows, "remaining", "test_last", style.BLUE, label="test, last epoch")
    style.band(bottom, rows, "remaining", "test_best", style.BLACK, label="test, best epoch", linestyle=":")
    style.sparsity_axis(bottom, rows)
    for axes in (top, bottom):
        style.accuracy_axis(axes)
        style.shade_regimes(axes, rows, names=axes is top)
    for row in tables["named_models"]:
        if row["model"] in style.MODELS:
            name, color = style.MODELS[row["model"]]
            remaining = 1 - float(row["sparsity"])
            low = row["model"] in ("valley", "underfitting")
            bottom.plot(remaining, row["test_last"], "o", color=color, markersize=6, zorder=5)
            bottom.annotate(
                f"{name.splitlines()[0]}\n{100 * row['test_last']:.1f}%",
                (remaining, row["test_last"]),
                textcoords="offset points",
                xytext=(0, -7 if low else 7) if row["model"] != "dense" else (5, 9),
                ha="left" if row["model"] == "dense" else "center",
                va="top" if low else "bottom",
                color=color,
                fontsize=8,
            )
    bottom.margins(y=0.22)
    top.legend(loc="lower left")
    bottom.legend(loc="upper left")
    figure.suptitle(f"Sparse double descent: {subtitle}", fontsize=10)
    n = tables["named_models"][0]["n"]
    style.caption(
        figure,
        f"Lines: mean of {n} replicate{'s' if n > 1 else ''}; bands: one standard deviation. "
        "The axis is spaced by the weights remaining (log).",
    )
    return figure
