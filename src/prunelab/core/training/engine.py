"""How the arithmetic is done: precision, memory layout, compilation. Each is a switch; none changes what is computed.

Measured effects are in docs/performance.md.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

Forward = Callable[[Tensor], Tensor]


@dataclass(frozen=True)
class Engine:
    """The switches that `engine` names."""

    bfloat16: bool = False  # autocast of what gains by it; weights and losses stay float32
    channels_last: bool = False  # memory layout of images and convolutions
    compile: bool = False  # torch.compile

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
