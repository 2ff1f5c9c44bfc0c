"""Train loss in the plane of two random filter-normalised directions, on request (SDD 3.3, in two dimensions)."""

from collections.abc import Mapping
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style

MOST = 6  # columns


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure | None:
    """Contours around sparse (above) and re-dense (below) solutions of the first replicate; None if not measured."""
    rows = tables["planes"]
    keys = sorted({row["round"] for row in rows})
    if not keys:
        return None
    keys = style.spread(keys, MOST)
    seed = rows[0]["seed"]
    levels = np.geomspace(0.02, 20, 13)
    figure, grid = plt.subplots(
        2, len(keys), figsize=(max(1.6 * len(keys), 4.2), 3.9), sharex=True, sharey=True, squeeze=False
    )
    for column, key in zip(grid.T, keys, strict=True):
        for axes, (training, label) in zip(column, (("sparse", "sparse"), ("redense", "re-dense")), strict=True):
            some = [r for r in rows if (r["round"], r["seed"], r["training"]) == (key, seed, training)]
            x, y = (sorted({float(r[name]) for r in some}) for name in ("x", "y"))
            at = {(float(r["x"]), float(r["y"])): float(r["train_loss"]) for r in some}
            loss = np.array([[at[a, b] for a in x] for b in y])
            shapes = axes.contour(x, y, np.maximum(loss, levels[0]), levels=levels, cmap="viridis", linewidths=1)
            axes.clabel(shapes, fontsize=6, fmt="%.2g")
            axes.plot(0, 0, "+", color=style.RED)
            axes.set_aspect("equal")
            if key == keys[0]:
                axes.set_ylabel(f"{label}\nsecond direction")
        column[0].set_title(f"{100 * float(some[0]['sparsity']):.4g}% sparse")
        column[1].set_xlabel("first direction")
    style.title(figure, "Train loss around solutions", subtitle)
    text = f"Replicate {seed}. Contours: train loss; +: the solution; 1 is a filter's own length."
    figure.supxlabel(text, fontsize=7.5, color="#555555", x=0.01, ha="left")
    return figure
