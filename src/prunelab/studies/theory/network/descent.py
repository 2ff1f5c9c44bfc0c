"""The two-layer network and its training: full-batch gradient descent with a line search that costs nothing.

`F_j(x) = sum_r s(<w_jr, mu_y>) + s(<w_jr, xi>)`, `s(z) = max(0, z)^q`, second layer fixed at 1; cross-entropy. All
that the loss depends on are inner products of filters and patches, and those are linear in the filters: with `Z` the
products and `D` those of the gradient, a step of size eta leads to `Z - eta D`. So any eta can be tried without a
matrix product.

K classes, m filters a class, n examples, d dimensions.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from math import isfinite

import numpy as np
import torch
from scipy.sparse import csr_array
from torch import Tensor

from prunelab.studies.theory.network.data import Task

FLOW, CONSTANT = "flow", "constant"
SPARSE_BELOW = 0.012  # of the weights: fewer are held as a list of survivors
CHUNK = 20_000  # survivors whose gradient is gathered at a time


@dataclass
class Products:
    """Inner products of all filters with what the training examples are made of."""

    noise: Tensor  # with each example's noise [n, K m]
    signal: Tensor  # with each class's signal [K, K m]

    def minus(self, eta: float, step: "Products") -> "Products":
        """Those a step further."""
        return Products(self.noise - eta * step.noise, self.signal - eta * step.signal)

    def largest(self) -> float:
        """In absolute value."""
        return max(float(self.noise.abs().max()), float(self.signal.abs().max()))


class Dense:
    """Filters as a matrix [K m, d]; pruned weights are zero, and stay so."""

    def __init__(self, weights: Tensor, kept: Tensor, task: Task) -> None:
        self.values, self._kept, self._task = weights * kept, kept, task

    def whole(self) -> Tensor:
        """As a matrix."""
        return self.values

    def products(self) -> Products:
        """With the training examples."""
        return self._products(self.values)

    def gradient(self, pull: Products) -> tuple[Tensor, Products]:
        """From the loss's derivatives by the products: of the weights, and its own products."""
        found = pull.noise.T @ self._task.noise
        found[:, : self._task.classes] += self._task.signal * pull.signal.T
        found *= self._kept
        return found, self._products(found)

    def _products(self, matrix: Tensor) -> Products:
        signal = self._task.signal * matrix[:, : self._task.classes].T
        return Products(self._task.noise @ matrix.T, signal.contiguous())


class Sparse:
    """The surviving weights alone, row by row; the same up to rounding, 5 to 20 times faster below SPARSE_BELOW."""

    def __init__(self, weights: Tensor, kept: Tensor, task: Task) -> None:
        self._rows, self._columns = kept.nonzero(as_tuple=True)
        self.values = weights[self._rows, self._columns]
        self._starts = np.concatenate([[0], kept.sum(dim=1).cumsum(0).numpy()])
        self._shape, self._task = tuple(weights.shape), task
        self._noise = task.noise.T.contiguous()  # [d, n]
        # The survivors on a signal's coordinate.
        self._on = (self._columns < task.classes).nonzero()[:, 0]

    def whole(self) -> Tensor:
        """As a matrix [K m, d]."""
        matrix = torch.zeros(self._shape)
        matrix[self._rows, self._columns] = self.values
        return matrix

    def products(self) -> Products:
        """As `Dense.products`."""
        return self._products(self.values)

    def gradient(self, pull: Products) -> tuple[Tensor, Products]:
        """As `Dense.gradient`, of the survivors."""
        by_filter = pull.noise.T.contiguous()  # [K m, n]
        parts = zip(self._rows.split(CHUNK), self._columns.split(CHUNK), strict=True)
        found = torch.cat([(by_filter[rows] * self._noise[columns]).sum(dim=1) for rows, columns in parts])
        rows, columns = self._rows[self._on], self._columns[self._on]
        found[self._on] += self._task.signal * pull.signal[columns, rows]
        return found, self._products(found)

    def _products(self, values: Tensor) -> Products:
        # SciPy's product: PyTorch's own warns of its state, and takes as long.
        matrix = csr_array((values.numpy(), self._columns.numpy(), self._starts), shape=self._shape)
        signal = torch.zeros(self._task.classes, self._shape[0])
        signal[self._columns[self._on], self._rows[self._on]] = self._task.signal * values[self._on]
        return Products(torch.from_numpy(matrix @ self._noise.numpy()).T, signal)


