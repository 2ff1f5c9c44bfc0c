"""Lanczos' method with full reorthogonalisation: a large symmetric matrix, of which only products are known, as seen
from one vector.

N is the matrix's size, M the number of steps. Source: Golub and Meurant, Matrices, Moments and Quadrature with
Applications, 2010. Memory: M + 1 vectors of N doubles.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.linalg import eigh_tridiagonal

Vector = NDArray[np.float64]
Product = Callable[[Vector], Vector]  # the matrix times a vector [N]
MOST = 200  # steps towards one eigenvalue
# What is this small beside the matrix is rounding of single precision.
NOTHING = float(np.finfo(np.float32).eps)
# Of a vector's length: with more left than this, it is orthogonal to what was taken away (Daniel, Gragg, Kaufman and
# Stewart, Reorthogonalization and Stable Algorithms for Updating the Gram-Schmidt QR Factorization, 1976).
KEPT = 0.7


@dataclass(frozen=True)
class Steps:
    """The tridiagonal matrix [M, M] that the given one is within the space of M steps."""

    diagonal: Vector  # [M]
    beside: Vector  # [M]: M - 1 elements beside the diagonal, and the one that would come next

    def gauss(self) -> tuple[Vector, Vector, Vector]:
        """Nodes [M], rising; weights [M], which sum to 1; and how near to each node an eigenvalue is, at most [M]."""
        nodes, vectors = eigh_tridiagonal(self.diagonal, self.beside[:-1])
        return nodes, vectors[0] ** 2, self.beside[-1] * np.abs(vectors[-1])

    def radau(self) -> tuple[Vector, Vector]:
        """Nodes [M + 1] of which one is 0, and their weights: exact for polynomials of degree 2 M.

        A matrix with many eigenvalues of 0 is seen by Gauss' nodes as two clusters just left and just right of it, and
        which of them holds how many is chance. Where Gauss has a node there already, or sees all, that is it.
        """
        nodes, weights, residuals = self.gauss()
        if self.ended or np.abs(nodes).min() <= NOTHING * np.abs(nodes).max():
            return nodes, weights
        last = float((residuals**2 / nodes).sum())
        nodes, vectors = eigh_tridiagonal(np.append(self.diagonal, last), self.beside)
        nodes[np.abs(nodes).argmin()] = 0.0  # but for rounding
        return nodes, vectors[0] ** 2

    @property
    def ended(self) -> bool:
        """Whether the start lies in the space seen, so that nothing new would come."""
        return bool(self.beside[-1] <= NOTHING * max(np.abs(self.diagonal).max(), self.beside.max()))


def steps(product: Product, start: Vector, most: int, first: Vector | None = None) -> Iterator[Steps]:
    """What is known after each step, up to `most` of them, or until nothing new would come.

    Args:
        product: the matrix's.
        start: [N], of any length but 0.
        most: at least 1; no more than N are made.
        first: the product with `start`, where it is known.
    """
    length = float(np.linalg.norm(start))
    basis = np.empty((min(most, len(start)) + 1, len(start)))
    basis[0] = start / length
    diagonal: list[float] = []
    beside: list[float] = []
    for number in range(len(basis) - 1):
        following = product(basis[number]) if number or first is None else first / length
        diagonal.append(float(basis[number] @ following))
        for _ in range(2):  # twice is enough, and needed only where so much was taken away that rounding shows
            before = np.linalg.norm(following)
            following = following - (basis[: number + 1] @ following) @ basis[: number + 1]
            if np.linalg.norm(following) > KEPT * before:
                break
        beside.append(float(np.linalg.norm(following)))
        found = Steps(np.array(diagonal), np.array(beside))
        yield found
        if found.ended:
            return
        basis[number + 1] = following / beside[-1]


def quadrature(product: Product, start: Vector, most: int, first: Vector | None = None) -> tuple[Vector, Vector]:
    """Nodes, one of them at 0, and weights after the last of `steps`."""
    *_, found = steps(product, start, most, first)
    return found.radau()


def largest(product: Product, start: Vector, tolerance: float) -> float:
    """The largest eigenvalue, to a relative residual of `tolerance`, or what MOST steps know of it."""
    value = 0.0
    for found in steps(product, start, MOST):
        nodes, _, residuals = found.gauss()
        value = float(nodes[-1])
        if residuals[-1] <= tolerance * abs(value):
            break
    return value
