"""Filters: what belongs to each, which layers have them, how many are left after an event, and their scores.

A filter of a convolution makes one map; a neuron of a linear layer is a filter whose map is one number. With it go its
row of the weight, its bias, the scale and shift of the batch norm that follows, and in a residual network its row of
the shortcut that is added to its map (Stability 2). F filters in a layer.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from math import ceil
from typing import cast

import torch
from torch import Tensor, nn
from torchvision.models.resnet import BasicBlock, Bottleneck

from prunelab.core import byname
from prunelab.core.networks import WEIGHT_LAYERS
from prunelab.core.pruning.mask import Masks
from prunelab.errors import UserError

Scores = dict[str, Tensor]  # by layer [F]
Kept = Mapping[str, Tensor]  # by layer, bool [F]: true where a filter is left
BLOCKS = (BasicBlock, Bottleneck)
ROUNDING = 1e-9  # (1 - 0.7) * 10 is 3.0000000000000004 and means 3


@dataclass(frozen=True)
class Layer:
    """One layer with filters, by the names that its tensors have in the network."""

    name: str  # of the module, such as "layer1.0.conv2"
    filters: int  # F
    norm: str | None  # the batch norm that follows
    rows: tuple[str, ...]  # parameters with a row for each filter, the layer's own weight first
    block: str | None = None  # the residual block whose output its maps are, with the shortcut added

    @property
    def weight(self) -> str:
        """Name of its own weight [F, ...]."""
        return self.rows[0]

    @property
    def affine(self) -> tuple[str, ...]:
        """Names of batch norm's scale and shift [F], if there is one."""
        return (f"{self.norm}.weight", f"{self.norm}.bias") if self.norm else ()

    @property
    def running(self) -> tuple[str, ...]:
        """Names of batch norm's running statistics [F], if there is one."""
        return (f"{self.norm}.running_mean", f"{self.norm}.running_var") if self.norm else ()


def layers(network: nn.Module, sample_shape: tuple[int, int, int]) -> list[Layer]:
    """All layers with filters, in the order in which the network uses them; not the one that gives the outputs.

    Of a residual network those inside its blocks, without the shortcuts' own convolutions (Stability 2).

    Args:
        network: its batch norms must follow their layers at once. It is run on two black images and left as it was.
        sample_shape: (C, H, W).
    """
    used, norms = _run(network, sample_shape)
    blocks = {path: block for path, block in network.named_modules() if isinstance(block, BLOCKS)}
    used = [name for name in used if name.rpartition(".")[0] in blocks] if blocks else used[:-1]
    return [_layer(network, name, norms.get(name), blocks) for name in used]


