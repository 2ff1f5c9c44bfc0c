"""All eigenvalues of a Hessian as a density: the leading ones exactly, the rest by stochastic Lanczos quadrature.

P is the number of free parameters. Sources: Ubaru, Chen and Saad, Fast Estimation of tr(f(A)) via Stochastic Lanczos
Quadrature, 2017; Ghorbani, Krishnan and Xiao, An Investigation into Neural Net Optimization via Hessian Eigenvalue
Density, 2019. Effective dimension: MacKay, Bayesian Interpolation, 1992; Maddox, Benton and Wilson, Rethinking
Parameter Counting in Deep Models, 2020.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import pi, sqrt
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prunelab.landscape import lanczos

if TYPE_CHECKING:
    from prunelab.landscape.curvature import Curvature

Vector = NDArray[np.float64]


@dataclass(frozen=True)
class Spectrum:
    """Eigenvalues of a Hessian: some exactly, all others as nodes that each stand for so many."""

    exact: Vector  # [k]
    nodes: Vector  # [M]
    weights: Vector  # [M], >= 0: eigenvalues about each node; P - k in all

    @property
    def size(self) -> float:
        """P."""
        return len(self.exact) + float(self.weights.sum())

    @property
    def points(self) -> tuple[Vector, Vector]:
        """All eigenvalues and nodes [k + M], and how many each stands for: 1 for the exact ones."""
        return np.concatenate([self.exact, self.nodes]), np.concatenate([np.ones(len(self.exact)), self.weights])

    def density(self, grid: Vector, width: float) -> Vector:
        """The share of eigenvalues per unit at each value of a grid [G], smoothed; its integral is 1.

        Args:
            grid: eigenvalues.
            width: the standard deviation of the Gaussian in which each is spread. Nodes lie a few per cent of the
                spectrum's length apart (less at its ends): a smaller width shows the nodes.
        """
        values, weights = self.points
        return smoothed(values, weights, grid, width)

    def effective_dimension(self, alpha: float) -> float:
        """How many parameters the data determine: the sum of l / (l + alpha) over eigenvalues l above 0.

        Negative ones count as 0: along them the loss is no well, and nothing is determined. So do those that are
        far below `alpha` (> 0), whatever their sign: rounding's, of single precision, among them.
        """
        values, weights = self.points
        above = np.maximum(values, 0.0)
        return float(weights @ (above / (above + alpha)))

    def trace(self) -> float:
        """The sum of all eigenvalues. Where there are exact ones, its error is that of the rest alone."""
        values, weights = self.points
        return float(weights @ values)


def smoothed(values: Vector, weights: Vector, grid: Vector, width: float) -> Vector:
    """A density [G] of weighted values: each spread in a Gaussian of this standard deviation."""
    distances = (grid[:, None] - values) / width
    return np.exp(-(distances**2) / 2) @ weights / (weights.sum() * width * sqrt(2 * pi))


def estimate(
    curvature: "Curvature", pairs: tuple[Vector, Vector], probes: Sequence[tuple[Vector, Vector]], steps: int
) -> Spectrum:
    """The spectrum: by `quadrature`, but exact (P products and a matrix [P, P]) where that takes no more products."""
    if len(curvature) > steps * len(probes):
        return quadrature(curvature, pairs, probes, steps)
    values = np.linalg.eigvalsh(curvature.whole())[::-1].astype(np.float64)
    return Spectrum(values, np.empty(0), np.empty(0))


def quadrature(
    curvature: "Curvature", pairs: tuple[Vector, Vector], probes: Sequence[tuple[Vector, Vector]], steps: int
) -> Spectrum:
    """The spectrum from some eigenpairs and probes of all the rest.

    Probes are projected onto the complement of the eigenvectors, which takes these, a few outliers, out of the variance
    of the estimate: that of a sum of f(l) is, at most, twice the sum of f(l)^2 over the rest, divided by the number of
    probes. One node of each probe is 0, where most eigenvalues of a large network are. Small ones next to it are seen
    only with many steps: sums of l / (l + alpha) are too small, by the less the larger `steps` and alpha are.

    Args:
        curvature: of the Hessian.
        pairs: eigenvalues [k] and orthonormal eigenvectors [k, P], the outliers (Curvature.leading); k may be 0.
        probes: vectors of +-1 [P], and the Hessian's product with each, which is not made again (Curvature.probe).
        steps: of Lanczos from each probe; at most one node more. Memory: steps + 1 vectors [P].
    """
    values, vectors = pairs
    rest = len(curvature) - len(values)
    # They are eigenvectors up to a tolerance only: with their products, the first step is exact all the same.
    images = np.stack([curvature.product(vector) for vector in vectors]) if len(vectors) else vectors

    def project(vector: Vector) -> Vector:
        return vector - (vectors @ vector) @ vectors

    def product(vector: Vector) -> Vector:
        return project(curvature.product(vector))  # which is in the complement already

    nodes, weights = [], []
    for signs, image in probes:
        first = project(image - (vectors @ signs) @ images)
        at, shares = lanczos.quadrature(product, project(signs), min(steps, rest), first)
        nodes.append(at)
        weights.append(shares * (rest / len(probes)))
    return Spectrum(values, np.concatenate(nodes), np.concatenate(weights))
