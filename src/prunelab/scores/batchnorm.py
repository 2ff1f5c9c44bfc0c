"""E[BN]: what a filter's map is expected to be after batch norm and ReLU (Stability B.2).

Batch norm makes a map of mean b (its shift) and standard deviation |g| (its scale). If that is normal, the mean of
max(0, N(b, g^2)) is |g| phi(b / |g|) + b Phi(b / |g|), with the standard normal density and distribution.
"""

from prunelab.core.pruning.filters import Ranked, Scores
from prunelab.core.pruning.rectified import rectified_mean


def score(ranked: Ranked) -> Scores:
    """By layer [F]. Raises UserError where a layer has no batch norm."""
    found = {}
    for layer in ranked.layers:
        scale, shift = ranked.scale_and_shift(layer)
        found[layer.name] = rectified_mean(shift, scale.abs())
    return found
