"""Optimisers that never move a pruned weight.

Gradients of pruned weights are set to zero before an optimiser sees them, and weight decay of a zero is zero, so a
pruned weight *and its momentum* stay exactly zero: re-dense training releases nothing stored up. To add one: write
its `_update`, say in `_stored` what it keeps from step to step, and name it in OPTIMIZERS (and in config.py).
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from prunelab.core.training.learner import Learner

Gradients = tuple[Tensor, ...]


class Optimizer:
    """Zeroes what is pruned and adds the L2 penalty; a subclass turns what is left into an update.

    Args:
        learner: its parameters are moved in place; what its masks prune must already be zero.
        momentum: in [0, 1).
        weight_decay: L2 penalty, applied to every parameter.
    """

    def __init__(self, learner: Learner, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        self._learner = learner
        self.parameters = learner.moved
        self.momentum, self.weight_decay = momentum, weight_decay
        self.velocity = [torch.zeros_like(p) for p in self.parameters] if momentum else []
        self._read_masks()

    @torch.no_grad()
    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Other masks for the learner from now on, in the place of all that it had.

        What goes becomes zero, and so does all that is stored for it; what stays keeps its value, momentum and
        averages to the bit. What comes back starts with nothing stored, at zero unless the caller put something
        there. (Adam counts its steps for all entries together and makes up for averages that start from zero by
        that count: late in a run the first step of what comes back is up to 3.2 times the learning rate, not once.)

        Raises:
            ValueError: a mask is not of a parameter's name and shape, or the learner keeps survivors only.
        """
        self._learner.remask(masks)
        self._read_masks()
        for i, mask in zip(self._pruned, self._masks, strict=True):
            for held in (self.parameters, *self._stored()):
                held[i].masked_fill_(mask == 0, 0.0)

    def _read_masks(self) -> None:
        survivors = self._learner.survivors()
        self._pruned = [i for i, kept in enumerate(survivors) if kept is not None]
        self._masks = [survivors[i].to(self.parameters[i]) for i in self._pruned]  # type: ignore[union-attr]

    def _stored(self) -> list[list[Tensor]]:
        """All that is kept from step to step, each for every parameter."""
        return [self.velocity] if self.velocity else []

    @torch.no_grad()
    def step(self, gradients: Gradients, lr: float) -> None:
        """One update; `gradients` are in the order of `parameters` and are overwritten."""
        if self._masks:
            torch._foreach_mul_([gradients[i] for i in self._pruned], self._masks)
        if self.weight_decay:
            torch._foreach_add_(gradients, self.parameters, alpha=self.weight_decay)
        self._update(gradients, lr)

    def _update(self, gradients: Gradients, lr: float) -> None:
        raise NotImplementedError


class SGD(Optimizer):
    """Stochastic gradient descent with momentum, as torch.optim.SGD computes it."""

    def _update(self, gradients: Gradients, lr: float) -> None:
        if self.momentum:
            torch._foreach_mul_(self.velocity, self.momentum)
            torch._foreach_add_(self.velocity, gradients)
        torch._foreach_add_(self.parameters, tuple(self.velocity) or gradients, alpha=-lr)


class Nesterov(Optimizer):
    """SGD with Nesterov momentum (which must be above 0), as torch.optim.SGD(nesterov=True) computes it."""

    def _update(self, gradients: Gradients, lr: float) -> None:
        torch._foreach_mul_(self.velocity, self.momentum)
        torch._foreach_add_(self.velocity, gradients)
        torch._foreach_add_(gradients, self.velocity, alpha=self.momentum)
        torch._foreach_add_(self.parameters, gradients, alpha=-lr)


class Adam(Optimizer):
    """Adam with PyTorch's defaults (averages 0.9 and 0.999, eps 1e-8), as torch.optim.Adam computes it.

    Weight decay is an L2 penalty on the loss, as with SGD, not AdamW's.
    """

    BETAS, EPS = (0.9, 0.999), 1e-8

    def __init__(self, learner: Learner, momentum: float = 0.0, weight_decay: float = 0.0) -> None:
        super().__init__(learner, 0.0, weight_decay)
        self.first = [torch.zeros_like(p) for p in self.parameters]
        self.second = [torch.zeros_like(p) for p in self.parameters]
        self._steps = 0

    def _stored(self) -> list[list[Tensor]]:
        return [self.first, self.second]

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


OPTIMIZERS: dict[str, type[Optimizer]] = {"sgd": SGD, "nesterov": Nesterov, "adam": Adam}
