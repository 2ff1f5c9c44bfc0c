"""The training (or test) loss as a function of a network's state.

Shapes: N examples, K classes.
"""

from collections.abc import Iterator

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call

from prunelab.core.inputs import Inputs
from prunelab.core.networks import State

# Examples at once: activations of a small network stay in a core's cache, those of a large one in memory.
BATCH = 500


class Objective:
    """Mean cross-entropy and accuracy over a fixed set of examples.

    Args:
        network: gives the architecture; its own state is never used. It is put into evaluation mode.
        x: N images.
        y: their labels [N], int64.
        rows: positions of the examples that count; None: all of them.
    """

    def __init__(self, network: nn.Module, x: Inputs, y: Tensor, rows: Tensor | None = None) -> None:
        self.network = network.eval()
        self._x, self._y = x, y
        self._rows = torch.arange(len(x), device=y.device) if rows is None else rows

    def __len__(self) -> int:
        return len(self._rows)

    def batches(self, size: int = BATCH) -> Iterator[tuple[Tensor, Tensor]]:
        """Images and labels, so many at a time, in order."""
        return ((self._x[part], self._y[part]) for part in self._rows.split(size))

    def loss(self, state: State, x: Tensor, y: Tensor) -> Tensor:
        """Sum over a batch; differentiable."""
        return F.cross_entropy(functional_call(self.network, state, (x,)), y, reduction="sum")

    @torch.no_grad()
    def measure(self, state: State) -> tuple[float, float]:
        """Mean loss and accuracy at a state."""
        loss, right = 0.0, 0
        for x, y in self.batches():
            logits = functional_call(self.network, state, (x,))
            loss += float(F.cross_entropy(logits, y, reduction="sum").double())
            right += int((logits.argmax(dim=1) == y).sum())
        return loss / len(self), right / len(self)


def sample(count: int, limit: int, generator: torch.Generator) -> Tensor | None:
    """Positions [limit] of a random sample, in order; None (all) if there are no more than that, or `limit` is 0."""
    if not limit or count <= limit:
        return None
    return torch.randperm(count, generator=generator)[:limit].sort().values
