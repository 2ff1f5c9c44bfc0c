"""What this study's figures have in common: its subsets, named models and regimes, and how they are marked."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.style import BLACK, BLUE, GREEN, PURPLE, RED

Rows = Sequence[Mapping[str, Any]]

SUBSETS = {"permuted": (RED, "--"), "unpermuted": (BLUE, "-"), "restored": (GREEN, "-."), "test": (BLACK, ":")}
MODELS = {
    "dense": ("dense", BLUE),
    "valley": ("valley", RED),  # the paper calls it the overfitting model
    "sweet_spot": ("sweet spot", GREEN),
    "underfitting": ("underfitting", PURPLE),
}
REGIMES = {"trivial": "#ffffff", "critical": "#f3d9cc", "high": "#e3eef5"}


def noise(fraction: float, kind: str, memorization: Rows) -> str:
    """The labels' noise in words: what was added, or that the data brought its own, which is then in the table."""
    if fraction:
        return f"{100 * fraction:g}% {kind} noise"
    return "noise of its own" if any(row["subset"] == "permuted" for row in memorization) else "no noise added"


def caption(figure: Figure, tables: Mapping[str, Rows], text: str = "") -> None:
    """Under the whole figure: of how many replicates lines and bands are, then `text`."""
    style.caption(figure, tables["named_models"][0]["n"], text)


def shade_regimes(axes: Axes, rows: Rows, *, names: bool) -> None:
    """Colour the background by the `regime` of each round; borders lie half-way (on the log axis) between rounds."""
    regime = {float(row["remaining"]): row["regime"] for row in rows}
    points = sorted(regime, reverse=True)
    edges = [points[0] * 1.08, *(np.sqrt(np.array(points[:-1]) * points[1:])), points[-1] / 1.08]
    for name, color in REGIMES.items():
        inside = [i for i, p in enumerate(points) if regime[p] == name]
        if not inside:
            continue
        left, right = edges[inside[0]], edges[inside[-1] + 1]
        axes.axvspan(left, right, color=color, zorder=0, linewidth=0)
        wide_enough = np.log(left / right) > 0.07 * np.log(edges[0] / edges[-1])
        if names and wide_enough:
            place = axes.get_xaxis_transform()
            middle = float(np.sqrt(left * right))
            axes.text(middle, 1.01, name, transform=place, ha="center", va="bottom", fontsize=8, color="#555555")


def named(tables: Mapping[str, list[dict[str, Any]]]) -> dict[str, dict[str, Any]]:
    """The named models worth drawing: not `end`, and none that is the same round as one before it."""
    models: dict[str, dict[str, Any]] = {}
    for row in tables["named_models"]:
        if row["model"] in MODELS and row["round"] not in [other["round"] for other in models.values()]:
            models[row["model"]] = row
    return models


def model_panels(
    tables: Mapping[str, list[dict[str, Any]]], figure: Any, paint: Callable[[Axes, Rows], None]
) -> list[Axes]:
    """One small panel per named model of `dynamics`, side by side with one y axis, titled with its sparsity."""
    models = named(tables)
    panels = list(np.atleast_1d(figure.subplots(1, len(models), sharey=True)))
    for axes, (name, row) in zip(panels, models.items(), strict=True):
        paint(axes, [r for r in tables["dynamics"] if r["model"] == name])
        title, color = MODELS[name]
        axes.set_title(f"{title}\n{100 * float(row['sparsity']):.4g}% sparse", color=color)
        axes.set_xlabel("epoch")
    style.accuracy_axis(panels[0])
    return panels
