"""Second derivatives of the training loss without its matrix: largest eigenvalues, traces, and gradient noise.

P is the number of free parameters: all of them, or for a sparse solution those it was trained with (surviving weights,
biases, batch-norm parameters). Eigenvalues and traces have the unit of the loss, nats, per square of a parameter.
Products are in the network's precision, all that is made of them in double precision.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import sqrt

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse.linalg import ArpackNoConvergence, LinearOperator, eigsh
from torch import Tensor, nn

from prunelab.core.networks import State
from prunelab.landscape import lanczos, moments
from prunelab.landscape.objective import Objective

Vector = NDArray[np.float64]
Positions = NDArray[np.int64]
TOLERANCE = 1e-3  # relative, of eigenvalues; single precision gives no more
SMALL = 20  # so many parameters' Hessian is made whole
RESTARTS = 30  # of Lanczos for the leading eigenvectors, each of about as many products as these are


@dataclass(frozen=True)
class Probed:
    """What n probes v of +-1 say of the Hessian H (Hutchinson 1989)."""

    estimates: Vector  # [n]: v H v, whose mean is the trace
    of_layers: dict[str, Vector]  # [n] for each of `Curvature.layers`: the same of that layer's own diagonal block
    kept: list[tuple[Vector, Vector]]  # the first probes [P] and their products [P], if asked for

    @property
    def trace(self) -> float:
        """The estimate."""
        return float(np.mean(self.estimates))

    @property
    def error(self) -> float:
        """Its standard error."""
        return float(np.std(self.estimates, ddof=1)) / sqrt(len(self.estimates))

    @property
    def layers(self) -> dict[str, float]:
        """The estimate for each layer; they sum to the whole one."""
        return {name: float(np.mean(values)) for name, values in self.of_layers.items()}


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
        self._sizes = {name: state[name].numel() for name in names}
        self._counts = {name: int(part.sum()) for name, part in zip(names, free, strict=True)}
        # A perceptron's activations are a few hundred numbers an example: the graphs of all examples fit into memory,
        # and a product costs little more than half. Those of convolutions do not.
        self._keeps = not any(isinstance(module, nn.Conv2d) for module in objective.network.modules())
        self._kept: list[tuple[Tensor, ...]] = []

    def __len__(self) -> int:
        return len(self._free)

    @property
    def layers(self) -> dict[str, Positions]:
        """The free parameters' positions in a vector [P], by module path, in the network's order; none left: empty."""
        found: dict[str, list[Positions]] = {}
        start = 0
        for name, count in self._counts.items():
            found.setdefault(name.rpartition(".")[0], []).append(np.arange(start, start + count))
            start += count
        return {layer: np.concatenate(parts) for layer, parts in found.items()}

    def direction(self, vector: Vector) -> State:
        """A vector [P] as changes of parameters, by name: 0 where pruned; in the network's precision, on its device."""
        whole = self._spread(vector, self._free, sum(self._sizes.values()))
        parts = whole.split([*self._sizes.values()])
        return {n: part.view_as(leaf) for (n, leaf), part in zip(self._leaves.items(), parts, strict=True)}

    def product(self, vector: Vector) -> Vector:
        """Hessian times vector [P]."""
        return self._product(vector, self._free, [*self._leaves])

    def _product(self, vector: Vector, free: Tensor, names: Sequence[str]) -> Vector:
        """The diagonal block of some parameters times a vector of those of them that are free, at these positions."""
        leaves = tuple(self._leaves[name] for name in names)
        sizes = [self._sizes[name] for name in names]
        whole = self._spread(vector, free, sum(sizes))
        parts = [v.view_as(leaf) for v, leaf in zip(whole.split(sizes), leaves, strict=True)]
        total = torch.zeros_like(whole, dtype=torch.float64)
        for slopes in self._slopes(names):
            along = torch.stack([(s * v).sum() for s, v in zip(slopes, parts, strict=True)]).sum()
            found = torch.autograd.grad(along, leaves, materialize_grads=True, retain_graph=self._keeps)
            total += torch.cat([part.flatten() for part in found]).double()
        return (total[free] / len(self._objective)).cpu().numpy()

    def _spread(self, vector: Vector, positions: Tensor, size: int) -> Tensor:
        """A vector [size] with these values at these positions, 0 elsewhere."""
        whole = next(iter(self._leaves.values())).detach().new_zeros(size)
        whole[positions] = torch.from_numpy(np.ascontiguousarray(vector.reshape(-1))).to(whole)
        return whole

    def _slopes(self, names: Sequence[str]) -> Iterator[tuple[Tensor, ...]]:
        """The gradient of each batch's loss, with its graph: once for all products, where they can be kept."""
        if self._keeps and not self._kept:
            self._kept = [*self._gradients([*self._leaves])]
        if not self._keeps:
            yield from self._gradients(names)
        for slopes in self._kept:
            of = dict(zip(self._leaves, slopes, strict=True))
            yield tuple(of[name] for name in names)

    def _gradients(self, names: Sequence[str]) -> Iterator[tuple[Tensor, ...]]:
        for x, y in self._objective.batches():
            loss = self._objective.loss(self._leaves | self._rest, x, y)
            yield torch.autograd.grad(loss, [self._leaves[name] for name in names], create_graph=True)

    def whole(self) -> Vector:
        """The Hessian itself [P, P], of P products."""
        found = np.stack([self.product(unit) for unit in np.eye(len(self))])
        return (found + found.T) / 2

    def top(self, count: int, generator: torch.Generator) -> Vector:
        """The largest eigenvalues [count], falling (scipy's implicitly restarted Lanczos); fewer if P is smaller."""
        if len(self) <= max(2 * count, SMALL):
            columns = [self.product(unit) for unit in np.eye(len(self))]
            return np.linalg.eigvalsh(np.stack(columns))[::-1][:count].copy()
        start = self._start(generator)
        values = eigsh(self._operator(), count, which="LA", v0=start, tol=TOLERANCE, return_eigenvectors=False)
        return np.sort(values)[::-1].copy()

    def _operator(self) -> LinearOperator:
        return LinearOperator((len(self), len(self)), matvec=self.product, dtype=np.float64)

    def _start(self, generator: torch.Generator) -> Vector:
        return torch.randn(len(self), generator=generator, dtype=torch.float64).numpy()

    def leading(self, count: int, generator: torch.Generator) -> tuple[Vector, Vector]:
        """The eigenvalues [k] of largest absolute value, falling by it, and their eigenvectors [k, P], of length 1.

        k is `count`, or fewer: P, or as many as Lanczos finds apart from each other and from 0. Relative residuals are
        below TOLERANCE.
        """
        size = len(self)
        if size <= max(2 * count, SMALL):
            values, vectors = np.linalg.eigh(self.whole())
        else:
            try:
                values, vectors = eigsh(
                    self._operator(), count, which="LM", v0=self._start(generator), tol=TOLERANCE, maxiter=RESTARTS
                )
            except ArpackNoConvergence as some:  # as where the Hessian's rank is less than `count`
                values, vectors = some.eigenvalues, some.eigenvectors
        order = np.argsort(-np.abs(values), kind="stable")[:count]
        return values[order].copy(), np.ascontiguousarray(vectors.T[order])

    def top_of_layer(self, name: str, generator: torch.Generator) -> float:
        """The largest eigenvalue of a layer's own diagonal block of the Hessian; 0 where nothing of it is free.

        Args:
            name: one of `layers`.
            generator: draws where Lanczos starts.
        """
        names = [n for n in self._leaves if n.rpartition(".")[0] == name]
        before = sum(self._sizes[n] for n in [*self._leaves][: [*self._leaves].index(names[0])])
        free = self._free[torch.from_numpy(self.layers[name]).to(self._free.device)] - before
        size = len(free)
        if size == 0:
            return 0.0
        if size <= SMALL:
            block = np.stack([self._product(unit, free, names) for unit in np.eye(size)])
            return float(np.linalg.eigvalsh((block + block.T) / 2)[-1])
        start = torch.randn(size, generator=generator, dtype=torch.float64).numpy()
        return lanczos.largest(lambda vector: self._product(vector, free, names), start, TOLERANCE)

    def probe(self, count: int, generator: torch.Generator, keep: int = 0) -> Probed:
        """So many random probes of +-1 and what their products say of traces; the first `keep` are kept (2 x [P])."""
        layers, estimates, kept = self.layers, [], []
        of_layers: dict[str, list[float]] = {name: [] for name in layers}
        for number in range(count):
            signs = 2.0 * torch.randint(0, 2, (len(self),), generator=generator).double().numpy() - 1.0
            product = self.product(signs)
            estimates.append(float(signs @ product))
            for name, positions in layers.items():
                of_layers[name].append(float(signs[positions] @ product[positions]))
            if number < keep:
                kept.append((signs, product))
        return Probed(np.array(estimates), {name: np.array(some) for name, some in of_layers.items()}, kept)

    def trace(self, probes: int, generator: torch.Generator) -> tuple[float, float]:
        """Hutchinson's estimate from probes of +-1, and its standard error."""
        found = self.probe(probes, generator)
        return found.trace, found.error

    def gradient_covariance(self) -> float:
        """Trace of the covariance of single examples' gradients: mean squared distance from their mean."""
        return self.gradient_moments()[0]

    def gradient_moments(self) -> tuple[float, float]:
        """Traces of the covariance of single examples' gradients, and of their second moment about 0, in one pass."""
        state = {name: leaf.detach() for name, leaf in self._leaves.items()}
        return moments.moments(self._objective, state | self._rest, self._masks)
