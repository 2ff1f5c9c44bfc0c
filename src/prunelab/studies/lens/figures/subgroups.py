"""Loss difference by EL2N group at the optimum and at the sparsest round that improves (Lens Figures 1b, 2 and 5)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.lens.figures.shown import Shown, bars, whiskers


def draw(shown: Shown, subtitle: str) -> Figure:
    """A panel for each of the two rounds, less the dense network; below, how many labels of a group are permuted."""
    named = [("optimum", shown.chosen.best, style.BLUE), ("sparsest that improves", shown.chosen.highest, style.GREEN)]
    panels = [(name, r, color) for name, r, color in named if r]
    if len(panels) == 2 and panels[0][1] == panels[1][1]:
        panels = [("optimum, and sparsest that improves", *panels[0][1:])]
    if not panels:  # nothing is better than the dense network: the first round
        panels = [("none improves; the first round", 1, style.BLACK)]
    rows = 2 if shown.noisy else 1
    heights = [2.4, 1][:rows]
    figure, grid = plt.subplots(
        rows,
        len(panels),
        figsize=(max(4.6, 3.6 * len(panels)), 2.9 + 1.1 * (rows - 1)),
        squeeze=False,
        sharex=True,
        height_ratios=heights,
    )
    for column, (name, number, color) in enumerate(panels):
        bars(grid[0, column], shown, number, color)
        grid[0, column].set_title(f"{name}\n{shown.title(number)}")
        if shown.noisy:
            _permuted(grid[1, column], shown)
        grid[-1, column].set_xlabel("EL2N group, from the easiest to the hardest")
    grid[0, 0].set_ylabel("loss, sparse - dense (nats)")
    if shown.noisy:
        grid[1, 0].set_ylabel("permuted\nlabels (%)")
    style.title(figure, "Which examples pruning changes", subtitle)
    said = "Bars: means of groups; below zero the sparse network fits better. "
    style.note(figure, said + f"{whiskers(shown)} Optimum {shown.chosen.how}.")
    return figure


def _permuted(axes: Axes, shown: Shown) -> None:
    rows = shown.rows("subgroups", round=shown.keys[0])
    count = max(row["group"] for row in rows)
    share = [np.mean([row["permuted_share"] for row in rows if row["group"] == g + 1]) for g in range(count)]
    axes.bar(range(1, count + 1), 100 * np.array(share), width=0.8, color="#999999")
    axes.set_ylim(0, 105)
    axes.grid(visible=False, axis="x")
