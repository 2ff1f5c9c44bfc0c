"""Sparse against re-dense: what happens when the pruned weights come back (SDD 5, Figures 11 and 13)."""

from collections.abc import Mapping
from typing import Any

from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.sdd.figures import beside

PANELS = {
    "test_last": "last test accuracy (%)",
    "permuted": "accuracy on permuted labels (%)",
    "restored": "accuracy on restored labels (%)",
}


def draw(tables: Mapping[str, list[dict[str, Any]]], subtitle: str) -> Figure:
    """Test, permuted and restored accuracy against the sparsity before the weights came back."""
    figure = beside.draw(tables, "redense", PANELS, ("sparse", "re-dense"), "sparsity before re-dense (%)")
    style.title(figure, "Sparse and re-dense", subtitle)
    return figure
