"""A small perceptron with batch norm after both hidden layers (128 and 256 units), for pruning while training.

Batch norm's scales and shifts rank its units there (scores/batchnorm.py). The last layer is not pruned.
"""

from math import prod

from torch import nn

from prunelab.core.convnets import channels


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Flatten, 128 * width, 256 * width, K outputs."""
    first, second = channels(128, width), channels(256, width)
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(prod(sample_shape), first),
        nn.BatchNorm1d(first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.BatchNorm1d(second),
        nn.ReLU(),
        nn.Linear(second, num_classes),
    )


def unpruned(network: nn.Module) -> set[str]:
    """The output layer."""
    return {"7"}
