"""The claims of SDD, checked on one run: effects with intervals, and a verdict on each.

An effect is a difference (or a correlation) with 95% bootstrap intervals: over replicates, and, where it is a
difference of test accuracies, over test examples. A claim is

- *supported* if every effect it rests on lies on the claimed side, with all of its intervals;
- *contradicted* if some effect lies, with all of its intervals, below the least that would count as one;
- *not decidable* otherwise, or where the run cannot show it; then a command says what would.

The valley and the sweet spot are found on the same curves: their effects are that much too large, which the
intervals do not know.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Interval = tuple[float, float]
Row = Mapping[str, Any]

# Differences of accuracy smaller than this many points are no effect.
LEAST = 1.0
RESAMPLES = 2000


@dataclass(frozen=True)
class Effect:
    """One number a claim rests on; positive is what is claimed."""

    what: str
    value: float
    unit: str  # points (of accuracy, in %) | correlation | log ratio | share
    replicates: Interval | None = None
    test_examples: Interval | None = None
    least: float = 0.0  # below this it does not count as the claimed effect

    @property
    def intervals(self) -> list[Interval]:
        """Those that could be found; with one replicate and no examples, none."""
        return [interval for interval in (self.replicates, self.test_examples) if interval is not None]

    @property
    def holds(self) -> bool:
        """All of it on the claimed side."""
        return bool(self.intervals) and self.value >= self.least and all(low > 0 for low, _ in self.intervals)

    @property
    def fails(self) -> bool:
        """All of it below what would count."""
        return bool(self.intervals) and all(high < max(self.least, 1e-12) for _, high in self.intervals)


@dataclass(frozen=True)
class Claim:
    """A verdict and what it rests on."""

    text: str
    verdict: str
    why: str
    effects: list[Effect] = field(default_factory=list)
    decide_with: str | None = None


def judged(text: str, effects: Sequence[Effect], decide_with: str) -> Claim:
    """The verdict that effects give."""
    failing = [effect.what for effect in effects if effect.fails]
    open_ = [effect.what for effect in effects if not effect.holds and not effect.fails]
    if failing:
        return Claim(text, CONTRADICTED, "; ".join(failing) + ": not as claimed", list(effects))
    if open_:
        why = "; ".join(open_) + ": too uncertain in this run"
        return Claim(text, UNDECIDED, why, list(effects), decide_with)
    return Claim(text, SUPPORTED, "all effects as claimed", list(effects))


SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "not decidable"


def interval(values: Array, statistic: Callable[..., Any] = np.mean) -> Interval | None:
    """95% percentile bootstrap interval over the last axis of values [n] (scipy); None for fewer than two."""
    values = np.asarray(values, dtype=float)
    values = values[np.isfinite(values)]
    if len(values) < 2:
        return None
    found = stats.bootstrap(
        (values,), statistic, n_resamples=RESAMPLES, method="percentile", rng=np.random.default_rng(0)
    ).confidence_interval
    return round(float(found.low), 6), round(float(found.high), 6)


def points(what: str, differences_S: Array, examples_T: Array | None = None, least: float = LEAST) -> Effect:
    """An effect in points of accuracy.

    Args:
        what: for a reader.
        differences_S: of accuracies (fractions), claimed positive, one per replicate.
        examples_T: the same difference for each test example, averaged over replicates.
        least: points.
    """
    over_examples = None if examples_T is None else interval(100 * examples_T)
    value = round(float(100 * np.mean(differences_S)), 6)
    return Effect(what, value, "points", interval(100 * np.asarray(differences_S)), over_examples, least)


def correlation(what: str, x_RS: Array, y_RS: Array, sign: int) -> Effect:
    """Spearman's rank correlation over rounds R for each replicate S, times the claimed sign."""
    each = [sign * stats.spearmanr(x, y).statistic for x, y in zip(x_RS.T, y_RS.T, strict=True)]
    values = np.nan_to_num(np.array(each, dtype=float))
    return Effect(what, round(float(values.mean()), 6), "correlation", interval(values))
