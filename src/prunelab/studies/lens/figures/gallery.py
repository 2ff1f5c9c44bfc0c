"""The examples that pruning worsens, improves and leaves alone the most (Lens Figure 16)."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import gallery, style
from prunelab.studies.lens.figures.shown import Shown

KINDS = {"worsened": "most worsened", "improved": "most improved", "least": "least changed"}
ACROSS = 10
RED = "#C00000"


def draw(shown: Shown, subtitle: str) -> Figure | None:
    """Twenty pictures of each kind, of the first replicate, with given (L) and predicted (P) label; red if wrong."""
    if shown.pictures.x_train.dtype != np.uint8:  # features are no pictures
        return None
    rows = shown.rows("gallery", seed=shown.seeds[0])
    there = {kind: some for kind in KINDS if (some := [row for row in rows if row["kind"] == kind])}
    if not there:
        return None
    figure = plt.figure(figsize=(8.2, 2.35 * len(there) + 0.6))
    blocks = figure.subfigures(len(there), 1, squeeze=False)[:, 0]
    for block, (kind, some) in zip(blocks, there.items(), strict=True):
        block.suptitle(KINDS[kind], fontsize=9, x=0.01, ha="left")
        panels = block.subplots(2, ACROSS).ravel()
        for axes in panels:
            axes.axis("off")
        for axes, row in zip(panels, some, strict=False):
            _picture(axes, shown, row)
    style.title(figure, "What pruning forgets, learns and leaves alone", subtitle)
    lacking = [KINDS[kind] for kind in KINDS if kind not in there]
    said = (
        f"Replicate {shown.seeds[0]}. L: label as given; P: predicted label, of most of the rounds that are compared. "
    )
    said += "Red: the label is wrong."
    none = f" No round to choose by: {', '.join(lacking)}." if lacking else ""
    style.note(figure, said + none)
    return figure


def _picture(axes: Axes, shown: Shown, row: Any) -> None:
    gallery.show(axes, shown.pictures.x_train[row["index"]], shown.pictures.max_value)
    wrong = row["given"] != row["original"]
    names = shown.pictures.classes
    label = f"L {names[row['given']]:.8}" + ("   " if len(names[0]) == 1 else "\n") + f"P {names[row['predicted']]:.8}"
    axes.set_title(
        label, fontsize=7.5, pad=2, color=RED if wrong else style.BLACK, fontweight="bold" if wrong else "normal"
    )
