"""A small convolutional network with batch norm for small pictures: 8, 16, 32 and 96 channels, then their means.

For pruning while training on a CPU. The last layer, which is linear, is not pruned.
"""

from torch import nn

from prunelab.core.convnets import channels

POOL = "M"
PLAN: tuple[int | str, ...] = (8, POOL, 16, POOL, 32, 96)


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """Four 3x3 convolutions with batch norm, two poolings, the mean over each map, K outputs."""
    before = sample_shape[0]
    modules: list[nn.Module] = []
    for one in PLAN:
        if isinstance(one, str):
            modules.append(nn.MaxPool2d(2, ceil_mode=True))
            continue
        maps = channels(one, width)
        modules += [nn.Conv2d(before, maps, 3, padding=1), nn.BatchNorm2d(maps), nn.ReLU()]
        before = maps
    return nn.Sequential(*modules, nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(before, num_classes))


def unpruned(network: nn.Module) -> set[str]:
    """The output layer."""
    return {[name for name, module in network.named_children() if isinstance(module, nn.Linear)][-1]}
