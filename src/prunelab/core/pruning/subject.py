"""What a criterion may look at, and how one is found by its name."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prunelab.core import byname
from prunelab.core.inputs import Inputs

Scores = dict[str, Tensor]
GRADIENT_BATCH = 512


@dataclass(frozen=True)
class Subject:
    """A trained, masked network about to be pruned, and what a criterion may look at.

    The network is in evaluation mode: scoring uses batch norm's running statistics and does not change them.
    """

    network: nn.Module
    names: list[str]  # prunable parameters
    x: Inputs  # N training images
    y: Tensor  # the labels given to them [N]: noisy
    batch_size: int
    generator: torch.Generator  # this round's own

    def weights(self) -> dict[str, Tensor]:
        """The prunable weights."""
        parameters = dict(self.network.named_parameters())
        return {name: parameters[name].detach() for name in self.names}

    def gradients(self, examples: Tensor) -> dict[str, Tensor]:
        """Gradient of the mean cross-entropy over the examples of these indices, for each prunable weight."""
        parameters = dict(self.network.named_parameters())
        wanted = [parameters[name] for name in self.names]
        total = [torch.zeros_like(p) for p in wanted]
        for part in examples.split(GRADIENT_BATCH):
            loss = F.cross_entropy(self.network(self.x[part]), self.y[part], reduction="sum")
            for sum_, gradient in zip(total, torch.autograd.grad(loss, wanted), strict=True):
                sum_ += gradient
        return {name: sum_ / len(examples) for name, sum_ in zip(self.names, total, strict=True)}


def criterion(name: str) -> Callable[[Subject], Scores]:
    """The score function of a criterion. Raises UserError where there is no such file."""
    return cast(Callable[[Subject], Scores], byname.load("criteria", name, "prune.criterion").score)
