"""ResNet-50; every conv and linear weight is prunable (He et al. 2016; Lens B)."""

from torch import nn

from prunelab.core import convnets


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Four groups of bottlenecks."""
    return convnets.ResNet(convnets.Bottleneck, [3, 4, 6, 3], sample_shape, num_classes, width)


def unpruned(network: nn.Module) -> set[str]:
    """Nothing: all convolutional and linear weights are prunable."""
    return set()
