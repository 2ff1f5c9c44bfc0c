"""Stability and accuracy against how much one event prunes (the paper's Fig. 3, left and centre)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from prunelab import style
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.shown import Run


def draw(run: Run, subtitle: str) -> Figure | None:
    """A line a target; arms without events as horizontals. None where nothing is pruned while training."""
    targets = [target for target in marks.TARGET_LINES if run.targeting(target)]
    if not targets:
        return None
    figure, (left, right) = plt.subplots(1, 2, figsize=(8.8, 3.6))
    for axes, column in ((left, "stability"), (right, "test")):
        for target in targets:
            # Of two periods with one rate, such as two that are one-shot, each has a point of its own.
            rows = [
                {**row, "percent": 100 * row[column], "rate": 100 * row["rate"], "round": f"{row['period']:06d}"}
                for row in run.arms
                if row["arm"] in run.targeting(target) and run.about(row["arm"])["rate"] > 0
            ]
            if not rows:
                continue
            color, _, width = marks.KINDS[target]
            shape = {"linestyle": marks.TARGET_LINES[target], "linewidth": width}
            style.band(axes, rows, "rate", "percent", color, marker="", **shape)
            for arm in (name for name in run.targeting(target) if run.about(name)["rate"] > 0):
                at = 100 * run.about(arm)["rate"], 100 * run.mean(arm, column)
                axes.plot(*at, markersize=6, **marks.look(run, arm).drawn)
        _axis(axes, run)
    left.set_ylabel("stability (%)")
    right.set_ylabel("test accuracy (%)")
    left.axhline(100, color=style.BLACK, linewidth=0.8)
    for arm in marks.controls(run):
        how = marks.look(run, arm)
        right.axhline(100 * run.mean(arm, "test"), color=how.color, linestyle=how.line, linewidth=how.width, zorder=1)
    _legend(figure, run, targets)
    style.title(figure, "Stability and accuracy against the iterative rate (S4, S5, S7)", subtitle)
    style.caption(
        figure,
        len(run.seeds),
        "Iterative rate: the share of a layer that one event prunes, of the layer where it is largest. Left, the line "
        "at 100%: arms without events.",
    )
    return figure


def _axis(axes: Axes, run: Run) -> None:
    """The rates that there are, and which of them is one-shot."""
    rates = {100 * run.about(arm)["rate"]: run.one_shot(arm) for arm in run.pruned if run.about(arm)["rate"] > 0}
    axes.set_xlabel("iterative rate (% of a layer, log)")
    if not rates:
        return
    axes.set_xscale("log")
    # Labels of neighbouring rates would touch: those at least a fifth of a decade apart.
    apart: list[float] = []
    for place in sorted(rates, reverse=True):
        if not apart or np.log10(apart[-1] / place) > 0.2:
            apart.append(place)
    axes.xaxis.set_major_locator(FixedLocator(apart))
    axes.xaxis.set_minor_locator(NullLocator())
    one_shot = {place for place in apart if rates[place]}
    axes.xaxis.set_major_formatter(
        FuncFormatter(lambda value, _: f"{value:.2g}" + ("\none-shot" if value in one_shot else ""))
    )


def _legend(figure: Figure, run: Run, targets: list[str]) -> None:
    lines = []
    for target in targets:
        color, _, width = marks.KINDS[target]
        shape = {"linestyle": marks.TARGET_LINES[target], "linewidth": width}
        lines.append(Line2D([], [], color=color, label=target, **shape))
    marks.legend(figure, run, marks.controls(run), lines=True, extra=lines)
