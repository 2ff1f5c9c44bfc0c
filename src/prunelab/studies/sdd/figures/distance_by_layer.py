"""l2 distance from where training began, layer by layer (SDD Figure 7, taken apart)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

MOST = 5  # panels


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """One panel a layer, for up to MOST layers from first to last; sparse and re-dense in each."""
    rows, curve = tables["distance_by_layer"], tables["double_descent"]
    layers = list(dict.fromkeys(row["layer"] for row in rows))
    layers = style.spread(layers, MOST)
    figure, grid = plt.subplots(1, len(layers), figsize=(max(2.4 * len(layers), 5), 2.9), squeeze=False)
    for axes, layer in zip(grid[0], layers, strict=True):
        for kind, color, line, label in (
            ("sparse", style.BLUE, "-", "sparse"),
            ("redense", style.RED, "--", "re-dense"),
        ):
            some = [row for row in rows if row["layer"] == layer and row["training"] == kind]
            style.band(axes, some, "remaining", "from_start", color, linestyle=line, label=label)
        style.sparsity_axis(axes, curve, narrow=True)
        marks.shade_regimes(axes, curve, names=False)
        axes.set_xlabel("sparsity, all layers (%)")
        axes.set_title(f"layer {layer}")
    grid[0, 0].set_ylabel("$\\ell_2$ distance of the weights")
    figure.legend(*grid[0, 0].get_legend_handles_labels(), loc="outside right center")
    style.title(figure, "Distance by layer", subtitle)
    marks.caption(figure, tables, "From where each training began.")
    return figure
