"""A sparse round beside what else was trained from it: the panels that redense and reinit share."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks


def draw(
    tables: Mapping[str, list[dict[str, Any]]], name: str, panels: Mapping[str, str], labels: tuple[str, str], x: str
) -> Figure:
    """One panel per column against sparsity, the sparse rounds and the others in each.

    Args:
        tables: as every figure's.
        name: the table, and its `training` other than sparse.
        panels: column -> title; columns that were not measured are left out.
        labels: of the sparse rounds and of the others.
        x: label of the axis.
    """
    rows, curve = tables[name], tables["double_descent"]
    panels = {c: title for c, title in panels.items() if any(row[c] is not None for row in rows)}
    figure, grid = plt.subplots(1, len(panels), figsize=(max(2.6 * len(panels), 6.4), 3.1), sharey=True, squeeze=False)
    for axes, (column, title) in zip(grid[0], panels.items(), strict=True):
        for kind, color, line, label in (
            ("sparse", style.BLUE, "-", labels[0]),
            (name, style.RED, "--", labels[1]),
        ):
            some = [row for row in rows if row["training"] == kind]
            style.band(axes, some, "remaining", column, color, linestyle=line, label=label, marker="o", markersize=3)
        style.sparsity_axis(axes, curve, narrow=True)
        marks.shade_regimes(axes, curve, names=False)
        axes.set_xlabel(x)
        axes.set_title(title)
    style.accuracy_axis(grid[0, 0])
    grid[0, 0].legend(loc="best")
    marks.caption(figure, tables, "Shading: regimes as in double_descent.")
    return figure