Filters = Dense | Sparse


def filters(weights: Tensor, kept: Tensor, task: Task) -> Filters:
    """In the form that is faster; few enough survivors (SPARSE_BELOW) are held alone."""
    return (Sparse if kept.sum() < SPARSE_BELOW * kept.numel() else Dense)(weights, kept, task)


class Loss:
    """Cross-entropy on the training examples, from inner products."""

    def __init__(self, task: Task, power: float) -> None:
        self._task, self._power = task, power
        n = len(task.given)
        self._is = torch.zeros(n, task.classes).scatter_(1, task.given[:, None], 1.0)
        self._holds = torch.zeros(n, task.classes).scatter_(1, task.true[:, None], 1.0)

    def outputs(self, products: Products) -> Tensor:
        """F [n, K]."""
        return self._summed(products.noise) + self._summed(products.signal)[self._task.true]

    def __call__(self, products: Products) -> float:
        """The mean over examples. In float64: near the end it falls by less than float32 can tell."""
        outputs = self.outputs(products).double()
        right = outputs.gather(1, self._task.given[:, None])[:, 0]
        return float((outputs.logsumexp(dim=1) - right).mean())

    def pull(self, products: Products) -> Products:
        """Its derivatives by the products."""
        by_output = (self.outputs(products).softmax(dim=1) - self._is) / len(self._is)  # [n, K]
        return Products(self._back(by_output, products.noise), self._back(self._holds.T @ by_output, products.signal))

    def _summed(self, products: Tensor) -> Tensor:
        """s over products, summed over a class's filters [.., K]."""
        return products.clamp(min=0).pow(self._power).reshape(len(products), self._task.classes, -1).sum(dim=2)

    def _back(self, by_output: Tensor, products: Tensor) -> Tensor:
        slope = self._power * products.clamp(min=0).pow(self._power - 1)
        by_class = slope.reshape(len(products), self._task.classes, -1) * by_output[:, :, None]
        return by_class.reshape(products.shape)


@dataclass(frozen=True)
class Step:
    """Where training is."""

    number: int
    loss: float
    products: Products


@dataclass(frozen=True)
class Rule:
    """How far a step goes, and when it is enough."""

    kind: str  # flow | constant
    step: float  # flow: of the largest inner product, how much any may move; constant: the learning rate
    enough: float  # the loss below which training ends
    most: int  # steps


def train(held: Filters, loss: Loss, rule: Rule) -> Iterator[Step]:
    """Full-batch gradient descent, a `Step` before each step and after the last.

    `flow`: eta is at most twice the last one, no inner product moves by more than `step` of the largest, and eta is
    halved until the loss does not rise: gradient flow with time rescaled, which no learning rate can spoil.
    `constant`: the same eta always; too large a one ends in a loss that is no number, and training with it.
    """
    products = held.products()
    now, last = loss(products), float("inf")
    for number in range(rule.most + 1):
        yield Step(number, now, products)
        if now <= rule.enough or number == rule.most or not isfinite(now):
            return
        gradient, along = held.gradient(loss.pull(products))
        reach = along.largest()
        if reach == 0.0:  # nothing moves any more
            return
        eta = rule.step if rule.kind == CONSTANT else min(2 * last, rule.step * products.largest() / reach)
        next_ = products.minus(eta, along)
        then = loss(next_)
        while rule.kind == FLOW and not then <= now and eta > 0:
            eta /= 2
            next_ = products.minus(eta, along)
            then = loss(next_)
        held.values -= eta * gradient
        products, now, last = next_, then, eta
