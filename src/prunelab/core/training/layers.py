"""A perceptron as the kernels take it: one vector of parameters, and which of it belongs to which layer.

Shapes: I inputs and O outputs of a layer, H outputs computed, S surviving weights, P parameters of all layers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prunelab.core.training import kernels as k

# With more of its weights than this, a layer is faster as a dense product (benchmarks/sparse.py measures it).
DENSEST = 0.25

Mask = Tensor | None  # None: all survive
Pair = tuple[Tensor, Tensor]  # of weights and of a bias


class Dense:
    """The whole matrix [O, I]."""

    def __init__(self, module: nn.Linear) -> None:
        self._module = module
        self.shape = module.weight.shape
        self.sizes = (module.weight.numel(), module.bias.numel())

    def place(self, weights: Tensor, bias: Tensor) -> Pair:
        """Move into these parts of the vector, and let the network's own parameters lie there; what they are now."""
        weights, own = weights.view(self.shape), self._module
        weights.copy_(own.weight.data)
        bias.copy_(own.bias.data)
        self._parameters = weights, bias
        self.write()
        return weights, bias

    def masks(self, weight_OI: Mask, bias_O: Mask) -> tuple[Mask, Mask]:
        """Those of weight and bias as they are of what `place` returned."""
        return weight_OI, bias_O

    def row(self, index: list[NDArray[np.int32]]) -> dict[int, int]:
        """Its columns in the kernels' table; what it needs of indices joins `index`."""
        outputs, inputs = self.shape
        return {k.SPARSE: 0, k.INPUTS: inputs, k.OUTPUTS: outputs}

    def write(self) -> None:
        """Let the network's parameters be the vector's: another learner of the same network may have moved them."""
        self._module.weight.data, self._module.bias.data = self._parameters


class Sparse:
    """Survivors [S] only.

    Args:
        module: its weights are zero where pruned.
        mask_OI: survivors.
        read_O: outputs that a later layer reads, None if all are. The others are not computed: H are, in their
            order, and what belongs to the others stands at the end of weights and biases, with gradient zero.
    """

    def __init__(self, module: nn.Linear, mask_OI: Tensor, read_O: Tensor | None = None) -> None:
        self._module = module
        read_O = torch.ones(len(mask_OI), dtype=torch.bool) if read_O is None else read_O
        self._order_O = torch.argsort(~read_O, stable=True)
        outputs_S, inputs_S = mask_OI[self._order_O].nonzero().unbind(dim=1)
        self._flat_S = self._order_O[outputs_S] * mask_OI.shape[1] + inputs_S
        self.sizes = (len(self._flat_S), len(self._order_O))
        self._mask_HI = mask_OI[read_O]

    def drop_dead_inputs(self) -> Tensor | None:
        """Expect from now on only inputs with a surviving weight, and return which those are [I]; None if all are."""
        live_I = self._mask_HI.any(dim=0)
        if live_I.all():
            return None
        self._mask_HI = self._mask_HI[:, live_I]
        return live_I

    def place(self, weights: Tensor, bias: Tensor) -> Pair:
        """Move into these parts of the vector; what the parameters are now: weights [S], bias [O]."""
        weights.copy_(self._module.weight.data.reshape(-1)[self._flat_S])
        bias.copy_(self._module.bias.data[self._order_O])
        self._parameters = weights, bias
        return weights, bias

    def masks(self, weight_OI: Mask, bias_O: Mask) -> tuple[Mask, Mask]:
        """Those of weight and bias as they are of what `place` returned, which holds no pruned weight."""
        return None, None if bias_O is None else bias_O[self._order_O]

    def row(self, index: list[NDArray[np.int32]]) -> dict[int, int]:
        """Its columns in the kernels' table; what it needs of indices joins `index`."""
        mask_HI = self._mask_HI.numpy()
        outputs, inputs = mask_HI.nonzero()
        order = np.argsort(inputs, kind="stable")
        of_outputs, of_inputs = (np.append(0, mask_HI.sum(axis=axis).cumsum()) for axis in (1, 0))
        columns = {k.SPARSE: 1, k.INPUTS: mask_HI.shape[1], k.OUTPUTS: len(mask_HI)}
        names = (k.STARTS, k.FROM, k.INPUT_STARTS, k.TO, k.ORDER)
        for name, values in zip(names, (of_outputs, inputs, of_inputs, outputs[order], order), strict=True):
            columns[name] = sum(map(len, index))
            index.append(values.astype(np.int32))
        return columns

    def write(self) -> None:
        """Put the parameters back into the network's."""
        weights, bias = self._parameters
        self._module.weight.data.view(-1)[self._flat_S] = weights
        self._module.bias.data[self._order_O] = bias


Layer = Dense | Sparse


def pays(mask_OI: Mask) -> bool:
    """Whether a layer with these survivors is faster as Sparse; float32 on a CPU is assumed. None: all survive."""
    return mask_OI is not None and int(mask_OI.sum()) <= DENSEST * mask_OI.numel()


@dataclass(frozen=True)
class Packed:
    """Layers in one vector of parameters."""

    table: NDArray[np.int64]  # [layers, kernels.COLUMNS]
    parameters_P: Tensor
    index: NDArray[np.int32]
    features: int  # of the inputs and of all layers' outputs
    pairs: list[Pair]  # each layer's parts of the vector


def packed(layers: Sequence[Layer], dtype: torch.dtype) -> Packed:
    """Place layers one after the other; their network's parameters may lie in the vector from now on."""
    vector = torch.empty(sum(sum(layer.sizes) for layer in layers), dtype=dtype)
    table = np.zeros((len(layers), k.COLUMNS), dtype=np.int64)
    index: list[NDArray[np.int32]] = []
    pairs, start, features = [], 0, 0
    for row, layer in zip(table, layers, strict=True):
        kept, biases = layer.sizes
        columns = layer.row(index) | {k.WEIGHTS: start, k.BIAS: start + kept, k.KEPT: kept, k.BIASES: biases}
        row[[*columns, k.ABOVE]] = [*columns.values(), features]
        pairs.append(layer.place(vector[start : start + kept], vector[start + kept : start + kept + biases]))
        start, features = start + kept + biases, features + columns[k.INPUTS]
    features += int(table[-1, k.OUTPUTS])
    return Packed(table, vector, np.concatenate([*index, np.zeros(1, np.int32)]), features, pairs)
