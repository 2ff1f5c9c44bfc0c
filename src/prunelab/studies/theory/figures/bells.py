"""The margins of fresh examples, dense, best and over-pruned: what pruning does, as three bell curves."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.theory.figures.found import COLOURS, Found

BINS = 60


def draw(found: Found, subtitle: str) -> Figure:
    """A panel each (Yang et al., Figure 1, as measured here, one replicate)."""
    three = found.three
    figure, grid = plt.subplots(1, len(three), figsize=(2.9 * len(three) + 0.4, 3.1), squeeze=False)
    for axes, (name, at), colour in zip(grid[0], three, COLOURS[: len(three) - 1] + COLOURS[-1:], strict=True):
        margins = np.asarray(found.margins[at], dtype=float)
        axes.hist(margins, bins=BINS, color=colour, alpha=0.75, linewidth=0)
        axes.axvline(0, color=style.BLACK, linewidth=1, linestyle="--")
        wrong = float((margins <= 0).mean())
        said = f"mean {margins.mean():.3g}\nspread {margins.std():.2g}\nwrong {100 * wrong:.1f}%"
        left = margins.mean() > (margins.min() + margins.max()) / 2
        axes.text(
            0.03 if left else 0.97,
            0.97,
            said,
            transform=axes.transAxes,
            va="top",
            ha="left" if left else "right",
            fontsize=8,
        )
        axes.set_title(f"{name}, $p = {found.curve.kept[at]:g}$")
        axes.set_xlabel("test margin $F_y - \\max_{j \\neq y} F_j$")
    grid[0, 0].set_ylabel("fresh examples")
    style.title(figure, "How sure, and how often wrong", subtitle)
    note = f"One replicate (seed {found.curve.seeds[0]}); right of the dashed line an example is classified right."
    figure.supxlabel(note, fontsize=7.5, color="#555555", x=0.01, ha="left")
    return figure
