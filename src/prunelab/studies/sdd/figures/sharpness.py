"""How sharp solutions are: loss along random lines; top eigenvalue and trace of the Hessian (SDD Figure 6, poster)."""

from collections.abc import Mapping
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

KINDS = {"sparse": (style.BLUE, "-", "sparse"), "redense": (style.RED, "--", "re-dense")}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure | None:
    """Lines around sparse and re-dense solutions, coloured by sparsity; curvature against sparsity."""
    if not tables["curvature"]:
        return None
    figure, grid = plt.subplots(2, 2, figsize=(7.0, 5.6))
    for axes, kind in zip(grid[0], KINDS, strict=True):
        _lines(axes, [row for row in tables["lines"] if row["training"] == kind])
        axes.set_title(f"around {KINDS[kind][2]} solutions")
    grid[0, 0].set_ylabel("train loss (symlog)")
    for axes, (column, label) in zip(
        grid[1], {"eigenvalue": "top Hessian eigenvalue", "trace": "trace of the Hessian"}.items(), strict=True
    ):
        for kind, (color, line, name) in KINDS.items():
            some = [row for row in tables["curvature"] if row["training"] == kind]
            style.band(axes, some, "remaining", column, color, linestyle=line, label=name, marker="o", markersize=3)
        style.sparsity_axis(axes, tables["double_descent"], narrow=True)
        marks.shade_regimes(axes, tables["double_descent"], names=False)
        axes.set_ylabel(label)
    grid[1, 0].legend(loc="best")
    style.title(figure, "Sharpness", subtitle)
    marks.caption(figure, tables, "Lines: random, filter-normalised; radius 1 is a filter's own length.")
    return figure


def _lines(axes: Axes, rows: style.Rows) -> None:
    keys = sorted({row["round"] for row in rows})
    shades = matplotlib.colormaps["viridis_r"]
    for number, key in enumerate(keys):
        some = [row for row in rows if row["round"] == key]
        color = matplotlib.colors.to_hex(shades(0.08 + 0.92 * number / max(1, len(keys) - 1)))
        style.band(axes, some, "radius", "train_loss", color, label=f"{100 * float(some[0]['sparsity']):.4g}%")
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, 12 * max(1.0, axes.get_ylim()[1]))  # room for the legend
    axes.set_xlabel("radius along the line")
    axes.legend(title="sparsity", fontsize=7, title_fontsize=7, loc="upper center", ncols=2)
