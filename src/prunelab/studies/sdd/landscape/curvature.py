"""Second derivatives of the training loss without its matrix: top eigenvalues, trace, and gradient noise.

P is the number of free parameters: all of them, or for a sparse solution those it was trained with (surviving weights,
biases, batch-norm parameters).
"""

from collections.abc import Iterator, Mapping
from math import sqrt

import numpy as np
import torch
import torch._dynamo  # vmap loads it at its first call, for a second: once here, not in the process of each replicate
from numpy.typing import NDArray
from scipy.sparse.linalg import LinearOperator, eigsh
from torch import Tensor
from torch.func import functional_call, grad, vmap

from prunelab.core.networks import State
from prunelab.core.training import perceptron
from prunelab.studies.sdd.landscape.objective import Objective

Vector = NDArray[np.float64]
GRADIENTS = 2**28  # bytes of single examples' gradients held at once, one example's at least
TOLERANCE = 1e-3  # relative, of eigenvalues; single precision gives no more


class Curvature:
    """The Hessian of the mean training loss at a state, as a linear operator on vectors [P].

    Args:
        objective: the training loss.
        state: where.
        masks: survivors of the weights that are not free; {} for all.
    """

    def __init__(self, objective: Objective, state: State, masks: Mapping[str, Tensor]) -> None:
        self._objective, self._masks = objective, masks
        names = [name for name, _ in objective.network.named_parameters()]
        self._rest = {name: value for name, value in state.items() if name not in names}
        self._leaves = {name: state[name].detach().clone().requires_grad_() for name in names}
        free = [masks[n].flatten() if n in masks else torch.ones(state[n].numel(), dtype=torch.bool) for n in names]
        self._free = torch.cat([part.cpu() for part in free]).nonzero()[:, 0].to(next(iter(state.values())).device)
        self._sizes = [state[name].numel() for name in names]
        # A perceptron's activations are a few hundred numbers an example: the graphs of all examples fit into memory,
        # and a product costs little more than half. Those of convolutions do not.
        self._keeps = perceptron.is_one(objective.network)
        self._kept: list[tuple[Tensor, ...]] = []

    def __len__(self) -> int:
        return len(self._free)

    def product(self, vector: Vector) -> Vector:
        """Hessian times vector [P]."""
        leaves = tuple(self._leaves.values())
        whole = leaves[0].new_zeros(sum(self._sizes))
        whole[self._free] = torch.from_numpy(np.ascontiguousarray(vector.reshape(-1))).to(whole)
        parts = [v.view_as(leaf) for v, leaf in zip(whole.split(self._sizes), leaves, strict=True)]
        total = torch.zeros_like(whole, dtype=torch.float64)
        for slopes in self._slopes():
            along = torch.stack([(s * v).sum() for s, v in zip(slopes, parts, strict=True)]).sum()
            found = torch.autograd.grad(along, leaves, materialize_grads=True, retain_graph=self._keeps)
            total += torch.cat([part.flatten() for part in found]).double()
        return (total[self._free] / len(self._objective)).cpu().numpy()

    def _slopes(self) -> Iterator[tuple[Tensor, ...]]:
        """The gradient of each batch's loss, with its graph: once for all products, where they can be kept."""
        if self._kept:
            yield from self._kept
            return
        for x, y in self._objective.batches():
            loss = self._objective.loss(self._leaves | self._rest, x, y)
            slopes = torch.autograd.grad(loss, tuple(self._leaves.values()), create_graph=True)
            if self._keeps:
                self._kept.append(slopes)
            yield slopes

    def top(self, count: int, generator: torch.Generator) -> Vector:
        """The largest eigenvalues [count], falling (scipy's implicitly restarted Lanczos); fewer if P is smaller."""
        size = len(self)
        if size <= max(2 * count, 20):
            columns = [self.product(unit) for unit in np.eye(size)]
            return np.linalg.eigvalsh(np.stack(columns))[::-1][:count].copy()
        operator = LinearOperator((size, size), matvec=self.product, dtype=np.float64)
        start = torch.randn(size, generator=generator, dtype=torch.float64).numpy()
        values = eigsh(operator, count, which="LA", v0=start, tol=TOLERANCE, return_eigenvectors=False)
        return np.sort(values)[::-1].copy()

    def trace(self, probes: int, generator: torch.Generator) -> tuple[float, float]:
        """Hutchinson's estimate from probes of +-1, and its standard error."""
        estimates = []
        for _ in range(probes):
            signs = 2.0 * torch.randint(0, 2, (len(self),), generator=generator).double().numpy() - 1.0
            estimates.append(float(signs @ self.product(signs)))
        return float(np.mean(estimates)), float(np.std(estimates, ddof=1)) / sqrt(probes)

    def gradient_covariance(self) -> float:
        """Trace of the covariance of single examples' gradients: mean squared distance from their mean."""
        state = {name: leaf.detach() for name, leaf in self._leaves.items()}

        def loss(parameters: State, x: Tensor, y: Tensor) -> Tensor:
            logits = functional_call(self._objective.network, {**parameters, **self._rest}, (x[None],))
            return torch.nn.functional.cross_entropy(logits, y[None])

        each = vmap(grad(loss), in_dims=(None, 0, 0))
        squares, sums = 0.0, dict.fromkeys(state, torch.zeros((), dtype=torch.float64, device=self._free.device))
        for x, y in self._objective.batches(at_once(state)):
            gradients = each(state, x, y)
            for name in state:  # one by one, and each forgotten: together they are what fills the memory
                rows = gradients.pop(name)
                rows = rows[:, self._masks[name]] if name in self._masks else rows
                squares += float(rows.square().sum(dtype=torch.float64))
                sums[name] = sums[name] + rows.sum(dim=0, dtype=torch.float64)
        count = len(self._objective)
        return squares / count - sum(float((total / count).square().sum()) for total in sums.values())


def at_once(parameters: State) -> int:
    """How many examples' gradients are held together: what fits into GRADIENTS bytes, and at least one."""
    return max(1, GRADIENTS // sum(value.numel() * value.element_size() for value in parameters.values()))
