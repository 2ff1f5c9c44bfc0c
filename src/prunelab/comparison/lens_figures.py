"""Figures of several runs of the study lens."""

from collections.abc import Sequence

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prunelab import style
from prunelab.comparison.lens_across import Setting

COLORS = (style.BLUE, style.ORANGE, style.GREEN, style.RED, style.PURPLE, style.SKY, style.BLACK)
LINES = ("-", "--", "-.", ":")
ACROSS = 4


def optima(found: Sequence[Setting]) -> Figure:
    """Test error against sparsity, a star at each optimum; where nothing is pruned, against cycles of training."""
    pruned = [one for one in found if one["prune.fraction"] > 0]
    trained_on = [one for one in found if one["prune.fraction"] == 0]
    kinds = [some for some in (pruned, trained_on) if some]
    figure, panels = plt.subplots(
        1, len(kinds), figsize=(6.6 if len(kinds) == 1 else 9.2, 4.4), squeeze=False, sharey=True
    )
    for axes, some in zip(panels[0], kinds, strict=True):
        for number, one in enumerate(found):
            if one in some:
                _curve(axes, one, number, cycles=some is trained_on)
        if some is trained_on:
            axes.set_xlabel("cycles of training")
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
        else:
            rows = [{"remaining": 1 - s} for one in some for s in one.evidence.sparsity_R if s < 1]
            style.sparsity_axis(axes, rows)
        axes.legend(fontsize=7, loc="upper left", bbox_to_anchor=(0, -0.22))
    style.accuracy_axis(panels[0, 0], "test error (%)")
    style.title(figure, "Each at its optimum", f"{len(found)} settings")
    by = {"by validation" if one.evidence.chosen.validated else "found on test accuracy" for one in found}
    counts = sorted({len(one.evidence.seeds) for one in found})
    style.note(
        figure,
        f"Star: the optimum, {' or '.join(sorted(by))}. Bands: one standard deviation of {_words(counts)} replicates.",
    )
    return figure


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


def _curve(axes: plt.Axes, one: Setting, number: int, *, cycles: bool) -> None:
    run, color = one.evidence, COLORS[number % len(COLORS)]
    there = run.sparsity_R < 1
    x = np.arange(1, len(run.keys) + 1, dtype=float) if cycles else 1 - run.sparsity_R
    error = 1 - run.curve["test_last"]
    mean, spread = error.mean(axis=1), error.std(axis=1, ddof=1) if error.shape[1] > 1 else 0 * error[:, 0]
    axes.plot(x[there], mean[there], color=color, linestyle=LINES[number // len(COLORS) % len(LINES)], label=one.name)
    axes.fill_between(x[there], (mean - spread)[there], (mean + spread)[there], color=color, alpha=0.15, linewidth=0)
    best = run.chosen.best
    axes.plot([x[best]], [mean[best]], color=color, **style.STAR)


def _words(counts: Sequence[int]) -> str:
    return str(counts[0]) if len(counts) == 1 else f"{counts[0]} to {counts[-1]}"
