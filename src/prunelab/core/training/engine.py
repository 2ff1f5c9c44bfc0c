"""How the arithmetic is done: precision, memory layout, compilation. Each is a switch; none changes what is computed.

Measured effects are in benchmarks/README.md.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from prunelab.core.training import perceptron
from prunelab.core.training.learner import ByAutograd, Forward, Learner


@dataclass(frozen=True)
class Engine:
    """The switches that `engine` names."""

    bfloat16: bool = False  # autocast of what gains by it; weights and losses stay float32
    channels_last: bool = False  # memory layout of images and convolutions
    compile: bool = False  # torch.compile
    stacked: bool = False  # replicates as one, of perceptrons (core/rounds/together.py)
    graphs: bool = False  # and their updates as CUDA graphs

    def learner(
        self, network: nn.Module, masks: Mapping[str, Tensor], *, sparse: bool = True, hooked: bool = False
    ) -> Learner:
        """The fastest way to train `network` with these switches.

        Args:
            network: on its device; pruned weights must be zero.
            masks: survivors by parameter name; of any parameters.
            sparse: layers may keep surviving weights only, where that is faster; there is no `remask` then.
            hooked: something hooks on to the network's modules, which must be called.
        """
        on_cpu = all(parameter.device.type == "cpu" for parameter in network.parameters())
        if on_cpu and not (hooked or self.bfloat16 or self.compile) and perceptron.is_one(network):
            return perceptron.ByHand(network, masks, sparse=sparse)
        return ByAutograd(network, masks, self.forward(network))

    def forward(self, network: nn.Module) -> Forward:
        """A function [B, C, H, W] -> logits [B, K] float32 that runs `network`, whose parameters it shares.

        The network itself keeps its names and is changed in memory layout only.
        """
        layout = torch.channels_last if self.channels_last else torch.contiguous_format
        if self.channels_last:
            network.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        run = torch.compile(network) if self.compile else network
        if not (self.bfloat16 or self.channels_last):
            return run  # nothing to add, and nothing to pay for at each step

        def forward(x: Tensor) -> Tensor:
            if x.ndim == 4:
                x = x.contiguous(memory_format=layout)
            with torch.autocast(x.device.type, torch.bfloat16, enabled=self.bfloat16):
                return run(x).float()

        return forward
