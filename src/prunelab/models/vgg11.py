"""VGG-11 with batch norm and one linear layer, which is not pruned (Stability 2)."""

from torch import nn

from prunelab.core import convnets


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Eight convolutions."""
    return convnets.VGG("A", sample_shape, num_classes, width)


def unpruned(network: nn.Module) -> set[str]:
    """The linear layer."""
    return convnets.last_layer(network)
