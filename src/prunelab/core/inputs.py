"""Images on a device, handed out as normalised float32 batches.

Small sets are stored as floats, normalised once; large ones stay bytes (memory-mapped on a CPU) and are normalised
batch by batch. Both give the same values to the last bit. What comes as floats (features) is always normalised once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prunelab.core.artifacts import Array

# Above this many bytes as float32 (four for each on disk), images stay uint8.
FLOATS_UP_TO = 2 << 30


@dataclass(frozen=True)
class Inputs:
    """N images [C, H, W]. Index it with a slice or a tensor of positions for float32 [n, C, H, W]."""

    stored: Tensor  # float32, normalised; or uint8
    rows_N: Tensor | None  # which of the stored images these are; None: all of them
    scale_C11: Tensor
    offset_C11: Tensor

    def __len__(self) -> int:
        return len(self.stored if self.rows_N is None else self.rows_N)

    def __getitem__(self, index: Tensor | slice) -> Tensor:
        images = self.stored[index if self.rows_N is None else self.rows_N[index]]
        if images.dtype == torch.float32:
            return images
        return images.float().mul_(self.scale_C11).sub_(self.offset_C11)

    @property
    def device(self) -> torch.device:
        """Where the images are, and every batch of them."""
        return self.stored.device

    @property
    def floats(self) -> bool:
        """Whether images are stored as batches are handed out: normalised."""
        return self.stored.dtype == torch.float32

    def positions(self, index: Tensor) -> Tensor:
        """Where in `stored` the images of these positions [n] are."""
        return index if self.rows_N is None else self.rows_N[index]

    def part(self, rows_M: Tensor) -> "Inputs":
        """M of these images, by their positions; nothing is copied."""
        return replace(self, rows_N=self.positions(rows_M))

    @property
    def sample_shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one image."""
        c, h, w = self.stored.shape[1:]
        return c, h, w

    @property
    def black(self) -> Tensor:
        """What a pixel of value 0 is after normalisation."""
        return -self.offset_C11

    def batches(self, size: int) -> Iterator[Tensor]:
        """All images in order, `size` at a time."""
        return (self[start : start + size] for start in range(0, len(self), size))


def moments(x_NCHW: NDArray[Any], rows_N: NDArray[np.int64], max_value: int) -> tuple[Array, Array]:
    """Mean and standard deviation of each channel over some images, of pixels scaled to [0, 1]: ([C], [C]) float64.

    Of bytes from the count of each of the 256 values, hence exact, and in little memory whatever the number of images;
    of float32 features directly, in float64. A channel that never varies gets the deviation 1.
    """
    if x_NCHW.dtype == np.float32:
        return _moments_of_floats(x_NCHW[rows_N] / np.float32(max_value))
    channels = x_NCHW.shape[1]
    counts_C256 = np.zeros((channels, 256), dtype=np.int64)
    for part in np.array_split(rows_N, max(1, len(rows_N) // 1000)):
        images = x_NCHW[part]
        for c in range(channels):
            counts_C256[c] += np.bincount(images[:, c].ravel(), minlength=256)
    values = np.arange(256) / max_value
    weights = counts_C256 / counts_C256.sum(axis=1, keepdims=True)
    mean = weights @ values
    std = np.sqrt((weights * (values - mean[:, None]) ** 2).sum(axis=1))
    std[std == 0] = 1.0
    return mean, std


def _moments_of_floats(x_NCHW: NDArray[Any]) -> tuple[Array, Array]:
    axes = (0, 2, 3)
    varies = x_NCHW.min(axis=axes) != x_NCHW.max(axis=axes)
    # A mean of equal numbers may be off by a rounding, and their deviation then not 0.
    mean = np.where(varies, x_NCHW.mean(axis=axes, dtype=np.float64), x_NCHW[0, :, 0, 0])
    return mean, np.where(varies, x_NCHW.std(axis=axes, dtype=np.float64), 1.0)


def make(
    x_NCHW: NDArray[Any],
    rows_N: NDArray[np.int64] | None,
    mean_C: Array,
    std_C: Array,
    max_value: int,
    device: torch.device,
) -> Inputs:
    """Put images on a device.

    Args:
        x_NCHW: as read, uint8 or float32; a large array may be memory-mapped (copy on write).
        rows_N: positions of the images wanted; None for all.
        mean_C: per channel, of pixels scaled to [0, 1].
        std_C: the same.
        max_value: of a pixel.
        device: where to.
    """

    def per_channel(values: Array) -> Tensor:
        return torch.from_numpy(values.astype(np.float32)[:, None, None]).to(device)

    scale, offset = per_channel(1.0 / max_value / std_C), per_channel(mean_C / std_C)
    if x_NCHW.dtype == np.uint8 and x_NCHW.nbytes * 4 > FLOATS_UP_TO:
        rows = None if rows_N is None else torch.from_numpy(rows_N).to(device)
        return Inputs(torch.from_numpy(x_NCHW).to(device), rows, scale, offset)
    images = torch.from_numpy(x_NCHW if rows_N is None else x_NCHW[rows_N]).to(device)
    return Inputs(images.to(torch.float32, copy=True).mul_(scale).sub_(offset), None, scale, offset)
