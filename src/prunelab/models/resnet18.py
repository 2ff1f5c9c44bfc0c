"""ResNet-18, for 32x32 images without max-pooling; every conv and linear weight is prunable (SDD A.1)."""

from torch import nn

from prunelab.core import convnets


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Four groups of two basic blocks."""
    return convnets.ResNet(convnets.BasicBlock, [2, 2, 2, 2], sample_shape, num_classes, width)


def unpruned(network: nn.Module) -> set[str]:
    """Nothing: all convolutional and linear weights are prunable."""
    return set()
