"""How much a filter's map was there lately: a running mean of the sum of its absolute values (Stability 3).

Before the ReLU, after batch norm and what a shortcut adds; studies/stability/arms/maps.py keeps the mean.
"""

from prunelab.core.pruning.filters import Ranked, Scores

OF_MAPS = True


def score(ranked: Ranked) -> Scores:
    """By layer [F]."""
    return {layer.name: ranked.activations[layer.name] for layer in ranked.layers}
