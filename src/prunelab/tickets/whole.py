"""The network as it was trained, on raw samples, with its pruned weights zero or under PyTorch's own masks.

C channels, H x W pixels, B samples, D features, K classes.
"""

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.utils import prune

from prunelab.core import byname
from prunelab.core.features import Standardisation
from prunelab.core.networks import State
from prunelab.tickets.description import Description, Normalisation


class Standardise(nn.Module):
    """Raw features to those that `fetch` stored, float32: the steps of core/features.py, in float64 and in their order.

    Each step rounds as it did there, hence the same values to the last bit. In float32, or as one product and one sum,
    they would not be: a time in seconds is large beside what it varies by.
    """

    unit: Tensor
    mean: Tensor
    std: Tensor

    def __init__(self, steps: Tensor) -> None:
        """Of unit, mean and std, [3, ...] float64, in a shape that fits the features."""
        super().__init__()
        for name, values in zip(("unit", "mean", "std"), steps, strict=True):
            self.register_buffer(name, values.clone())

    def forward(self, raw: Tensor) -> Tensor:
        """Float32 of the shape of `raw`, which is of any number type."""
        return raw.double().div(self.unit).sub(self.mean).div(self.std).float()


def first(features: Standardisation | None, index: tuple[Any, ...]) -> nn.Module:
    """What is done to raw samples before normalisation: nothing to pixels.

    Args:
        features: how they are standardised; None for pixels.
        index: of unit, mean and std [3, D], to take those of some features, in a shape that fits them.
    """
    return nn.Identity() if features is None else Standardise(torch.from_numpy(features.steps())[index])


class Whole(nn.Module):
    """Raw samples [B, C, H, W], any number type, to outputs [B, K]: normalises, then the network (`body`).

    Pixels; or features [B, D, 1, 1], which are standardised first (`first`). The same arithmetic as in `fetch` and in
    training (core/inputs.py), hence the same values to the last bit.
    """

    scale_C11: Tensor
    offset_C11: Tensor

    def __init__(
        self,
        body: nn.Module,
        shape: tuple[int, int, int],
        normalisation: Normalisation,
        features: Standardisation | None = None,
    ) -> None:
        super().__init__()
        self.body, self._shape = body, shape
        self.first = first(features, (..., None, None))
        scale_C, offset_C = affine(normalisation)
        self.register_buffer("scale_C11", torch.from_numpy(scale_C.astype(np.float32))[:, None, None])
        self.register_buffer("offset_C11", torch.from_numpy(offset_C.astype(np.float32))[:, None, None])

    def forward(self, pixels: Tensor) -> Tensor:
        """Outputs [B, K]. Raises ValueError for samples of another shape."""
        check_samples(pixels, self._shape)
        outputs: Tensor = self.body(self.first(pixels).float().mul(self.scale_C11).sub(self.offset_C11))
        return outputs


def affine(normalisation: Normalisation) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Normalisation as value * scale - offset: ([C], [C])."""
    mean_C, std_C = np.array(normalisation.mean), np.array(normalisation.std)
    return 1.0 / normalisation.max_value / std_C, mean_C / std_C


def check_samples(pixels: Tensor, shape: tuple[int, int, int]) -> None:
    """Raises ValueError where these are not samples of this shape (C, H, W)."""
    if tuple(pixels.shape[1:]) != shape:
        raise ValueError(f"samples are {tuple(pixels.shape)}, must be [B, {', '.join(map(str, shape))}]")


def layout(description: Description) -> State:
    """Every tensor of the network's state, without memory for its values.

    Raises UserError for a model that there is none of.
    """
    with torch.device("meta"):
        return dict(body(description).state_dict())


def build(description: Description, state: Mapping[str, Tensor], masks: Mapping[str, Tensor], masked: bool) -> Whole:
    """The network, in evaluation mode, with values of its own.

    Args:
        description: which one.
        state: its tensors, as `layout` has them.
        masks: survivors by name of a weight.
        masked: put masks on as torch.nn.utils.prune does (weight_orig, weight_mask), so that training goes on with
            the pruned weights at zero; else they are zeros like any number.
    """
    with torch.device("meta"):  # draws no random number, and fills nothing twice
        network = body(description)
    network.load_state_dict({name: value.clone() for name, value in state.items()}, assign=True)
    for name, mask in masks.items() if masked else ():
        path, _, parameter = name.rpartition(".")
        prune.custom_from_mask(network.get_submodule(path), parameter, mask)
    return Whole(network, description.shape, description.normalisation, description.features).eval()


def body(description: Description) -> nn.Module:
    """The network itself, untrained. Raises UserError for a model that there is none of."""
    model = description.model
    built: nn.Module = byname.load("models", model.name, "model.name").build(
        description.shape, len(description.classes), model.width
    )
    return built
