"""Linear layers with their gradients by hand, dense or touching surviving weights only.

Shapes: B examples in a batch, I inputs, O outputs, H of them computed, S surviving weights of a layer. Activations
are laid out feature by feature, [I, B], because a surviving weight then joins two contiguous rows.

A sparse layer's products are PyTorch's embedding bags. Output o is a bag: it sums the rows its weights stand on, each
times its weight. The gradient by a weight is the product of the two rows it joins; the gradient by the inputs is a bag
over outputs.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

# With more of its weights than this, a layer is faster as a dense product (benchmarks/sparse.py measures it).
DENSEST = 0.25
# And with more than this, the gradient by the weights is faster as a dense product of which S entries are taken.
DENSEST_GRADIENT = 0.1


Mask = Tensor | None  # None: all survive


class Dense:
    """The whole matrix; shares the memory of the weight [O, I] and bias [O] it is given."""

    def __init__(self, weight_OI: Tensor, bias_O: Tensor) -> None:
        self.parameters = (weight_OI, bias_O)
        self._bias_O1 = bias_O[:, None]

    def masks(self, weight_OI: Mask, bias_O: Mask) -> tuple[Mask, Mask]:
        """Those of weight and bias as they are of `parameters`."""
        return weight_OI, bias_O

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
    """Survivors as a vector [S]; `write` puts them back into the matrix.

    Args:
        weight_OI: zero where pruned.
        bias_O: for each output.
        mask_OI: survivors.
        read_O: outputs that a later layer reads, None if all are. The others are not computed: H are, in their
            order, and what belongs to the others stands at the end of the vectors of parameters, with gradient zero.
    """

    def __init__(self, weight_OI: Tensor, bias_O: Tensor, mask_OI: Tensor, read_O: Tensor | None = None) -> None:
        self._weight_OI, self._bias_O = weight_OI, bias_O
        read_O = torch.ones_like(bias_O, dtype=torch.bool) if read_O is None else read_O
        self._order_O = torch.argsort(~read_O, stable=True)
        outputs_S, inputs_S = mask_OI[self._order_O].nonzero().unbind(dim=1)
        self._flat_S = self._order_O[outputs_S] * mask_OI.shape[1] + inputs_S
        self.parameters = (weight_OI.view(-1)[self._flat_S], bias_O[self._order_O])
        computed = mask_OI[read_O]
        self._mask_HI, self._num_computed = computed, int(computed.sum())
        self._values = self.parameters[0][: self._num_computed]
        self._bias_H1 = self.parameters[1][: len(computed), None]
        self._index(computed)

    def _index(self, mask_HI: Tensor) -> None:
        outputs, inputs = (part.contiguous() for part in mask_HI.nonzero().int().unbind(dim=1))
        self._outputs, self._inputs = outputs, inputs
        self._output_starts, self._input_starts = _starts(mask_HI.sum(dim=1)), _starts(mask_HI.sum(dim=0))
        self._by_input = torch.argsort(inputs, stable=True).int()
        self._outputs_by_input = outputs[self._by_input]
        many = len(outputs) > DENSEST_GRADIENT * mask_HI.numel()
        self._taken = mask_HI.flatten().nonzero()[:, 0] if many else None

    def drop_dead_inputs(self) -> Tensor | None:
        """Expect from now on only inputs with a surviving weight, and return which those are [I]; None if all are."""
        live_I = self._mask_HI.any(dim=0)
        if live_I.all():
            return None
        self._index(self._mask_HI[:, live_I])
        return live_I

    def masks(self, weight_OI: Mask, bias_O: Mask) -> tuple[Mask, Mask]:
        """Those of weight and bias as they are of `parameters`, which hold no pruned weight."""
        return None, None if bias_O is None else bias_O[self._order_O]

    def forward(self, x_IB: Tensor) -> Tensor:
        """Outputs weight @ x + bias [H, B]."""
        return _bags(x_IB, self._inputs, self._output_starts, self._values).add_(self._bias_H1)

    def by_input(self, gradient_HB: Tensor) -> Tensor:
        """Gradient by the inputs [I, B]."""
        values = self._values.index_select(0, self._by_input)
        return _bags(gradient_HB, self._outputs_by_input, self._input_starts, values)

    def by_parameters(self, gradient_HB: Tensor, x_IB: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by survivors [S] and bias [O]."""
        if self._taken is not None:
            by_values = (gradient_HB @ x_IB.t()).view(-1).index_select(0, self._taken)
        else:
            by_values = torch.ops.aten._embedding_bag_per_sample_weights_backward(
                gradient_HB, x_IB, self._inputs, self._output_starts, self._outputs, 0
            )
        by_bias = gradient_HB.sum(dim=1)
        if len(by_bias) < len(self._bias_O):
            return _padded(by_values, len(self._flat_S)), _padded(by_bias, len(self._bias_O))
        return by_values, by_bias

    def write(self) -> None:
        """Put the parameters back into the matrix and the bias they came from."""
        values_S, bias_O = self.parameters
        self._weight_OI.view(-1)[self._flat_S] = values_S
        self._bias_O[self._order_O] = bias_O


Layer = Dense | Sparse


def pays(mask_OI: Mask) -> bool:
    """Whether a layer with these survivors is faster as Sparse; float32 on a CPU is assumed. None: all survive."""
    return mask_OI is not None and int(mask_OI.sum()) <= DENSEST * mask_OI.numel()


def _padded(values: Tensor, length: int) -> Tensor:
    return F.pad(values, (0, length - len(values)))


def _starts(counts: Tensor) -> Tensor:
    """Where each group begins, from how many each has."""
    return (counts.cumsum(dim=0) - counts).int()


def _bags(rows: Tensor, index_S: Tensor, starts: Tensor, weights_S: Tensor) -> Tensor:
    """Sum of weighted rows for each bag [len(starts), B]; `index_S` says which rows."""
    return torch.embedding_bag(rows, index_S, starts, False, 0, False, weights_S)[0]
