"""Sparse against re-dense: what happens when the pruned weights come back (SDD 5, Figures 11 and 13)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab.figures import style

PANELS = {
    "test_last": "last test accuracy (%)",
    "permuted": "accuracy on permuted labels (%)",
    "restored": "accuracy on restored labels (%)",
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Test, permuted and restored accuracy against the sparsity before the weights came back."""
    rows, curve = tables["redense"], tables["double_descent"]
    panels = {c: title for c, title in PANELS.items() if any(row[c] is not None for row in rows)}
    figure, grid = plt.subplots(1, len(panels), figsize=(max(2.6 * len(panels), 6.4), 3.1), sharey=True, squeeze=False)
    for axes, (column, title) in zip(grid[0], panels.items(), strict=True):
        for kind, color, line, label in (
            ("sparse", style.BLUE, "-", "sparse"),
            ("redense", style.RED, "--", "re-dense"),
        ):
            some = [row for row in rows if row["training"] == kind]
            style.band(axes, some, "remaining", column, color, linestyle=line, label=label, marker="o", markersize=3)
        style.sparsity_axis(axes, curve, narrow=True)
        style.shade_regimes(axes, curve, names=False)
        axes.set_xlabel("sparsity before re-dense (%)")
        axes.set_title(title)
    style.accuracy_axis(grid[0, 0])
    grid[0, 0].legend(loc="lower left")
    figure.suptitle(f"Sparse and re-dense: {subtitle}", fontsize=10)
    style.caption(figure, tables, "Shading: regimes as in double_descent.")
    return figure
