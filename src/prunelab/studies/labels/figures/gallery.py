"""The most suspected examples, each with its label and the one suggested instead."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import gallery, style
from prunelab.studies.labels.figures.shown import Row, Shown, cut, replicates

ACROSS = 10
SHORT = 8  # letters of both labels that fit beside each other


def draw(shown: Shown, subtitle: str) -> Figure | None:
    """The first pictures of the ranking of the first group."""
    if shown.pictures.x_train.dtype != np.uint8:  # features are no pictures
        return None
    seeds = shown.groups[0]
    rows = shown.rows("suspects", seeds)[: shown.many]
    down = -(-len(rows) // ACROSS)
    figure, panels = plt.subplots(down, ACROSS, figsize=(8.2, 1.08 * down + 0.75), squeeze=False)
    for axes in panels.ravel():
        axes.axis("off")
    short = max(len(row["given"]) + len(row["suggested"]) for row in rows) <= SHORT
    for axes, row in zip(panels.ravel(), rows, strict=False):
        _picture(axes, shown, row, " → " if short else "\n→ ")
    style.title(figure, f"The {len(rows)} most suspected labels", subtitle)
    said = f"Given label → suggested label, the most suspected first; {replicates(seeds)}."
    if shown.truth:
        fine = sum(not row["wrong"] for row in rows)
        said += (
            f" Red frame: the given label is right after all ({fine} of {len(rows)})." if fine else " All are wrong."
        )
    else:
        said += " Nobody has checked them: hard examples whose label is right are among them."
        (count,) = (row for row in shown.tables["counts"] if row["seeds"] == seeds)
        if count["estimated"] is not None:
            said += f" Of all {count['examples']} labels {count['estimated']:.0f} are estimated to be wrong"
            said += f" (95% interval {count['low']:.0f} to {count['high']:.0f})."
    style.note(figure, said)
    return figure


def _picture(axes: Axes, shown: Shown, row: Row, between: str) -> None:
    gallery.show(axes, shown.pictures.x_train[row["index"]], shown.pictures.max_value)
    axes.set_title(f"{cut(row['given'], 11)}{between}{cut(row['suggested'], 11)}", fontsize=7.5, pad=2)
    if shown.truth and not row["wrong"]:
        axes.axis("on")
        axes.set(xticks=[], yticks=[])
        axes.grid(visible=False)
        for spine in axes.spines.values():
            spine.set(visible=True, color=style.RED, linewidth=2)
