"""Which classes are taken for which: a matrix of the labels that the early ensemble disagrees with."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure
from matplotlib.ticker import MaxNLocator

from prunelab import style
from prunelab.studies.labels.figures.shown import Shown, cut

MOST = 20  # classes that are shown


def draw(shown: Shown, subtitle: str) -> Figure | None:
    """Given label by suggested one: how many, mean over groups of replicates; None where there is no disagreement."""
    rows, classes, groups = shown.tables["confusions"], shown.pictures.classes, len(shown.groups)
    if not rows:
        return None
    number = {name: place for place, name in enumerate(classes)}
    table = np.zeros((len(classes), len(classes)))
    for row in rows:
        table[number[row["given"]], number[row["suggested"]]] += row["count"] / groups
    most = np.sort(np.argsort(-(table.sum(axis=0) + table.sum(axis=1)), kind="stable")[:MOST])
    shown_table, names = table[np.ix_(most, most)], [cut(classes[i], 12) for i in most]
    size = 2.2 + 0.34 * len(most)
    figure, axes = plt.subplots(figsize=(max(4.6, size + 0.8), max(3.6, size)))
    image = axes.imshow(shown_table, cmap="Blues", vmin=0)
    axes.grid(visible=False)
    axes.set_xticks(range(len(most)), names, rotation=90 if max(map(len, names)) > 2 else 0)
    axes.set_yticks(range(len(most)), names)
    axes.set_xlabel("suggested label")
    axes.set_ylabel("given label")
    for (i, j), value in np.ndenumerate(shown_table):
        if value:
            light = value > 0.6 * shown_table.max()
            text = f"{value:.0f}" if value >= 0.5 else "<1"
            axes.text(j, i, text, ha="center", va="center", fontsize=6.5, color="white" if light else style.BLACK)
    figure.colorbar(image, ax=axes, label="examples", shrink=0.8, ticks=MaxNLocator(integer=True))
    style.title(figure, "What suspect labels may be instead", subtitle)
    said = (
        f"The {table.sum():.0f} examples for which the early ensemble finds another class more probable than the given"
    )
    said += " one" + (f", mean of {groups} replicates." if groups > 1 else ".")
    if len(classes) > MOST:
        said += f" The {MOST} of {len(classes)} classes with most of them ({shown_table.sum():.0f} examples)."
    style.note(figure, said)
    return figure
