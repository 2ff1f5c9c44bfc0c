"""Effects that several claims rest on: what is measured at rounds that other data chose. R rounds, S replicates."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from prunelab import regimes
from prunelab.judging import crossfit, effects
from prunelab.judging.effects import Effect, of_accuracies, of_replicates
from prunelab.studies.lens import optimum
from prunelab.studies.lens.evidence import Array, Evidence, Right

Choice = Callable[[Array], int]


@dataclass(frozen=True)
class Places:
    """One round for each replicate, chosen by the others' curves; two, one for each half of the test images.

    With a validation split they are the same.
    """

    where_2S: np.ndarray

    def of(self, values_RS: Array) -> Array:
        """A measure there [S]."""
        return crossfit.at(values_RS, self.where_2S)

    def right(self, right_RST: Right) -> Array:
        """Answers to test images there [S, T]."""
        return crossfit.picked(right_RST, self.where_2S)


def best(run: Evidence, right_RST: Right | None = None, validation_RS: Array | None = None) -> Places:
    """The optimum, of all rounds or of these networks: by validation, without a split by test accuracy (Q1)."""
    right = run.right_RST if right_RST is None else right_RST
    validation = run.curve["validation"] if validation_RS is None else validation_RS
    held_out = None if np.isnan(validation).any() else validation
    return Places(crossfit.chosen(right, lambda curve: [regimes.highest(curve)], held_out)[:, :, 0])


def highest(run: Evidence) -> Places:
    """The highest improving round, by test accuracy (Q3)."""
    return Places(crossfit.chosen(run.right_RST, lambda curve: [optimum.last_improving(curve)])[:, :, 0])


def by_others(values_RS: Array, choose: Choice) -> Places:
    """A round chosen on the other replicates' mean of a measure."""
    count = values_RS.shape[1]
    others = ~np.eye(count, dtype=bool) if count > 1 else np.ones((1, 1), dtype=bool)
    curves_SR = (others / others.sum(axis=1, keepdims=True)) @ values_RS.T
    found = np.array([choose(curve) for curve in curves_SR])
    return Places(np.stack([found, found]))


def at(
    what: str, values_RS: Array, places: Places, unit: str, *, least: float = 0.0, among: Sequence[int] | None = None
) -> Effect:
    """A measure at chosen rounds; its upper limit over all that could have been chosen (default: all but the dense)."""
    could = values_RS[1:] if among is None else values_RS[list(among)]
    return of_replicates(what, places.of(values_RS), unit, least=least, most=effects.upper(could))


def gain(
    what: str, better_RST: Right, places: Places, worse_ST: Array, *, plus: float = 0.0, least: float = 1.0
) -> Effect:
    """Test accuracy at chosen rounds, less another network's, in points."""
    limit = crossfit.most(better_RST, np.broadcast_to(worse_ST, better_RST.shape))
    return of_accuracies(what, places.right(better_RST) - worse_ST, plus=plus, least=least, most=limit)


def ranked(what: str, x_RS: Array, y_RS: Array, sign: int, least: float) -> Effect:
    """Rank correlation over rounds of each replicate, times the claimed sign."""
    each = [sign * effects.ranked(x, y) for x, y in zip(x_RS.T, y_RS.T, strict=True)]
    return of_replicates(what, np.array(each), "correlation", least=least)
