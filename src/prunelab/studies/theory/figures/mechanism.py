"""What is learnt, against the share of weights kept: signal, noise, and classes that nothing can learn."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.theory import predictions
from prunelab.studies.theory.figures.found import Found, axis, pruned_axis, thresholds


def draw(found: Found, subtitle: str) -> Figure:
    """Correlations, the signal's share of the output, and dead classes beside their closed form."""
    rows = found.rows
    figure, (upper, middle, lower) = plt.subplots(3, 1, figsize=(6.4, 6.8), sharex=True)
    style.band(upper, rows, "kept", "signal", style.GREEN, label="with the signal, $\\Gamma$", marker="o", markersize=3)
    style.band(
        upper,
        rows,
        "kept",
        "noise",
        style.RED,
        label="with noise, $\\Upsilon$",
        linestyle="--",
        marker="s",
        markersize=3,
    )
    upper.set_ylabel("largest correlation")
    upper.legend(loc="center", bbox_to_anchor=(0.42, 0.42), frameon=True, facecolor="white", edgecolor="none")
    style.band(middle, rows, "kept", "share", style.BLUE, marker="o", markersize=3)
    middle.set_ylim(-0.03, 1.03)
    middle.set_ylabel("share of the output\nthat comes from the signal")
    style.band(lower, rows, "kept", "dead", style.PURPLE, label="measured", marker="o", markersize=3)
    p = np.geomspace(found.curve.kept[-1], 1, 200)
    dead = [predictions.dead_share(float(one), found.theory.filters) for one in p]
    lower.plot(p, dead, color=style.BLACK, linestyle=":", label="$(1-p/2)^m$")
    lower.set_ylim(-0.03, 1.03)
    lower.set_ylabel("share of classes\nwithout a live filter")
    lower.legend(loc="best", frameon=True, facecolor="white", edgecolor="none")
    for axes in (upper, middle, lower):
        thresholds(axes, found, names=axes is upper)
        axis(axes, found, label=axes is lower)
    pruned_axis(upper)
    style.title(figure, "What is learnt", subtitle)
    style.caption(figure, len(found.curve.seeds), "Dashed verticals: where theory puts the two turns.")
    return figure
