"""The gradients of single examples' losses: their sum and their squares, summed over the free parameters.

Of any network one example's after the other's, as many at once as fit into memory; of a perceptron from its
activations and errors, whose outer products they are, without making them.
"""

from collections.abc import Iterator, Mapping

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.func import functional_call, grad, vmap

from prunelab.core.networks import State
from prunelab.core.training import perceptron
from prunelab.landscape.objective import Objective

GRADIENTS = 2**28  # bytes of single examples' gradients held at once, one example's at least
Moments = tuple[float, list[Tensor]]  # sum of squares; sums over examples of each parameter's, float64


def moments(objective: Objective, state: State, masks: Mapping[str, Tensor]) -> tuple[float, float]:
    """Traces of the covariance of single examples' gradients, and of their second moment about 0.

    The latter is the mean squared length of a gradient; less the squared length of the mean one it is the former.

    Args:
        objective: the examples, N, and their loss.
        state: where.
        masks: survivors of the weights that are not all free.
    """
    parts = of_perceptron if perceptron.is_one(objective.network) else of_any
    squares, sums = 0.0, dict[int, Tensor]()
    for part, totals in parts(objective, state, masks):
        squares += part
        sums = {i: sums[i] + total if sums else total for i, total in enumerate(totals)}
    count = len(objective)
    centred = squares / count - sum(float((total / count).square().sum()) for total in sums.values())
    return centred, squares / count


def of_any(objective: Objective, state: State, masks: Mapping[str, Tensor]) -> Iterator[Moments]:
    """Batch by batch, by vectorised gradients."""
    names = [name for name, _ in objective.network.named_parameters()]
    rest = {name: value for name, value in state.items() if name not in names}

    def loss(parameters: State, x: Tensor, y: Tensor) -> Tensor:
        logits = functional_call(objective.network, {**parameters, **rest}, (x[None],))
        return F.cross_entropy(logits, y[None])

    each = vmap(grad(loss), in_dims=(None, 0, 0))
    parameters = {name: state[name] for name in names}
    for x, y in objective.batches(at_once(parameters)):
        gradients = each(parameters, x, y)
        squares, sums = 0.0, []
        for name in names:  # one by one, and each forgotten: together they are what fills the memory
            rows = gradients.pop(name)
            rows = rows[:, masks[name]] if name in masks else rows
            squares += float(rows.square().sum(dtype=torch.float64))
            sums.append(rows.sum(dim=0, dtype=torch.float64))
        yield squares, sums


@torch.no_grad()
def of_perceptron(objective: Objective, state: State, masks: Mapping[str, Tensor]) -> Iterator[Moments]:
    """Batch by batch, of a network that `perceptron.is_one`.

    The gradient of example b by a weight is e[b, o] x[b, i], the error of what it goes to times what it comes from; its
    square, summed over examples, is an entry of the product of squared errors and squared inputs.
    """
    paths = [path for path, module in objective.network.named_children() if isinstance(module, nn.Linear)]
    weights = [state[f"{path}.weight"] for path in paths]
    for images, y in objective.batches():
        inputs = [images.flatten(1)]
        for path, weight in zip(paths[:-1], weights[:-1], strict=True):
            inputs.append(F.linear(inputs[-1], weight, state[f"{path}.bias"]).relu())
        logits = F.linear(inputs[-1], weights[-1], state[f"{paths[-1]}.bias"])
        error = logits.softmax(dim=1) - F.one_hot(y, logits.shape[1])
        squares, sums = 0.0, list[Tensor]()
        for i in range(len(paths) - 1, -1, -1):
            e_BO, x_BI = error.double(), inputs[i].double()
            by_weight, squared = e_BO.T @ x_BI, e_BO.square().T @ x_BI.square()
            by_bias, squared_bias = e_BO.sum(dim=0), e_BO.square().sum(dim=0)
            if (mask := masks.get(f"{paths[i]}.weight")) is not None:
                by_weight, squared = by_weight[mask], squared[mask]
            if (mask := masks.get(f"{paths[i]}.bias")) is not None:
                by_bias, squared_bias = by_bias[mask], squared_bias[mask]
            squares += float(squared.sum() + squared_bias.sum())
            sums += [by_weight, by_bias]
            if i:
                error = (error @ weights[i]) * (inputs[i] > 0)
        yield squares, sums


def at_once(parameters: State) -> int:
    """How many examples' gradients are held together: what fits into GRADIENTS bytes, and at least one."""
    return max(1, GRADIENTS // sum(value.numel() * value.element_size() for value in parameters.values()))
