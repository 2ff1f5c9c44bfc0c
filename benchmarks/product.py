"""The products of one sparse layer by themselves, as the kernels compute them."""

import numpy as np
import torch
from torch import Tensor, nn

from prunelab.core.training import kernels, layers


class Product:
    """Of a weight matrix [O, I] of which only `mask_OI` survives, with rows [I, B]; results are overwritten.

    Each method is one call of a kernel, on memory that was taken before.
    """

    def __init__(self, weight_OI: Tensor, mask_OI: Tensor, columns: int) -> None:
        linear = nn.Linear(weight_OI.shape[1], len(weight_OI))
        linear.weight.data = weight_OI
        index: list[np.ndarray] = []
        layers.Sparse(linear, mask_OI).row(index)
        self._starts, self._sources, self._begins, self._to, self._order = index
        self._values = weight_OI[mask_OI].numpy()
        self._bias = np.zeros(len(weight_OI), np.float32)
        self._gradient = np.empty_like(self._values)
        self._out, self._below = (np.empty((n, columns), np.float32) for n in weight_OI.shape)

    def forward(self, x_IB: Tensor) -> Tensor:
        """Weight @ x [O, B]."""
        kernels.bags(x_IB.numpy(), self._starts, self._sources, self._values, self._bias, self._out)
        return torch.from_numpy(self._out)

    def by_input(self, gradient_OB: Tensor) -> Tensor:
        """Gradient by x [I, B]."""
        kernels.bags_by_input(gradient_OB.numpy(), self._begins, self._to, self._order, self._values, self._below)
        return torch.from_numpy(self._below)

    def by_survivors(self, gradient_OB: Tensor, x_IB: Tensor) -> Tensor:
        """Gradient by surviving weights [S]."""
        kernels.products(gradient_OB.numpy(), x_IB.numpy(), self._starts, self._sources, self._gradient)
        return torch.from_numpy(self._gradient)
