"""Running means of how much each filter's map is there, for the score `activation` (Stability 3).

Every tenth training batch, a <- 0.9 a + 0.1 (sum over batch and pixels of |map|), from 0. The map is what ReLU is
given: after batch norm, and where a residual block ends, after the shortcut is added.
"""

from collections.abc import Callable, Sequence

import torch
from torch import Tensor, nn

from prunelab.core.pruning.filters import BLOCKS, Layer

EVERY, KEEP = 10, 0.9


class Maps:
    """Watches a network; `step` says of each training batch whether it counts."""

    def __init__(self, network: nn.Module, layers: Sequence[Layer]) -> None:
        self.means: dict[str, Tensor] = {
            one.name: torch.zeros(one.filters, device=network.get_parameter(one.weight).device) for one in layers
        }
        self._watching = False
        self._call: dict[str, int] = {}
        for one in layers:
            block = network.get_submodule(one.name.rpartition(".")[0]) if "." in one.name else None
            if isinstance(block, BLOCKS):
                self._watch_block(one, block)
            else:
                module = network.get_submodule(one.norm or one.name)
                module.register_forward_hook(self._output(one.name))

    def step(self, iteration: int) -> None:
        """Before each update: is its batch one that counts?"""
        self._watching = iteration % EVERY == 0

    def stop(self) -> None:
        """No batch counts until the next `step`: what follows is no training."""
        self._watching = False

    def _output(self, name: str) -> Callable[..., None]:
        return lambda module, inputs, output: self._note(name, output)

    def _watch_block(self, layer: Layer, block: nn.Module) -> None:
        """A block has one ReLU, which it calls after each of its convolutions; after the last one with the shortcut."""
        number = int(layer.name[-1])  # of conv1, conv2, conv3

        def begin(module: nn.Module, inputs: object) -> None:
            self._call[layer.name] = 0

        def called(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
            self._call[layer.name] += 1
            if self._call[layer.name] == number:
                self._note(layer.name, inputs[0])

        block.register_forward_pre_hook(begin)
        block.get_submodule("relu").register_forward_pre_hook(called)

    @torch.no_grad()
    def _note(self, name: str, map_: Tensor) -> None:
        if self._watching:
            axes = [axis for axis in range(map_.ndim) if axis != 1]
            self.means[name].mul_(KEEP).add_(map_.detach().float().abs().sum(dim=axes), alpha=1 - KEEP)
