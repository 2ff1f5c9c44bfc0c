"""A perceptron without what pruning left idle: constant units, units that nobody reads, pixels that nobody reads.

Shapes: I inputs, O outputs of a layer, S surviving weights, P pixels that are read, B samples, K classes. Activations
are laid out unit by unit, [I, B], because a surviving weight then joins two contiguous rows.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from prunelab.core.features import Standardisation
from prunelab.tickets.whole import check_samples, first

Array = NDArray[np.float64]
# With no more than this share of its weights a layer is faster weight by weight than as a dense product: measured on
# one thread for layers from 30 x 20 to 300 x 784 and 1,000 samples (docs/tickets.md). PyTorch's embedding bag was never
# slower than its CSR product.
SPARSE_UP_TO = 0.25


@dataclass(frozen=True)
class Layers:
    """What is left: which pixels [P] (positions in the flattened sample), a weight [O, I] and bias [O] a layer."""

    pixels: NDArray[np.int64]
    weights: list[Array]
    biases: list[Array]


def fold(weights: Sequence[Array], biases: Sequence[Array], scale_I: Array, offset_I: Array) -> Layers:
    """Leave out whatever does not change the outputs on raw pixels.

    - A unit without incoming weights is a constant: its share goes into the next bias.
    - A unit without outgoing weights vanishes, with its incoming ones; so does a pixel.
    - Normalisation (value * scale - offset) becomes part of the first layer.

    Once forwards and once backwards is all there is to do: folding constants only takes outgoing weights away, which
    is what the way back looks at, and that takes away whole units, never the last weight into one that stays.

    Args:
        weights: [O, I] float64 a layer, zero where pruned.
        biases: [O] a layer.
        scale_I: of each pixel.
        offset_I: of each pixel.
    """
    weights, biases = [weight.copy() for weight in weights], [bias.copy() for bias in biases]
    biases[0] -= weights[0] @ offset_I
    weights[0] *= scale_I
    for i in range(len(weights) - 1):
        constant_O = ~(weights[i] != 0).any(axis=1)
        biases[i + 1] += weights[i + 1][:, constant_O] @ biases[i][constant_O].clip(min=0)
        weights[i + 1][:, constant_O] = 0
    for i in range(len(weights) - 1, 0, -1):
        read_I = (weights[i] != 0).any(axis=0)
        weights[i] = weights[i][:, read_I]
        weights[i - 1], biases[i - 1] = weights[i - 1][read_I], biases[i - 1][read_I]
    pixels = (weights[0] != 0).any(axis=0).nonzero()[0]
    weights[0] = weights[0][:, pixels]
    return Layers(pixels, weights, biases)


class DenseLayer(nn.Module):
    """The whole matrix."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        super().__init__()
        self.weight, self.bias = nn.Parameter(weight_OI), nn.Parameter(bias_O)

    @property
    def flops(self) -> int:
        """For one sample: a product and a sum for each weight."""
        return 2 * self.weight.numel()

    def forward(self, x_IB: Tensor) -> Tensor:
        """Outputs [O, B]."""
        return torch.addmm(self.bias[:, None], self.weight, x_IB)


class SparseLayer(nn.Module):
    """Surviving weights only. Output o is a bag: the sum of the rows its weights stand on, each times its weight."""

    columns_S: Tensor
    bags_O1: Tensor

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        super().__init__()
        there_OI = weight_OI != 0
        self.values, self.bias = nn.Parameter(weight_OI[there_OI]), nn.Parameter(bias_O)
        self.register_buffer("columns_S", there_OI.nonzero()[:, 1])
        # Where each output's weights begin, and S.
        self.register_buffer("bags_O1", F.pad(there_OI.sum(dim=1).cumsum(dim=0), (1, 0)))

    @property
    def flops(self) -> int:
        """For one sample: a product and a sum for each weight."""
        return 2 * self.values.numel()

    def forward(self, x_IB: Tensor) -> Tensor:
        """Outputs [O, B]."""
        if not x_IB.shape[1]:  # rows of no column, which PyTorch refuses
            return x_IB.new_zeros(len(self.bias), 0)
        summed_OB = F.embedding_bag(
            self.columns_S, x_IB, self.bags_O1, mode="sum", per_sample_weights=self.values, include_last_offset=True
        )
        return summed_OB + self.bias[:, None]


class CompactNetwork(nn.Module):
    """Raw pixels [B, C, H, W], or raw features [B, D, 1, 1], of any number type, to outputs [B, K].

    Features that are read are standardised before the first layer, not by it: that is done in float64 (whole.py).
    """

    pixels_P: Tensor

    def __init__(
        self,
        shape: tuple[int, int, int],
        pixels_P: Tensor,
        layers: Sequence[tuple[Tensor, Tensor]],
        *,
        sparse: bool,
        features: Standardisation | None = None,
    ) -> None:
        """Build it.

        Args:
            shape: (C, H, W) of a sample.
            pixels_P: positions in the flattened sample, int64.
            layers: weight [O, I] and bias [O] of each.
            sparse: layers with few weights keep those only; else all are matrices.
            features: how they are standardised; None for pixels.
        """
        super().__init__()
        self._shape = shape
        self.register_buffer("pixels_P", pixels_P)
        self.first = first(features, (slice(None), pixels_P, None))
        self.layers = nn.ModuleList(
            (SparseLayer if sparse and pays(weight) else DenseLayer)(weight, bias) for weight, bias in layers
        )

    @property
    def flops(self) -> int:
        """For one sample."""
        return sum(layer.flops for layer in self.layers if isinstance(layer, DenseLayer | SparseLayer))

    def forward(self, pixels: Tensor) -> Tensor:
        """Outputs [B, K]. Raises ValueError for samples of another shape."""
        check_samples(pixels, self._shape)
        # In this order it takes a quarter of the time that picking from the samples as they lie takes.
        hidden = pixels.flatten(1).t().index_select(0, self.pixels_P)
        hidden = self.first(hidden).float()
        for i, layer in enumerate(self.layers):
            hidden = layer(hidden.clamp_min(0) if i else hidden)
        return hidden.t()


def pays(weight_OI: Tensor) -> bool:
    """Whether a layer is faster weight by weight. One without a weight is not: there is nothing to sum."""
    count = int((weight_OI != 0).sum())
    return 0 < count <= SPARSE_UP_TO * weight_OI.numel()
