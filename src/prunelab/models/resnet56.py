"""CIFAR ResNet-56, 16 to 64 channels; every conv and linear weight is prunable (He et al. 2016, 4.2; Stability 2)."""

from torch import nn

from prunelab.core import convnets


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Three groups of 9 basic blocks."""
    return convnets.cifar_resnet(56, sample_shape, num_classes, width)


def unpruned(network: nn.Module) -> set[str]:
    """Nothing: all convolutional and linear weights are prunable."""
    return set()
