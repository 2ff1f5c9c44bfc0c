"""Test error against the share of weights kept: it falls, then rises to chance, though every run fits its data."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.theory import predictions
from prunelab.studies.theory.figures.found import Found, axis, pruned_axis, thresholds


def draw(found: Found, subtitle: str) -> Figure:
    """Test error above, training loss below (Yang et al., Figure 2, as measured here)."""
    theory, rows = found.theory, found.rows
    figure, (upper, lower) = plt.subplots(
        2, 1, figsize=(6.4, 5.4), sharex=True, gridspec_kw={"height_ratios": [2.4, 1]}
    )
    style.band(upper, rows, "kept", "test_error", style.BLUE, label="measured", marker="o", markersize=3)
    p = np.geomspace(found.curve.kept[-1], 1, 200)
    predicted = [predictions.over_pruned_error(float(one), theory) for one in p]
    label = "dead classes, $(1-1/K)(1-p/2)^m$"
    upper.plot(p, predicted, color=style.RED, linestyle=":", label=label)
    chance = 1 - 1 / theory.classes
    upper.axhline(chance, color=style.BLACK, linestyle="-.", linewidth=1, label=f"chance, {chance:.2f}")
    upper.set_ylim(-0.03, 1.08)
    upper.set_ylabel("test error (fraction)")
    thresholds(upper, found, names=True)
    style.band(lower, rows, "kept", "train_loss", style.ORANGE, marker="o", markersize=3)
    lower.axhline(theory.loss, color=style.BLACK, linestyle="--", linewidth=1)
    lower.set_ylim(0, 1.35 * max(theory.loss, found.curve.mean("train_loss").max()))
    lower.text(
        0.99,
        theory.loss,
        " training ends",
        transform=lower.get_yaxis_transform(),
        fontsize=7.5,
        va="bottom",
        ha="right",
    )
    lower.set_ylabel("training loss")
    thresholds(lower, found, names=False)
    axis(upper, found, label=False)
    axis(lower, found)
    pruned_axis(upper)
    upper.legend(loc="center", bbox_to_anchor=(0.5, 0.62), frameon=True, facecolor="white", edgecolor="none")
    style.title(figure, "Test error against pruning", subtitle)
    style.caption(figure, len(found.curve.seeds), "Dashed verticals: where theory puts the two turns.")
    return figure
