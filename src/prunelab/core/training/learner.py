"""A network as the training loop sees it: what moves, its gradients, its outputs.

Two kinds: any network, by autograd; and multilayer perceptrons on a CPU, by hand (perceptron.py).
"""

from collections.abc import Callable, Iterable, Mapping
from typing import Any, Protocol

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from prunelab.core import networks
from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training.augment import Augment

Forward = Callable[[Tensor], Tensor]
# Positions of a batch's images, and what happens to it -> the batch as this learner wants it.
Reader = Callable[[Tensor, Augment | None], Any]
# Small enough that a layer's activations stay in a core's cache; the whole set at once takes 1.5 times as long.
EVALUATION_BATCH = 512


class Measured(Protocol):
    """What measures need of a learner. Shapes: N images in a set, K classes."""

    def logits(self, x: Inputs) -> Tensor:
        """Outputs of a whole set in evaluation mode, classes first [K, N]."""


class Learner(Measured, Protocol):
    """What the loop and the optimisers need. Shapes: B images in a batch, K classes."""

    @property
    def moved(self) -> tuple[Tensor, ...]:
        """What an optimiser moves, in place: the parameters, or one vector of which they are parts."""

    def survivors(self) -> tuple[Tensor | None, ...]:
        """Of each of `moved` what is not pruned, bool; None where all is left."""

    @property
    def parameters(self) -> Mapping[str, Tensor]:
        """The same by name."""

    @property
    def masks(self) -> Mapping[str, Tensor]:
        """Survivors of those parameters that hold pruned weights too, as zeros."""

    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Take note of other masks; an optimiser's `remask` calls it and makes zeros of what goes.

        Raises:
            ValueError: a mask is not of a parameter's name and shape, or survivors are all that is kept.
        """

    def reader(self, x: Inputs | Tensor) -> Reader:
        """How batches are read from a set; made once for a run."""

    def gradients(self, batch: Any, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of the mean cross-entropy by what is `moved`; `batch` is from `reader`. Overwritten by the next call."""

    def seen(self) -> Tensor:
        """Outputs for the last batch that gradients were asked for, before the step, classes first [K, B]."""

    def state(self) -> State:
        """A copy of the network's parameters and buffers, whole, on the CPU."""


def fitting(masks: Mapping[str, Tensor], parameters: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
    """The masks. Raises ValueError if one is not of a parameter's name and shape."""
    for name, mask in masks.items():
        if name not in parameters:
            raise ValueError(f"a mask of {name}, must be of one of {', '.join(parameters)}")
        if mask.shape != parameters[name].shape:
            raise ValueError(f"the mask of {name} is {tuple(mask.shape)}, must be {tuple(parameters[name].shape)}")
    return masks


def of_each(parameters: Iterable[str], masks: Mapping[str, Tensor]) -> tuple[Tensor | None, ...]:
    """The mask of each parameter, by name; None where all is left."""
    kept = map(masks.get, parameters)
    return tuple(None if mask is None or bool(mask.all()) else mask for mask in kept)


class ByAutograd:
    """Any network.

    Args:
        network: its pruned weights must be zero.
        masks: survivors by parameter name.
        forward: runs the network (engine.py); default: the network itself.
    """

    def __init__(self, network: nn.Module, masks: Mapping[str, Tensor], forward: Forward | None = None) -> None:
        self.parameters: dict[str, Tensor] = dict(network.named_parameters())
        self.remask(masks)
        self._network, self._forward = network.train(), network if forward is None else forward
        self.moved = tuple(self.parameters.values())

    def survivors(self) -> tuple[Tensor | None, ...]:
        """Of each parameter."""
        return of_each(self.parameters, self.masks)

    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Any masks will do."""
        self.masks = fitting(masks, self.parameters)

    def reader(self, x: Inputs | Tensor) -> Reader:
        """Images [B, C, H, W]."""
        return lambda batch, augment: x[batch] if augment is None else augment(x[batch], batch)

    def gradients(self, batch: Tensor, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of the mean cross-entropy by `parameters`."""
        outputs_BK = self._forward(batch)
        self._outputs_BK = outputs_BK.detach()
        return torch.autograd.grad(F.cross_entropy(outputs_BK, labels_B), self.moved)

    def seen(self) -> Tensor:
        """Those of the last batch."""
        return self._outputs_BK.T

    @torch.inference_mode()
    def logits(self, x: Inputs) -> Tensor:
        """Outputs [K, N]; the network is in evaluation mode for as long as it takes."""
        self._network.eval()
        try:
            return torch.cat([self._forward(part) for part in x.batches(EVALUATION_BATCH)]).T
        finally:
            self._network.train()

    def state(self) -> State:
        """A copy."""
        return networks.state(self._network)
