"""Dropout on hidden units, the plain noise injection: a control that no unit needs to be pruned for (Stability 6)."""

import torch
from torch import Tensor, nn


def add(network: nn.Module, probability: float, generator: torch.Generator) -> None:
    """From now on, in training mode, each output of each ReLU is 0 with this probability, and otherwise made larger.

    Args:
        network: changed in place; its parameters keep their names.
        probability: between 0 and 1; outputs that stay are divided by one minus it.
        generator: on the CPU, so that the same units are left out on any device.
    """

    def hook(module: nn.Module, inputs: object, output: Tensor) -> Tensor | None:
        if not module.training:
            return None
        stays = torch.rand(output.shape, generator=generator) >= probability
        return output * (stays.to(output) / (1 - probability))

    for module in network.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_hook(hook)
