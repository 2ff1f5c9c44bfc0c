"""The sparsity regimes and the named models, by rules on curves averaged over replicates (SDD 3.2).

The paper delimits regimes by "both training and test accuracy" without numbers; the numbers here are this
project's. R rounds, from the dense one on, in order.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Curve = NDArray[np.float64]

# Train accuracy counts as "still that of the dense model" within one point.
TOLERANCE = 0.01
# The interpolation threshold is behind us when train accuracy has lost five.
LOST = 0.05
# Accuracies nearer than this are equal: tables hold seven digits, so that what is read from them must not say otherwise
# than what was measured. Different means over ten million answers, replicates times test examples, are further apart.
TIE = 1e-7


def regimes(train_R: Curve, test_last_R: Curve, chance: float) -> list[str]:
    """The regime of each round: trivial, critical or high.

    - trivial: before train accuracy first falls more than TOLERANCE below the dense model's;
    - critical: from there on, while the network is still near the interpolation threshold;
    - high: from the first round on that has lost more than LOST of train accuracy and has either last test accuracy
      above the dense model's (again) or, where that never comes, as without noise, train accuracy nearer to chance
      than to dense.
    """
    critical = first(_below(train_R, train_R[0] - TOLERANCE))
    beyond = _below(-test_last_R, -test_last_R[0]) | _below(train_R, (train_R[0] + chance) / 2)
    beyond &= _below(train_R, train_R[0] - LOST)
    high = first(beyond)
    return ["trivial" if r < critical else "critical" if r < high else "high" for r in range(len(train_R))]


def pruning_efficacy(train_R: Curve, sparsity_R: Curve) -> float:
    """The highest sparsity reached without hurting train accuracy: that of the last trivial round (SDD 4)."""
    return float(sparsity_R[first(_below(train_R, train_R[0] - TOLERANCE)) - 1])


def named_models(test_last_R: Curve, test_best_R: Curve, validation_R: Curve) -> dict[str, int]:
    """The rounds that have a name: dense, valley (the overfitting model), sweet_spot, underfitting, end.

    All of them are found on test accuracy: they describe a curve. `best_validation` is the one that may be used.

    - sweet_spot: the highest last test accuracy;
    - valley: the lowest last test accuracy up to the sweet spot;
    - underfitting: the first round after the sweet spot whose best and last test accuracy are both below the
      dense model's; left out where the run ends before that;
    - end: the last round;
    - best_validation: the highest last validation accuracy (Lens 2, the optimally sparse model); left out where
      no validation split was held out (`validation_R` nan).
    """
    sweet_spot = highest(test_last_R)
    models = {"dense": 0, "valley": highest(-test_last_R[: sweet_spot + 1]), "sweet_spot": sweet_spot}
    under = _below(test_last_R, test_last_R[0]) & _below(test_best_R, test_best_R[0])
    under[: sweet_spot + 1] = False
    if under.any():
        models["underfitting"] = first(under)
    models["end"] = len(test_last_R) - 1
    if not np.isnan(validation_R).any():
        models["best_validation"] = highest(validation_R)
    return models


def highest(curve_R: Curve) -> int:
    """The first round of the highest value."""
    return int(np.argmax(curve_R >= np.max(curve_R) - TIE))


def _below(curve_R: Curve, limit: float) -> NDArray[np.bool_]:
    return curve_R < limit - TIE


def valley_and_sweet_spot(curve_R: Curve) -> list[int]:
    """Those two rounds, on one curve."""
    models = named_models(curve_R, curve_R, np.full(len(curve_R), np.nan))
    return [models["valley"], models["sweet_spot"]]


def nearest(rounds: Sequence[int], available: Sequence[int]) -> list[int]:
    """For each round the available one that is nearest (the first of two), each once, in order."""
    return sorted({min(available, key=lambda other: abs(other - number)) for number in rounds})


def first(condition_R: NDArray[np.bool_] | Sequence[bool]) -> int:
    """Position of the first true value, or the length if there is none."""
    return int(np.argmax([*condition_R, True]))
