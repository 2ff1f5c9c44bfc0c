"""The sum of a filter's absolute weights (Stability 3, after Li et al. 2017)."""

from prunelab.core.pruning.filters import Ranked, Scores


def score(ranked: Ranked) -> Scores:
    """By layer [F]."""
    return {layer.name: ranked.rows(layer).abs().sum(dim=1) for layer in ranked.layers}
