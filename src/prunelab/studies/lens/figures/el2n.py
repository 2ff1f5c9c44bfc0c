"""How hard wrongly and rightly labelled examples are: the distribution of EL2N scores."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.lens.figures.shown import Shown


def draw(shown: Shown, subtitle: str) -> Figure:
    """Two histograms, all replicates together, and how well the score parts them."""
    figure, axes = plt.subplots(figsize=(6.0, 3.4))
    low = sorted({row["low"] for row in shown.tables["hard"]})
    width = low[1] - low[0]
    kinds = {
        "unpermuted": (style.BLUE, "", "other training examples"),
        "permuted": (style.RED, "//", "permuted (labels drawn anew)"),
    }
    for kind, (color, hatch, label) in kinds.items():
        counts = np.array([sum(row[kind] for row in shown.rows("hard", low=value)) for value in low])
        if counts.sum():
            share = 100 * counts / counts.sum()
            axes.bar(
                low,
                share,
                width,
                align="edge",
                color=color,
                alpha=0.55,
                hatch=hatch,
                edgecolor=color,
                linewidth=0.4,
                label=label,
            )
    axes.set_xlabel("EL2N score: distance of the probabilities from the given label")
    axes.set_ylabel("share of the subset (%)")
    axes.set_xlim(0, np.sqrt(2))
    axes.legend(loc="upper left")
    style.title(figure, "How hard is an example?", subtitle)
    first = shown.tables["scores"][0]
    aucs = [row["auc"] for row in shown.tables["scores"] if row["auc"] is not None]
    said = f"Histograms of all {len(shown.seeds)} replicates. "
    said += f"Mean of {first['networks']} networks after {first['epochs']} epochs."
    if aucs:
        said += f" Wrong labels told from right ones: AUC {np.mean(aucs):.3f} ({min(aucs):.3f} to {max(aucs):.3f})."
    style.note(figure, said)
    return figure
