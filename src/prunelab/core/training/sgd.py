"""SGD that never moves a pruned weight."""

from collections.abc import Mapping

import torch
from torch import Tensor, nn


class MaskedSGD:
    """SGD with momentum and weight decay, as torch.optim.SGD computes them, restricted to surviving weights.

    Gradients of pruned weights are set to zero before they reach the momentum, and weight decay of a zero is
    zero, so a pruned weight *and its momentum* stay exactly zero: re-dense training releases nothing stored up.

    Args:
        network: its pruned weights must already be zero.
        masks: parameter name -> bool mask of survivors; parameters without one are all trained.
        momentum: in [0, 1).
        weight_decay: L2 penalty, applied to every parameter.
    """

    def __init__(self, network: nn.Module, masks: Mapping[str, Tensor], momentum: float, weight_decay: float) -> None:
        names = [name for name, _ in network.named_parameters()]
        self.parameters = tuple(network.parameters())
        pruned = [i for i, name in enumerate(names) if name in masks and not bool(masks[name].all())]
        self._pruned = pruned
        self._masks = [masks[names[i]].to(self.parameters[i]) for i in pruned]
        self._momentum, self._weight_decay = momentum, weight_decay
        self.velocity = [torch.zeros_like(p) for p in self.parameters] if momentum else []

    @torch.no_grad()
    def step(self, gradients: tuple[Tensor, ...], lr: float) -> None:
        """One update; `gradients` are in the order of `parameters` and are overwritten."""
        if self._masks:
            torch._foreach_mul_([gradients[i] for i in self._pruned], self._masks)
        if self._weight_decay:
            torch._foreach_add_(gradients, self.parameters, alpha=self._weight_decay)
        if self._momentum:
            torch._foreach_mul_(self.velocity, self._momentum)
            torch._foreach_add_(self.velocity, gradients)
        torch._foreach_add_(self.parameters, tuple(self.velocity) or gradients, alpha=-lr)
