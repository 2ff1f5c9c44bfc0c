"""The two families of convolutional networks that files in models/ pick from, on torchvision's own modules.

What differs from torchvision: `width` multiplies every number of channels (torchvision scales ResNet's bottlenecks
only), and small images keep their resolution at the start. Initialisation is core/networks.py's.
"""

from collections.abc import Sequence
from typing import Any

from torch import nn
from torchvision.models import resnet, vgg
from torchvision.models.resnet import BasicBlock, Bottleneck

from prunelab.errors import UserError

__all__ = ["VGG", "BasicBlock", "Bottleneck", "ResNet", "cifar_resnet", "last_layer"]
Shape = tuple[int, int, int]


def channels(planes: int, width: float) -> int:
    """A multiple of the published number of channels, at least 1."""
    return max(1, round(planes * width))


class ResNet(resnet.ResNet):
    """A residual network of any width for images of any size (He et al. 2016).

    Up to 64 pixels, the stem is a 3x3 convolution of stride 1 without max-pooling (SDD A.1, for CIFAR and Tiny
    ImageNet); above, torchvision's.

    Args:
        block: BasicBlock or Bottleneck.
        layers: blocks in each of the four groups, or three for the CIFAR family.
        sample_shape: (C, H, W).
        num_classes: K.
        width: multiplies every number of channels.
        planes: channels of the first group, doubled by each that follows; 64, or 16 for the CIFAR family.
    """

    def __init__(
        self,
        block: type[BasicBlock | Bottleneck],
        layers: Sequence[int],
        sample_shape: Shape,
        num_classes: int,
        width: float,
        planes: int = 64,
    ) -> None:
        self._scale = width * planes / 64  # torchvision counts from 64
        three = len(layers) == 3
        super().__init__(block, [*layers, 1] if three else list(layers))
        in_channels, height, _ = sample_shape
        first, last = channels(64, self._scale), channels(256 if three else 512, self._scale)
        if height <= 64:
            self.conv1 = nn.Conv2d(in_channels, first, 3, padding=1, bias=False)
            self.maxpool: nn.Module = nn.Identity()
        else:
            self.conv1 = nn.Conv2d(in_channels, first, 7, stride=2, padding=3, bias=False)
        self.bn1 = nn.BatchNorm2d(first)
        if three:
            self.layer4: nn.Module = nn.Identity()
        self.fc = nn.Linear(last * block.expansion, num_classes)

    def _make_layer(self, block: Any, planes: int, *args: Any, **kwargs: Any) -> nn.Sequential:
        if planes == 64:  # the first group follows the stem
            self.inplanes = channels(64, self._scale)
        return super()._make_layer(block, channels(planes, self._scale), *args, **kwargs)


class VGG(nn.Sequential):
    """VGG with batch norm and one linear layer, for images from 32 pixels (SDD A.1, after OpenLTH).

    Args:
        plan: torchvision's letter for the depth: "A" is VGG-11, "D" is VGG-16.
        sample_shape: (C, H, W).
        num_classes: K.
        width: multiplies every number of channels.

    Raises:
        UserError: images are too small for five poolings.
    """

    def __init__(self, plan: str, sample_shape: Shape, num_classes: int, width: float) -> None:
        in_channels, *size = sample_shape
        if min(size) < 32:
            raise UserError(f"model.name: VGG needs images of at least 32x32 pixels, these are {size[0]}x{size[1]}")
        layers = [c if isinstance(c, str) else channels(c, width) for c in vgg.cfgs[plan]]
        features = vgg.make_layers(layers, batch_norm=True)
        head = nn.Conv2d(in_channels, channels(64, width), 3, padding=1)
        super().__init__(head, *features[1:], nn.AdaptiveAvgPool2d(1), nn.Flatten())
        self.append(nn.Linear(channels(512, width), num_classes))


def cifar_resnet(depth: int, sample_shape: Shape, num_classes: int, width: float) -> ResNet:
    """ResNet of `depth` 6n + 2 for CIFAR: three groups of n blocks with 16, 32 and 64 channels (He et al. 2016, 4.2).

    Shortcuts that change the shape are 1x1 convolutions, as in OpenLTH.
    """
    return ResNet(BasicBlock, [(depth - 2) // 6] * 3, sample_shape, num_classes, width, planes=16)


def last_layer(network: nn.Module) -> set[str]:
    """The name of the output layer, where that is not pruned."""
    return {[name for name, module in network.named_modules() if isinstance(module, nn.Linear)][-1]}
