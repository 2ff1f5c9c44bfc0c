"""Conv-2: two 3x3 convolutions of 64 channels, max-pooling, two hidden layers of 256 (Frankle and Carbin 2019).

With `model.width=0.2` a small network for a few thousand small pictures, quick on a CPU. The last layer is not pruned.
"""

from torch import nn

from prunelab.core.convnets import channels


def build(sample_shape: tuple[int, int, int], num_classes: int, width: float) -> nn.Module:
    """64 * width channels twice, 256 * width units twice, K outputs."""
    of_picture, height, across = sample_shape
    maps, units = channels(64, width), channels(256, width)
    return nn.Sequential(
        nn.Conv2d(of_picture, maps, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(maps, maps, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2, ceil_mode=True),
        nn.Flatten(),
        nn.Linear(maps * ((height + 1) // 2) * ((across + 1) // 2), units),
        nn.ReLU(),
        nn.Linear(units, units),
        nn.ReLU(),
        nn.Linear(units, num_classes),
    )


def unpruned(network: nn.Module) -> set[str]:
    """The output layer."""
    return {"10"}
