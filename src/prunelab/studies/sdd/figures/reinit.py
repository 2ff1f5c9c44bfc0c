"""Winning ticket against random re-initialisation of the same mask (SDD poster: tickets may not always win)."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import beside

PANELS = {
    "train": "train accuracy (%)",
    "test_last": "last test accuracy (%)",
    "test_best": "best test accuracy (%)",
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure | None:
    """Train, last and best test accuracy of both; None where no mask was re-initialised."""
    if not tables["reinit"]:
        return None
    figure = beside.draw(tables, "reinit", PANELS, ("as pruned", "re-initialised"), "sparsity (%)")
    style.title(figure, "Same masks, new weights", subtitle)
    return figure
