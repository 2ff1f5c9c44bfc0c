"""The figures of runs of the study theory side by side."""

import textwrap
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from prunelab import style
from prunelab.studies.theory.figures.found import TICKS

if TYPE_CHECKING:
    from prunelab.comparison.theory import Setting

COLOURS = [style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.SKY, style.BLACK]
MARKERS = "osD^vP*"
MOST_NAMES = 14
PANELS = {"test_error": "test error (fraction)", "share": "share of the output\nthat comes from the signal"}


def curves(found: Sequence["Setting"], subtitle: str) -> Figure:
    """Test error and the signal's share against p, a line each setting."""
    figure, grid = plt.subplots(1, 2, figsize=(10.4, 3.9), sharex=True)
    for axes, (column, label) in zip(grid, PANELS.items(), strict=True):
        for i, one in enumerate(found):
            style.band(axes, one.rows, "kept", column, label=one.name, markersize=3, **_look(i))
        axes.set_ylabel(label)
        axes.set_ylim(-0.03, 1.03)
        axes.set_xlabel("share of weights kept, $p$")
        _log(axes, [row["kept"] for one in found for row in one.rows])
        axes.set_xlim(*reversed(axes.get_xlim()))
    _name(figure, grid[0])
    style.title(figure, "Test error and what is learnt", subtitle)
    style.caption(figure, max(len(one.theory.seeds) for one in found))
    return figure


def scaling(found: Sequence["Setting"], rows: Sequence[Mapping[str, Any]], subtitle: str) -> Figure:
    """Measured thresholds against p_star, and test error against p m with its closed form."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(10.4, 4.0))
    kinds = {
        "share_crossing": (style.BLUE, "o", "share of signal passes 1/2"),
        "error_crossing": (style.RED, "s", "test error passes half of chance"),
    }
    values: list[float] = []
    for column, (colour, marker, label) in kinds.items():
        some = [(row["p_star"], row[column]) for row in rows if row[column] is not None and np.isfinite(row["p_star"])]
        values += [value for pair in some for value in pair]
        left.plot(*zip(*some, strict=True), marker, color=colour, label=label, markersize=5) if some else None
    refined = [(row["p_star"], row["refined"]) for row in rows if row["refined"] and row["share_crossing"]]
    if refined:
        left.plot(
            *zip(*refined, strict=True), "_", color=style.BLACK, markersize=11, label="predicted, for so many filters"
        )
    left.set_xscale("log")
    left.set_yscale("log")
    if values:
        ends = [min(values) / 1.2, max(values) * 1.2]
        left.plot(ends, ends, color=style.BLACK, linestyle="--", linewidth=1, label="$p^*$, as predicted")
        left.legend(loc="best")
    for which in (left.xaxis, left.yaxis):
        which.set_major_locator(FixedLocator(list(TICKS)))
        which.set_minor_locator(NullLocator())
        which.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    left.set_xlabel("$p^*$, predicted")
    left.set_ylabel("share of weights kept at the turn, measured")
    _against_filters(right, found)
    _name(figure, right)
    style.title(figure, "Where the curve turns, and where it ends", subtitle)
    count = max(len(one.theory.seeds) for one in found)
    note = f"Means of {count} replicates. Dotted: $(1-1/K)(1-p/2)^m$, for each $m$ and $K$."
    figure.supxlabel(note, fontsize=7.5, color="#555555", x=0.01, ha="left")
    return figure


def _look(number: int) -> dict[str, Any]:
    """Of one of several lines: each colour once in every style of line."""
    kinds = ("-", "--", "-.", ":")
    which = number % len(COLOURS)
    return {"color": COLOURS[which], "marker": MARKERS[which], "linestyle": kinds[number // len(COLOURS) % len(kinds)]}


def _name(figure: Figure, axes: Axes) -> None:
    """A legend beside the panels; none for one setting, or for more than there is room for (scaling.csv lists them)."""
    handles, labels = axes.get_legend_handles_labels()
    if 1 < len(labels) <= MOST_NAMES:
        labels = [textwrap.fill(label, 40) for label in labels]
        figure.legend(handles, labels, loc="outside right center", fontsize=7.5)


def _against_filters(axes: Axes, found: Sequence["Setting"]) -> None:
    closed = set()
    for i, one in enumerate(found):
        theory, curve = one.theory, one.evidence.curve
        filters = curve.kept * theory.filters
        error = curve.mean("test_error")
        axes.plot(filters, error, markersize=3, linewidth=1, label=one.name, **_look(i))
        if (theory.filters, theory.classes) not in closed:
            closed.add((theory.filters, theory.classes))
            p = np.geomspace(curve.kept[-1], 1, 200)
            dead = (1 - 1 / theory.classes) * (1 - p / 2) ** theory.filters
            axes.plot(p * theory.filters, dead, color=style.BLACK, linestyle=":", linewidth=1.2)
    axes.set_xscale("log")
    axes.set_xlim(*reversed(axes.get_xlim()))
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_ylim(-0.03, 1.03)
    axes.set_xlabel("filters a class that see their signal, $pm$")
    axes.set_ylabel("test error (fraction)")


def _log(axes: Axes, kept: Sequence[float]) -> None:
    axes.set_xscale("log")
    axes.set_xlim(min(kept) / 1.15, max(kept) * 1.15)
    axes.xaxis.set_major_locator(FixedLocator([t for t in TICKS[::2] if t >= min(kept) / 1.15]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