def _run(network: nn.Module, sample_shape: tuple[int, int, int]) -> tuple[list[str], dict[str, str]]:
    """Conv and linear layers as they are used, and the batch norm that is given each one's outputs."""
    outputs: dict[str, Tensor] = {}
    norms: dict[str, str] = {}

    def note(name: str) -> Callable[..., None]:
        return lambda module, inputs, output: outputs.__setitem__(name, output)

    def match(name: str) -> Callable[..., None]:
        def hook(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            norms.update({layer: name for layer, output in outputs.items() if output is inputs[0]})

        return hook

    hooks = []
    for name, module in network.named_modules():
        if isinstance(module, WEIGHT_LAYERS):
            hooks.append(module.register_forward_hook(note(name)))
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            hooks.append(module.register_forward_pre_hook(match(name)))
    training, parameter = network.training, next(network.parameters())
    try:
        with torch.no_grad():
            network.eval()(parameter.new_zeros(2, *sample_shape))
    finally:
        network.train(training)
        for hook in hooks:
            hook.remove()
    return list(outputs), norms


def _layer(network: nn.Module, name: str, norm: str | None, blocks: Mapping[str, nn.Module]) -> Layer:
    module = network.get_submodule(name)
    rows = [f"{name}.{one}" for one, _ in module.named_parameters(recurse=False)]
    if norm:
        rows += [f"{norm}.weight", f"{norm}.bias"]
    path, _, own = name.rpartition(".")
    block = blocks.get(path)
    last = block is not None and own == ("conv3" if isinstance(block, Bottleneck) else "conv2")
    if last and block is not None and isinstance(block.downsample, nn.Module):
        rows += [f"{path}.downsample.{one}" for one, _ in block.downsample.named_parameters()]
    count = len(cast(Tensor, module.weight))
    return Layer(name, count, norm, tuple(rows), path if last else None)


def masks(some: Sequence[Layer], kept: Kept, shapes: Mapping[str, torch.Size]) -> Masks:
    """Masks of all parameters that go with filters.

    Args:
        some: layers.
        kept: by layer's name, which filters are left.
        shapes: of parameters by name, filters first.
    """
    found: Masks = {}
    for layer in some:
        for name in layer.rows:
            shape = shapes[name]
            found[name] = kept[layer.name].view(-1, *[1] * (len(shape) - 1)).expand(shape).clone()
    return found


def kept_after(count: int, fraction: float, events: int, done: int) -> int:
    """How many of `count` filters are left after `done` of `events` events that remove a fraction in all, [0, 1).

    In the end ceil((1 - fraction) * count), at least one; before, as evenly as whole numbers go (Stability 2).
    """
    last = max(1, ceil((1 - fraction) * count - ROUNDING))
    return ceil(last + (count - last) * (events - done) / events - ROUNDING)


class Gates:
    """Makes the outputs of residual blocks zero for the filters that are gone, where a shortcut would add to them.

    A shortcut without weights has no row to prune: it carries the block's input past the filter.
    """

    def __init__(self, network: nn.Module, layers: Sequence[Layer]) -> None:
        """All open. Before the network runs: what is compiled sees no hook that comes later."""
        self._open: dict[str, Tensor] = {}
        for layer in layers:
            if layer.block is not None:
                parameter = network.get_parameter(layer.weight)
                self._open[layer.name] = parameter.new_ones(1, layer.filters, 1, 1)
                network.get_submodule(layer.block).register_forward_hook(self._hook(layer.name))

    def set(self, kept: Kept) -> None:
        """From now on only what is left comes through."""
        for name, gate in self._open.items():
            gate.copy_(kept[name][None, :, None, None])

    def _hook(self, name: str) -> Callable[..., Tensor]:
        return lambda module, inputs, output: output * self._open[name]


@dataclass(frozen=True)
class Ranked:
    """A network in training whose filters are about to be ranked, and what a score may look at."""

    network: nn.Module
    layers: Sequence[Layer]
    activations: Mapping[str, Tensor] = field(default_factory=dict)  # running means of sums of |map|, by layer [F]

    def parameter(self, name: str) -> Tensor:
        """By name, without its gradient."""
        return self.network.get_parameter(name).detach()

    def rows(self, layer: Layer) -> Tensor:
        """The weights of a layer, a row for each filter [F, ...] flattened."""
        return self.parameter(layer.weight).flatten(1)

    def scale_and_shift(self, layer: Layer) -> tuple[Tensor, Tensor]:
        """Of the batch norm after a layer [F] each. Raises UserError where there is none."""
        if not layer.affine:
            raise UserError(
                f"stability.score: a score from batch norm needs one after each pruned layer, {layer.name} has none; "
                "l1, l2 and activation need none"
            )
        scale, shift = layer.affine
        return self.parameter(scale), self.parameter(shift)


@dataclass(frozen=True)
class Ranking:
    """How filters are ranked."""

    score: Callable[[Ranked], Scores]
    of_maps: bool  # whether it looks at Ranked.activations


def ranking(name: str) -> Ranking:
    """By a score's name. Raises UserError where there is no such file."""
    module = byname.load("scores", name, "stability.score")
    return Ranking(module.score, getattr(module, "OF_MAPS", False))
