"""The length of a filter's weights (Stability 3)."""

from prunelab.core.pruning.filters import Ranked, Scores


def score(ranked: Ranked) -> Scores:
    """By layer [F]."""
    return {layer.name: ranked.rows(layer).norm(dim=1) for layer in ranked.layers}
