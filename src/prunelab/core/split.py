"""The arrays one replicate trains on and is measured on, with the subsets of SDD 3.1.

Shapes: N training examples (without the validation split), V validation, T test; C channels, H x W pixels.

- *permuted*: selected for corruption, with the labels they were given. Accuracy there is rote memorisation.
- *unpermuted*: never selected.
- *restored*: the permuted examples with their original labels. Accuracy there is robustness.
- *test* (and *validation*, when asked for): never trained on, always clean.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from prunelab.core.artifacts import Array
from prunelab.core.images import Images


@dataclass(frozen=True)
class Split:
    """Everything on one device; images float32 and normalised per channel, labels int64."""

    x_NCHW: Tensor
    given_N: Tensor
    original_N: Tensor
    permuted_N: Tensor
    x_val_VCHW: Tensor
    y_val_V: Tensor
    x_test_TCHW: Tensor
    y_test_T: Tensor
    num_classes: int

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        c, h, w = self.x_NCHW.shape[1:]
        return c, h, w


def make(images: Images, labels: dict[str, Array], device: torch.device) -> Split:
    """Join a data set with one replicate's labels.

    Args:
        images: the data set.
        labels: `given`, `permuted` and `validation`, each [all training images], as the corrupt stage wrote them.
        device: where the tensors go.

    Pixels are scaled to [0, 1], then each channel by the mean and standard deviation of the training images.
    """
    training = ~labels["validation"]
    scale = 1.0 / images.max_value
    axes = (0, 2, 3)
    pixels = images.x_train[training]
    mean = pixels.mean(axis=axes, dtype=np.float64, keepdims=True) * scale
    std = pixels.std(axis=axes, dtype=np.float64, keepdims=True) * scale
    std[std == 0] = 1.0

    def normalised(x: Array) -> Tensor:
        # In place and in float32: the largest array of the whole run exists once.
        out = x.astype(np.float32)
        out *= (scale / std).astype(np.float32)
        out -= (mean / std).astype(np.float32)
        return torch.from_numpy(out).to(device)

    def put(y: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(y)).to(device)

    return Split(
        x_NCHW=normalised(pixels),
        given_N=put(labels["given"][training]),
        original_N=put(images.y_train[training]),
        permuted_N=put(labels["permuted"][training]),
        x_val_VCHW=normalised(images.x_train[~training]),
        y_val_V=put(images.y_train[~training]),
        x_test_TCHW=normalised(images.x_test),
        y_test_T=put(images.y_test),
        num_classes=images.num_classes,
    )
