"""Figures of several runs of the study lens."""

from collections.abc import Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prunelab import style
from prunelab.comparison.grid import neutral
from prunelab.comparison.lens_across import Setting

COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.SKY, style.BLACK)
LINES: tuple[Any, ...] = ("-", "--", "-.")
LEVEL: Any = (0, (1, 2))
ACROSS = 4
WORDS = ("prune.criterion", "prune.schedule", "prune.retrain")  # whose values speak for themselves


def optima(found: Sequence[Setting]) -> Figure:
    """Test error against sparsity, a panel for each noise level, a star at each optimum (Lens Figures 3, 6 and 7).

    What is not pruned (extended training, narrower networks) is a level: test error at its optimum.
    """
    levels = sorted({one["noise"] for one in found})
    labels = list(dict.fromkeys(label(one, found) for one in found))
    figure, panels = plt.subplots(1, len(levels), figsize=(2.9 * len(levels) + 2.4, 3.9), squeeze=False)
    for axes, level in zip(panels[0], levels, strict=True):
        some = [one for one in found if one["noise"] == level]
        for one in some:
            _curve(axes, one, labels.index(label(one, found)))
        rows = [{"remaining": 1 - s} for one in some for s in one.evidence.sparsity_R if s < 1]
        if len({row["remaining"] for row in rows}) > 1:
            style.sparsity_axis(axes, rows, narrow=True)
            axes.set_xlabel("sparsity (%)")
        axes.set_title(f"{100 * level:g}% noise" if level else "no noise")
        style.accuracy_axis(axes, "test error (%)" if axes is panels[0, 0] else "")
    pruned = {label(one, found): one["prune.fraction"] > 0 for one in found}
    lines = [LINES[i // len(COLORS) % len(LINES)] if pruned[text] else LEVEL for i, text in enumerate(labels)]
    handles = [
        Line2D([], [], color=COLORS[i % len(COLORS)], linestyle=lines[i], label=text) for i, text in enumerate(labels)
    ]
    figure.legend(handles=handles, loc="outside right upper", fontsize=7.5)
    style.title(figure, "Each at its optimum", f"{len(found)} settings")
    by = {"by validation" if one.evidence.chosen.validated else "found on test accuracy" for one in found}
    counts = sorted({len(one.evidence.seeds) for one in found})
    spread = "One replicate: no bands." if counts == [1] else f"Bands: deviation over {_words(counts)} replicates."
    said = f"Star: the optimum, {' or '.join(sorted(by))}; of what is not pruned its level, dotted. {spread}"
    style.note(figure, f"{said} The axis is spaced by the weights remaining (log).")
    return figure


def label(one: Setting, found: Sequence[Setting]) -> str:
    """What sets a setting apart from the others, but for noise, in few words."""
    differ = {name for name in one.runs[0].settings if len({repr(other[name]) for other in found}) > 1}
    words = []
    if one["prune.fraction"] == 0:
        words.append("not pruned")
    else:
        words += [str(one[name]) for name in WORDS if name in differ]
    rest = sorted(name for name in differ if not neutral(name) and name not in (*WORDS, "noise", "prune.fraction"))
    words += [f"{name.rpartition('.')[2]} {one[name]}" for name in rest]
    return ", ".join(words) or one.name


def subgroups(found: Sequence[Setting]) -> Figure:
    """Loss difference by EL2N group at each optimum (Lens Figures 13 and 20)."""
    rows = -(-len(found) // ACROSS)
    across = min(ACROSS, len(found))
    figure, panels = plt.subplots(rows, across, figsize=(2.6 * across + 0.5, 2.3 * rows + 0.7), squeeze=False)
    for axes in panels.ravel():
        axes.axis("off")
    for axes, one in zip(panels.ravel(), found, strict=False):
        axes.axis("on")
        run = one.evidence
        r = run.chosen.best or len(run.keys) - 1
        each_GS = run.difference_RGS[r]
        places = np.arange(1, len(each_GS) + 1)
        spread = each_GS.std(axis=1, ddof=1) if len(run.seeds) > 1 else None
        axes.bar(places, each_GS.mean(axis=1), yerr=spread, color=style.BLUE, error_kw={"linewidth": 0.7})
        axes.axhline(0, color=style.BLACK, linewidth=0.8)
        axes.set_title(f"{one.name.replace(', ', chr(10))}\n{run.keys[r]}", fontsize=7)
        axes.tick_params(labelsize=7)
    for axes in panels[:, 0]:
        axes.set_ylabel("loss - dense\n(nats)", fontsize=8)
    for axes in panels[-1]:
        axes.set_xlabel("EL2N group", fontsize=8)
    style.title(figure, "Which examples change", f"{len(found)} settings")
    said = "At the optimum; where that is the dense network, at the last round. Each against its own dense network. "
    style.note(figure, said + "Axes differ; lines: one standard deviation.")
    return figure


def _curve(axes: plt.Axes, one: Setting, number: int) -> None:
    run, color = one.evidence, COLORS[number % len(COLORS)]
    error, best = 1 - run.curve["test_last"], run.chosen.best
    mean = error.mean(axis=1)
    if one["prune.fraction"] == 0:
        axes.axhline(mean[best], color=color, linewidth=1.1, linestyle=LEVEL)
        return
    spread = error.std(axis=1, ddof=1) if error.shape[1] > 1 else 0 * mean
    there = run.sparsity_R < 1
    x = 1 - run.sparsity_R
    axes.plot(x[there], mean[there], color=color, linestyle=LINES[number // len(COLORS) % len(LINES)])
    axes.fill_between(x[there], (mean - spread)[there], (mean + spread)[there], color=color, alpha=0.15, linewidth=0)
    axes.plot([x[best]], [mean[best]], color=color, **style.STAR)


def _words(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
