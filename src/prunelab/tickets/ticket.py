"""A pruned network with everything that is needed to use it."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from math import prod

import numpy as np
import torch
from torch import Tensor, nn

from prunelab.core.features import Standardisation
from prunelab.core.training import perceptron
from prunelab.errors import UserError, short
from prunelab.tickets import compact, whole
from prunelab.tickets.description import Compact, Description

PIXELS = "pixels"  # of a compact ticket: int32 [P]


@dataclass(frozen=True)
class Ticket:
    """What a file holds. Read one with `prunelab.tickets.read`.

    Attributes:
        description: all that is said about the network; JSON in the file.
        tensors: by the names of the network's state, float32 (batch norm's counter int64), zero where pruned. Of a
            compact one: `pixels` [P], int32, and `N.weight` [O, I] and `N.bias` [O], float32, of layer N.
        masks: bool, by the name of a weight: which survive.
    """

    description: Description
    tensors: Mapping[str, Tensor]
    masks: Mapping[str, Tensor]

    @property
    def classes(self) -> list[str]:
        """Names by number."""
        return list(self.description.classes)

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of a sample."""
        return self.description.shape

    def __repr__(self) -> str:
        one, form = self.description, "compact" if self.is_compact else "whole"
        return (
            f"Ticket({one.source.round} of seed {one.source.seed}, {one.model.name} on {one.source.dataset}, "
            f"{one.survivors} of {one.prunable} weights, {form})"
        )

    @property
    def features(self) -> Standardisation | None:
        """Which features a sample has, in order, and how they are standardised; None for pictures."""
        return self.description.features

    @property
    def is_compact(self) -> bool:
        """Whether idle units and pixels were left out."""
        return self.description.compact is not None

    def network(self, *, masked: bool = False) -> nn.Module:
        """The network, in evaluation mode, from raw pixels [B, C, H, W] of any number type to outputs [B, K].

        Of features: from raw ones, [B, D, 1, 1], in the order and units of the data that it was trained on. Float64,
        as `fetch` reads them, for the very outputs of the study: float32 rounds a time in seconds by a minute.

        Args:
            masked: with masks as torch.nn.utils.prune has them (weight_orig, weight_mask), to train on.

        Raises:
            UserError: a compact one has no masks.
        """
        if not self.is_compact:
            return whole.build(self.description, self.tensors, self.masks, masked)
        if masked:
            raise UserError("masked=True: a compact ticket has no masks; use the one that it was made from")
        return self._compact_network(sparse=True)

    def plain_network(self) -> nn.Module:
        """The same network with whole matrices only, which other programs know too (onnx_file.py)."""
        return self._compact_network(sparse=False) if self.is_compact else self.network()

    def compact(self) -> "Ticket":
        """The same network without what pruning left idle; outputs agree to rounding. A compact one stays as it is.

        Raises UserError for a model that is no perceptron (LeNet): there a unit is not a row of a matrix.
        """
        if self.is_compact:
            return self
        _perceptron(self.description)
        weights = [value.double().numpy() for name, value in self.tensors.items() if name.endswith(".weight")]
        biases = [value.double().numpy() for name, value in self.tensors.items() if name.endswith(".bias")]
        of_channel = np.repeat(whole.affine(self.description.normalisation), np.prod(self.sample_shape[1:]), axis=1)
        left = compact.fold(weights, biases, *of_channel)
        tensors = {PIXELS: torch.from_numpy(left.pixels.astype(np.int32))}
        for i, (weight_OI, bias_O) in enumerate(zip(left.weights, left.biases, strict=True)):
            tensors[f"{i}.weight"] = torch.from_numpy(weight_OI.astype(np.float32))
            tensors[f"{i}.bias"] = torch.from_numpy(bias_O.astype(np.float32))
        described = Compact(pixels=len(left.pixels), hidden=[len(bias_O) for bias_O in left.biases[:-1]])
        masks = {name: value != 0 for name, value in tensors.items() if name.endswith(".weight")}
        return Ticket(self.description.model_copy(update={"compact": described}), tensors, masks)

    def _compact_network(self, *, sparse: bool) -> nn.Module:
        layers = [
            (self.tensors[f"{i}.weight"].clone(), self.tensors[f"{i}.bias"].clone())
            for i in range(len(layout_of_compact(self.description)) // 2)
        ]
        pixels_P = self.tensors[PIXELS].long()
        network = compact.CompactNetwork(self.sample_shape, pixels_P, layers, sparse=sparse, features=self.features)
        return network.eval()


def layout(description: Description) -> dict[str, tuple[int, ...]]:
    """The shape of every tensor that a ticket must have.

    Raises UserError for a model that there is none of, and for a compact ticket of more than its model has.
    """
    if description.compact is None:
        return {name: tuple(value.shape) for name, value in whole.layout(description).items()}
    _check_no_larger(description, description.compact)
    return {PIXELS: (description.compact.pixels,), **layout_of_compact(description)}


def _perceptron(description: Description) -> nn.Module:
    """The model, without memory for its values. Raises UserError where it cannot be made compact."""
    with torch.device("meta"):
        body = whole.body(description)
    if not perceptron.is_one(body):
        raise UserError(f"model.name={description.model.name!r}: cannot be made compact, only perceptrons (lenet) can")
    return body


def _check_no_larger(description: Description, left: Compact) -> None:
    widths = [module.out_features for module in _perceptron(description).modules() if isinstance(module, nn.Linear)]
    if left.pixels > prod(description.shape):
        raise UserError(f"compact.pixels={short(left.pixels)}: must be at most {prod(description.shape)}, a sample's")
    most = widths[:-1]
    if len(left.hidden) != len(most) or any(one > of for one, of in zip(left.hidden, most, strict=True)):
        raise UserError(f"compact.hidden={short(left.hidden)}: must be at most {most}, the model's")


def layout_of_compact(description: Description) -> dict[str, tuple[int, ...]]:
    """Of the layers alone."""
    assert description.compact is not None
    widths = [description.compact.pixels, *description.compact.hidden, len(description.classes)]
    shapes: dict[str, tuple[int, ...]] = {}
    for i, (inputs, outputs) in enumerate(pairwise(widths)):
        shapes |= {f"{i}.weight": (outputs, inputs), f"{i}.bias": (outputs,)}
    return shapes
