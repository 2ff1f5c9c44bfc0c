"""Closed forms: where the race of signal and noise turns, and where too few filters see the signal. Our derivation.

*The race.* While outputs are small, a filter's product with its signal grows as `a' = (q/K) a^(q-1) mu^2`, that with
one training example's noise as `b' = (q/n) b^(q-1) p sigma^2 d`: pruning leaves a surviving signal whole, and cuts the
energy of a noise vector to p of it. From starts of order `sigma0 mu` and `sigma0 sigma sqrt(p d)` the signal wins iff
`n mu^q > K (sigma sqrt(p d))^q`.

*The end.* A filter learns its class's signal only if it keeps that coordinate (p) and starts on its right side (1/2). A
class without such a filter is dead, and guessed at.

K classes, m filters a class, d dimensions, n examples, q the power.
"""

from functools import lru_cache
from math import exp, inf, log, sqrt
from typing import TYPE_CHECKING

from scipy import integrate, optimize, special

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

SCAN_FROM, SCAN_STEP = 3.0, 0.98  # of p, down


def p_star(theory: "Theory") -> float:
    """Below this share of weights kept the signal wins the race; above 1: without pruning, too. inf without noise."""
    energy = theory.noise**2 * theory.dimension
    ratio = (theory.examples / theory.classes) ** (2 / theory.power)
    return ratio * theory.signal**2 / energy if energy else inf


def p_star_refined(theory: "Theory") -> float | None:
    """The same from where the foremost of the filters starts, by the expected maximum of as many normals.

    Of a class's m filters p m keep the signal's coordinate, so fewer draws start the signal's race. None if the signal
    wins nowhere.
    """
    q, m = theory.power, theory.filters
    least = 1 / m

    def lead(log_p: float) -> float:
        """Positive where the signal wins."""
        p = exp(log_p)
        ours = theory.examples / theory.classes * theory.signal**q * largest_normal(p * m) ** (q - 2)
        return ours - (theory.noise * sqrt(p * theory.dimension)) ** q * largest_normal(m) ** (q - 2)

    above = log(SCAN_FROM)
    if lead(above) >= 0:
        return SCAN_FROM
    while (below := above + log(SCAN_STEP)) > log(least):
        if lead(below) >= 0:
            return exp(float(optimize.brentq(lead, below, above)))
        above = below
    return None


@lru_cache(maxsize=4096)
def largest_normal(count: float) -> float:
    """The expected maximum of so many standard normals (a real number of them, at least 1)."""
    if count <= 1:
        return 0.0

    def density(x: float) -> float:
        return x * count * exp(-x * x / 2 + (count - 1) * special.log_ndtr(x)) / 2.5066282746310002

    return float(integrate.quad(density, -10, 10, limit=200)[0])


def dead_share(kept: float, filters: int) -> float:
    """The chance that a class has no filter which can learn its signal: (1 - p/2)^m."""
    return float((1 - kept / 2) ** filters)


def over_pruned_error(kept: float, theory: "Theory") -> float:
    """Test error where signal beats noise wherever it is seen: chance on dead classes, (1 - 1/K)(1 - p/2)^m."""
    return (1 - 1 / theory.classes) * dead_share(kept, theory.filters)


def fewest_filters(classes: int) -> float:
    """The p m below which some class is likely to be dead: 2 ln(10 K)."""
    return 2 * log(10 * classes)


def can_memorise(kept: float, theory: "Theory") -> bool:
    """Whether there are weights enough to fit the training set by its noise: m p d >= 3 n or so (measured)."""
    return theory.filters * kept * theory.dimension >= 3 * theory.examples
