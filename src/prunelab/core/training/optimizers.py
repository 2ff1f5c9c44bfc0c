"""Optimisers that never move a pruned weight.

Gradients of pruned weights are set to zero before an optimiser sees them, and weight decay of a zero is zero, so a
pruned weight *and its momentum* stay exactly zero: re-dense training releases nothing stored up. To add one: write
its `_update` and name it in OPTIMIZERS (and in config.py).
"""

from collections.abc import Callable, Mapping

import torch
from torch import Tensor

Gradients = tuple[Tensor, ...]


class Optimizer:
    """Zeroes what is pruned and adds the L2 penalty; a subclass turns what is left into an update.

    Args:
        parameters: by name, moved in place; pruned weights must already be zero.
        masks: parameter name -> bool mask of survivors; parameters without one are all trained.
        momentum: in [0, 1).
        weight_decay: L2 penalty, applied to every parameter.
    """

    def __init__(
        self, parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor], momentum: float, weight_decay: float
    ) -> None:
        names = list(parameters)
        self.parameters = tuple(parameters.values())
        pruned = [i for i, name in enumerate(names) if name in masks and not bool(masks[name].all())]
        self._pruned = pruned
        self._masks = [masks[names[i]].to(self.parameters[i]) for i in pruned]
        self._momentum, self._weight_decay = momentum, weight_decay
        self.velocity = [torch.zeros_like(p) for p in self.parameters] if momentum else []

    @torch.no_grad()
    def step(self, gradients: Gradients, lr: float) -> None:
        """One update; `gradients` are in the order of `parameters` and are overwritten."""
        if self._masks:
            torch._foreach_mul_([gradients[i] for i in self._pruned], self._masks)
        if self._weight_decay:
            torch._foreach_add_(gradients, self.parameters, alpha=self._weight_decay)
        self._update(gradients, lr)

    def _update(self, gradients: Gradients, lr: float) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as torch.optim.SGD computes it."""

    def _update(self, gradients: Gradients, lr: float) -> None:
        if self._momentum:
            torch._foreach_mul_(self.velocity, self._momentum)
            torch._foreach_add_(self.velocity, gradients)
        torch._foreach_add_(self.parameters, tuple(self.velocity) or gradients, alpha=-lr)


class Nesterov(Optimizer):
    """SGD with Nesterov momentum (which must be above 0), as torch.optim.SGD(nesterov=True) computes it."""

    def _update(self, gradients: Gradients, lr: float) -> None:
        torch._foreach_mul_(self.velocity, self._momentum)
        torch._foreach_add_(self.velocity, gradients)
        torch._foreach_add_(gradients, self.velocity, alpha=self._momentum)
        torch._foreach_add_(self.parameters, gradients, alpha=-lr)


class Adam(Optimizer):
    """Adam with PyTorch's defaults (averages 0.9 and 0.999, eps 1e-8), as torch.optim.Adam computes it.

    Weight decay is an L2 penalty on the loss, as with SGD, not AdamW's.
    """

    BETAS, EPS = (0.9, 0.999), 1e-8

    def __init__(
        self, parameters: Mapping[str, Tensor], masks: Mapping[str, Tensor], momentum: float, weight_decay: float
    ) -> None:
        super().__init__(parameters, masks, 0.0, weight_decay)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self._steps = 0

    def _update(self, gradients: Gradients, lr: float) -> None:
        self._steps += 1
        b1, b2 = self.BETAS
        torch._foreach_lerp_(self.first, gradients, 1 - b1)
        torch._foreach_mul_(self.second, b2)
        torch._foreach_addcmul_(self.second, gradients, gradients, value=1 - b2)
        roots = torch._foreach_sqrt(self.second)
        torch._foreach_div_(roots, (1 - b2**self._steps) ** 0.5)
        torch._foreach_add_(roots, self.EPS)
        torch._foreach_addcdiv_(self.parameters, self.first, roots, value=-lr / (1 - b1**self._steps))


Maker = Callable[[Mapping[str, Tensor], Mapping[str, Tensor], float, float], Optimizer]
OPTIMIZERS: dict[str, Maker] = {"sgd": SGD, "nesterov": Nesterov, "adam": Adam}
