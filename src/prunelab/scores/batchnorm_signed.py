"""E[BN] as released for ResNet-18: the formula of scores/batchnorm.py with the scale's sign kept (Stability B.2).

It is no mean of anything where the scale is negative; the paper says only that it is more stable.
"""

from prunelab.core.pruning.filters import Ranked, Scores
from prunelab.core.pruning.rectified import rectified_mean


def score(ranked: Ranked) -> Scores:
    """By layer [F]. Raises UserError where a layer has no batch norm."""
    found = {}
    for layer in ranked.layers:
        scale, shift = ranked.scale_and_shift(layer)
        found[layer.name] = rectified_mean(shift, scale)
    return found
