"""VGG-16 with batch norm and one linear layer, which is not pruned (SDD A.1, Lens B)."""

from torch import nn

from prunelab.core import convnets


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Thirteen convolutions."""
    return convnets.VGG("D", sample_shape, num_classes, width)


def unpruned(network: nn.Module) -> set[str]:
    """The linear layer."""
    return convnets.last_layer(network)
