"""Training dynamics of the named models: train and test accuracy per epoch (SDD Figures 2 and 9)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """One panel per named model, from dense to underfitting."""

    def paint(axes: Axes, rows: style.Rows) -> None:
        style.band(axes, rows, "epoch", "train_accuracy", style.ORANGE, label="train (noisy labels)", linestyle="--")
        style.band(axes, rows, "epoch", "test_accuracy", style.BLUE, label="test")

    figure = plt.figure(figsize=(7.6, 3.0))
    panels = marks.model_panels(tables, figure, paint)
    panels[-1].legend(loc="best", fontsize=7.5)
    style.title(figure, "Training dynamics", subtitle)
    marks.caption(figure, tables)
    return figure
