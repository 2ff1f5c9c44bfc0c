"""The Hessian's spectrum: its density, the effective dimension, and each layer's largest eigenvalue."""

import math
from collections.abc import Mapping
from typing import Any

import matplotlib
import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from prunelab import style
from prunelab.studies.sdd.figures import marks
from prunelab.studies.sdd.figures.sharpness import KINDS
from prunelab.studies.sdd.tables import LINEAR

MOST = 5  # rounds, and layers
LEAST = 5e-7  # a density as good as none: what is below is the smoothing's own tails
COLORS = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.ORANGE)


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure | None:
    """Densities around sparse and re-dense solutions, coloured by sparsity; two measures against sparsity."""
    if not tables["spectrum"]:
        return None
    figure, grid = plt.subplots(2, 2, figsize=(7.0, 5.9))
    for axes, kind in zip(grid[0], KINDS, strict=True):
        _densities(axes, [row for row in tables["spectrum"] if row["training"] == kind])
        axes.set_title(f"around {KINDS[kind][2]} solutions")
        axes.set_ylim(2 * LEAST, 2000)  # room for the legend
    grid[0, 0].set_ylabel("share of eigenvalues\nper unit of the axis (log)")
    _against_sparsity(grid[1, 0], tables, "effective_dimension", "alpha", "dimension", r"$\alpha$ = ")
    grid[1, 0].set_ylabel("effective dimension (log)")
    _against_sparsity(grid[1, 1], tables, "curvature_by_layer", "layer", "eigenvalue", "layer ")
    grid[1, 1].set_ylabel("top eigenvalue of a layer (log)")
    style.title(figure, "Spectrum of the Hessian", subtitle)
    marks.caption(
        figure,
        tables,
        rf"Densities: nodes spread by half of asinh's unit, linear within $\pm${LINEAR:g}, averaged as logarithms. "
        r"Below: solid sparse, dashed re-dense; effective dimension: $\sum \lambda/(\lambda+\alpha)$ over "
        r"$\lambda > 0$.",
    )
    return figure


def _densities(axes: Axes, rows: style.Rows) -> None:
    keys = style.spread(sorted({row["round"] for row in rows}), MOST)
    shades = matplotlib.colormaps["viridis_r"]
    for number, key in enumerate(keys):
        some = [row for row in rows if row["round"] == key]
        color = matplotlib.colors.to_hex(shades(0.08 + 0.92 * number / max(1, len(keys) - 1)))
        label = f"{100 * float(some[0]['sparsity']):.4g}%"
        logs = [{**row, "log": math.log10(max(float(row["density"]), LEAST))} for row in some]
        xs, mean, std = style.mean_std(logs, "at", "log")
        axes.plot(xs, 10**mean, color=color, label=label, linewidth=1.2)
        axes.fill_between(xs, 10 ** (mean - std), 10 ** (mean + std), color=color, alpha=0.18, linewidth=0)
    axes.set_xscale("asinh", linear_width=LINEAR)
    places = sorted({float(row["at"]) for row in rows})
    decades = [10.0**power for power in range(-2, 9)]
    ticks = [-v for v in reversed(decades) if -v > places[0]] + [0.0] + [v for v in decades if v < places[-1]]
    axes.xaxis.set_major_locator(FixedLocator(ticks[:: 1 + len(ticks) // 9]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlim(places[0], places[-1])
    axes.set_yscale("log")
    axes.set_xlabel("eigenvalue (asinh)")
    axes.legend(title="sparsity", fontsize=7, title_fontsize=7, loc="upper center", ncols=2)


def _against_sparsity(
    axes: Axes, tables: Mapping[str, list[dict[str, Any]]], name: str, by: str, column: str, label: str
) -> None:
    """A colour for each value of `by`, solid around sparse, dashed around re-dense solutions."""
    rows = tables[name]
    values = style.spread(list(dict.fromkeys(row[by] for row in rows)), MOST)
    for value, color in zip(values, COLORS, strict=False):
        for kind, (_, line, _) in KINDS.items():
            some = [row for row in rows if row[by] == value and row["training"] == kind]
            once = {"label": f"{label}{value}"} if kind == "sparse" else {}
            style.band(axes, some, "remaining", column, color, linestyle=line, marker="o", markersize=3, **once)
    axes.set_yscale("log", nonpositive="mask")
    style.sparsity_axis(axes, tables["double_descent"], narrow=True)
    marks.shade_regimes(axes, tables["double_descent"], names=False)
    low, high = axes.get_ylim()
    axes.set_ylim(low, high * (high / low) ** 0.3)  # room for the legend
    axes.legend(loc="upper center", fontsize=7, ncols=3, columnspacing=1, handlelength=1.5)
