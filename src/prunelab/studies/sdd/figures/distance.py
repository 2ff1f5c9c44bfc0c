"""l2 distance from initialisation beside test accuracy, sparse and re-dense (SDD Figure 7)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import marks

TITLES = {"from_start": "from where training began, $m \\odot w_0$", "from_dense_init": "from the dense $w_0$"}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Both definitions side by side, accuracy under each: the two should be mirror images."""
    rows, curve = tables["distance"], tables["double_descent"]
    figure, grid = plt.subplots(2, 2, figsize=(7.6, 5.2), sharex=True, sharey="row")
    kinds = {"sparse": (style.BLUE, "-", "sparse"), "redense": (style.RED, "--", "re-dense")}
    for (upper, lower), (column, title) in zip(grid.T, TITLES.items(), strict=True):
        for kind, (color, line, label) in kinds.items():
            some = [row for row in rows if row["training"] == kind]
            marker = {"marker": "o", "markersize": 3} if kind == "redense" else {}
            style.band(upper, some, "remaining", column, color, linestyle=line, label=label, **marker)
            style.band(lower, some, "remaining", "test_last", color, linestyle=line, label=label, **marker)
        upper.set_title(f"{title}", pad=16)
        style.sparsity_axis(lower, curve)
        marks.shade_regimes(upper, curve, names=True)
        marks.shade_regimes(lower, curve, names=False)
    grid[0, 0].set_ylabel("$\\ell_2$ distance of the weights")
    style.accuracy_axis(grid[1, 0], "last test accuracy (%)")
    grid[0, 0].legend(loc="best")
    style.title(figure, "Distance from initialisation", subtitle)
    marks.caption(figure, tables, "Re-dense: at the sparsity it began with.")
    return figure
