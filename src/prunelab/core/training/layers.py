"""Linear layers with their gradients by hand, dense or touching surviving weights only.

Shapes: B examples in a batch, I inputs, O outputs, S surviving weights of a layer. Activations are laid out feature by
feature, [I, B], because a surviving weight then joins two contiguous rows.

A sparse layer's products are PyTorch's embedding bags. Output o is a bag: it sums the rows its weights stand on, each
times its weight. The gradient by a weight is the product of the two rows it joins; the gradient by the inputs is a bag
over outputs.
"""

import torch
from torch import Tensor

# With more of its weights than this, a layer is faster as a dense product (benchmarks/sparse.py measures it).
DENSEST = 0.25
# And with more than this, the gradient by the weights is faster as a dense product of which S entries are taken.
DENSEST_GRADIENT = 0.1


class Dense:
    """The whole matrix; shares the memory of the weight [O, I] and bias [O] it is given."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self.parameters = (weight_OI, bias_O)
        self._bias_O1 = bias_O[:, None]

    def drop_dead_inputs(self) -> Tensor | None:
        """Nothing is dropped."""
        return None

    def forward(self, x_IB: Tensor) -> Tensor:
        """Outputs weight @ x + bias [O, B]."""
        return torch.addmm(self._bias_O1, self.parameters[0], x_IB)

    def by_input(self, gradient_OB: Tensor) -> Tensor:
        """Gradient by the inputs [I, B]."""
        return self.parameters[0].t() @ gradient_OB

    def by_parameters(self, gradient_OB: Tensor, x_IB: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by weight [O, I] and bias [O]."""
        return gradient_OB @ x_IB.t(), gradient_OB.sum(dim=1)

    def write(self) -> None:
        """Nothing to do: the matrix is where it was."""


class Sparse:
    """Survivors as a vector [S], in the order of the mask's true entries; `write` puts them back into the matrix."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor, mask_OI: Tensor) -> None:
        self._weight_OI, self._mask_OI = weight_OI, mask_OI
        self._bias_O1 = bias_O[:, None]
        self._values_S = weight_OI[mask_OI]
        self.parameters = (self._values_S, bias_O)
        self._index(mask_OI)

    def _index(self, mask_OI: Tensor) -> None:
        outputs_S, inputs_S = (part.contiguous() for part in mask_OI.nonzero().int().unbind(dim=1))
        self._outputs_S, self._inputs_S = outputs_S, inputs_S
        self._output_starts, self._input_starts = _starts(mask_OI.sum(dim=1)), _starts(mask_OI.sum(dim=0))
        self._by_input_S = torch.argsort(inputs_S, stable=True).int()
        self._outputs_by_input_S = outputs_S[self._by_input_S]
        many = len(outputs_S) > DENSEST_GRADIENT * mask_OI.numel()
        self._flat_S = mask_OI.flatten().nonzero()[:, 0] if many else None

    def drop_dead_inputs(self) -> Tensor | None:
        """Expect only those inputs from now on that have a surviving weight, and return which; None if all have."""
        live_I = self._mask_OI.any(dim=0)
        if live_I.all():
            return None
        self._index(self._mask_OI[:, live_I])
        return live_I.nonzero()[:, 0]

    def forward(self, x_IB: Tensor) -> Tensor:
        """Outputs weight @ x + bias [O, B]."""
        return _bags(x_IB, self._inputs_S, self._output_starts, self._values_S).add_(self._bias_O1)

    def by_input(self, gradient_OB: Tensor) -> Tensor:
        """Gradient by the inputs [I, B]."""
        values_S = self._values_S.index_select(0, self._by_input_S)
        return _bags(gradient_OB, self._outputs_by_input_S, self._input_starts, values_S)

    def by_parameters(self, gradient_OB: Tensor, x_IB: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by survivors [S] and bias [O]."""
        if self._flat_S is not None:
            by_values_S = (gradient_OB @ x_IB.t()).view(-1).index_select(0, self._flat_S)
        else:
            by_values_S = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                gradient_OB, x_IB, self._inputs_S, self._output_starts, self._outputs_S, 0
            )
        return by_values_S, gradient_OB.sum(dim=1)

    def write(self) -> None:
        """Put the survivors back into the matrix they came from."""
        self._weight_OI[self._mask_OI] = self._values_S


def of(weight_OI: Tensor, bias_O: Tensor, mask_OI: Tensor | None) -> Dense | Sparse:
    """The faster kind of layer for a mask of survivors; None: dense, whatever survives.

    float32 on a CPU if it is to be sparse.
    """
    if mask_OI is None or int(mask_OI.sum()) > DENSEST * mask_OI.numel():
        return Dense(weight_OI, bias_O)
    return Sparse(weight_OI, bias_O, mask_OI)


def _starts(counts: Tensor) -> Tensor:
    """Where each group begins, from how many each has."""
    return (counts.cumsum(dim=0) - counts).int()


def _bags(rows: Tensor, index_S: Tensor, starts: Tensor, weights_S: Tensor) -> Tensor:
    """Sum of weighted rows for each bag [len(starts), B]; `index_S` says which rows."""
    return torch.ops.aten._embedding_bag(rows, index_S, starts, False, 0, False, weights_S)[0]
