"""LeNet-300-100: two hidden layers with ReLU; the last layer is not pruned (SDD A.1, after OpenLTH)."""

from math import prod

from torch import nn


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Flatten, 300 * width, 100 * width, K outputs."""
    first, second = max(1, round(300 * width)), max(1, round(100 * width))
    return nn.Sequential(
        nn.Flatten(),
        nn.Linear(prod(sample_shape), first),
        nn.ReLU(),
        nn.Linear(first, second),
        nn.ReLU(),
        nn.Linear(second, num_classes),
    )


def unpruned(network: nn.Module) -> set[str]:
    """The output layer."""
    return {"5"}
