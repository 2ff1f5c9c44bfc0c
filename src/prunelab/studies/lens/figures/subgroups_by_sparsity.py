"""Loss difference by EL2N group at five sparsities (Lens Figures 18 to 20)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.lens import optimum
from prunelab.studies.lens.figures.shown import Shown, bars, whiskers


def draw(shown: Shown, subtitle: str) -> Figure:
    """A small panel each, from the first pruned round to the last, each with an axis of its own."""
    numbers = optimum.spread(len(shown.keys))
    figure, panels = plt.subplots(1, len(numbers), figsize=(2.05 * len(numbers) + 0.6, 2.7), squeeze=False)
    for axes, number in zip(panels[0], numbers, strict=True):
        bars(axes, shown, number, style.BLUE)
        axes.set_title(shown.title(number), fontsize=8)
        axes.tick_params(labelsize=7.5)
    panels[0, 0].set_ylabel("loss, sparse - dense (nats)")
    panels[0, int(np.floor(len(numbers) / 2))].set_xlabel("EL2N group, from the easiest to the hardest")
    style.title(figure, "Which examples pruning changes, by sparsity", subtitle)
    style.note(figure, f"Bars: means of groups; vertical axes differ. {whiskers(shown)}")
    return figure
