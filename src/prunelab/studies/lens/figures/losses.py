"""Loss on wrongly labelled and on other examples against sparsity (Lens Figure 4)."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.lens.figures.shown import Shown, star

LINES = {
    "permuted": (style.RED, "-", "permuted (labels drawn anew)"),
    "unpermuted": (style.BLUE, "--", "other training examples"),
}
CLEAN = {"train": (style.BLUE, "--", "training examples"), "test": (style.BLACK, ":", "test examples")}


def draw(shown: Shown, subtitle: str) -> Figure:
    """Train losses of both subsets with their levels in the dense network, and a star at the optimum."""
    figure, axes = plt.subplots(figsize=(6.4, 3.9))
    lines = LINES if shown.noisy else CLEAN
    for subset, (color, line, label) in lines.items():
        rows = shown.rows("losses", subset=subset)
        style.band(axes, rows, "remaining", "loss", color, linestyle=line, label=label)
        _, mean, _ = style.mean_std([row for row in rows if row["round"] == shown.keys[0]], "remaining", "loss")
        axes.axhline(mean[0], color=color, linewidth=0.9, linestyle=(0, (1, 3)))
        star(axes, shown, rows, "loss", color)
    axes.set_yscale("log")
    axes.set_ylabel("mean cross-entropy on the given label (nats)")
    style.sparsity_axis(axes, shown.tables["curve"])
    axes.legend(loc="best")
    style.title(figure, "What pruning fits worse", subtitle)
    said = (
        f"Star: {shown.chosen.how} the best round, {shown.keys[shown.chosen.best]}. Dotted: the dense network's level."
    )
    style.caption(figure, len(shown.seeds), f"{said} The axis is spaced by the weights remaining (log).")
    return figure
