"""Effects: numbers that a claim rests on, with intervals for two sources of chance.

- *Over replicates* (another noise, initialisation and order of the data): Student's t on one number per replicate,
  paired where seeds pair. A bootstrap of so few numbers would cover half to nine tenths of what it promises.
- *Over test examples* (another test set): percentile bootstrap over the images, each taken for all replicates.
- *Both*: the two half-widths added in quadrature. Each source alone knows nothing of the other, and the sum of their
  variances is at least that of the two together (Owen 2007, "The pigeonhole bootstrap").

What must hold for "supported" is the interval of both. What must fail for "contradicted" is `most`, an upper limit
that is one for every choice that could have been made (crossfit.py).
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray
from scipy import stats

Array = NDArray[np.float64]
Interval = tuple[float, float]

# Differences of accuracy smaller than this many points are no effect.
LEAST = 1.0
RESAMPLES = 2000
TAIL = 0.025  # on each side of an interval
# And beyond the upper limits of "contradicted": a claim rests on up to four effects, and one that fails is enough.
TAIL_OF_MOST = 0.0125
TAIL_OF_SHARE = 0.05


@dataclass(frozen=True)
class Effect:
    """One number a claim rests on; positive is what is claimed.

    `value` is what to expect elsewhere: what was chosen was not chosen on what it is measured on. Intervals are 95%.
    """

    what: str
    value: float
    unit: str  # points (of accuracy, in %) | correlation | log ratio | rounds | share | distance
    replicates: Interval | None = None
    test_examples: Interval | None = None
    both: Interval | None = None  # where there is no interval over test examples: that over replicates
    most: float | None = None  # upper limit, 98.75%, whatever was chosen
    least: float = 0.0  # below this it does not count as the claimed effect

    @property
    def holds(self) -> bool:
        """All of it on the claimed side; never with one replicate."""
        return self.both is not None and self.value >= self.least and self.both[0] > 0

    @property
    def fails(self) -> bool:
        """All of it, whatever was chosen, below what would count; never with one replicate."""
        return self.most is not None and self.most < max(self.least, 1e-12)


def of_accuracies(
    what: str, differences_ST: Array, *, plus: float = 0, least: float = LEAST, most: float | None = None
) -> Effect:
    """A difference of test accuracies, in points.

    Args:
        what: for a reader.
        differences_ST: of right answers, claimed positive, for each replicate and test image.
        plus: points added to it: so much less is still as claimed.
        least: points.
        most: the upper limit if there was a choice (crossfit.most); default: that of these differences.
    """
    percent = 100 * np.asarray(differences_ST, dtype=float) + plus
    if most is None:
        most = upper(percent.mean(axis=1)[None], percent.mean(axis=0)[None])
    else:
        most += plus
    return _effect(what, percent.mean(axis=1), "points", least, most, over_images_T=percent.mean(axis=0))


def of_replicates(
    what: str, values_S: Array, unit: str, *, least: float = 0.0, resolution: float = 0.0, most: float | None = None
) -> Effect:
    """An effect that is one number for each replicate.

    Args:
        what: for a reader.
        values_S: claimed positive.
        unit: see Effect; "points" are fractions times 100.
        least: in that unit.
        resolution: of numbers that are rounded, the step. Three replicates that agree on a whole number do not agree
            to the last digit: the rounding's variance, a twelfth of the step squared, is added.
        most: the upper limit if there was a choice; default: that of these values.
    """
    values = np.asarray(values_S, dtype=float)
    if most is None:
        most = upper(values[None], resolution=resolution)
    return _effect(what, values, unit, least, most, resolution=resolution)


def of_share(what: str, number: int, replicates: int) -> Effect:
    """A share of replicates, that more than half of them are as claimed: less one half.

    Args:
        what: for a reader.
        number: of replicates that are as claimed.
        replicates: all of them.

    Intervals are exact (Clopper and Pearson) and of 90%, 5% on each side: five of five replicates are the fewest that
    can show it.
    """
    found = stats.binomtest(number, replicates)
    inside = found.proportion_ci(1 - 2 * TAIL_OF_SHARE, method="exact")
    limit = float(found.proportion_ci(1 - 2 * TAIL_OF_MOST, method="exact").high) - 0.5
    interval = None if replicates < 2 else _rounded((float(inside.low) - 0.5, float(inside.high) - 0.5))
    most = None if replicates < 2 else round(limit, 6)
    return Effect(what, round(number / replicates - 0.5, 6), "share", interval, None, interval, most)


def _effect(
    what: str,
    values_S: Array,
    unit: str,
    least: float,
    most: float | None,
    over_images_T: Array | None = None,
    resolution: float = 0.0,
) -> Effect:
    value = float(values_S.mean())
    replicates = student(values_S, resolution)
    images = None if over_images_T is None else bootstrap(over_images_T)
    both = replicates
    if replicates is not None and images is not None:
        both = (
            value - float(np.hypot(value - replicates[0], value - images[0])),
            value + float(np.hypot(replicates[1] - value, images[1] - value)),
        )
    most = None if most is None else round(most, 6)
    intervals = (_rounded(replicates), _rounded(images), _rounded(both))
    return Effect(what, round(value, 6), unit, *intervals, most, least)


def student(values_S: Array, resolution: float = 0.0) -> Interval | None:
    """95% interval of the mean by Student's t; None for fewer than two values."""
    n = len(values_S)
    if n < 2:
        return None
    half = float(stats.t.ppf(1 - TAIL, n - 1) * _error(values_S, resolution))
    return float(values_S.mean()) - half, float(values_S.mean()) + half


def bootstrap(values_T: Array) -> Interval:
    """95% percentile bootstrap interval of the mean over test images."""
    means = _resamples(len(values_T)) @ np.asarray(values_T, dtype=np.float32)
    low, high = np.quantile(means, [TAIL, 1 - TAIL])
    return float(low), float(high)


def upper(values_CS: Array, over_images_CT: Array | None = None, resolution: float = 0.0) -> float | None:
    """The highest upper limit of C candidates' means, each over replicates S and (if given) over test images T.

    Whichever candidate is the true one, its own limit is not above this. None for fewer than two replicates. Over
    hundreds of images a mean is normal: no bootstrap is needed for a limit that is not shown.
    """
    n = values_CS.shape[1]
    if n < 2:
        return None
    half = stats.t.ppf(1 - TAIL_OF_MOST, n - 1) * _error(values_CS, resolution)
    if over_images_CT is not None:
        count = over_images_CT.shape[1]
        half = np.hypot(half, stats.norm.ppf(1 - TAIL_OF_MOST) * over_images_CT.std(axis=1) / np.sqrt(count))
    return float((values_CS.mean(axis=1) + half).max())


def correlation(what: str, x_RS: Array, y_RS: Array, sign: int) -> Effect:
    """Spearman's rank correlation over rounds R for each replicate S, times the claimed sign; 0 with a constant."""
    each = [sign * ranked(x, y) for x, y in zip(x_RS.T, y_RS.T, strict=True)]
    return of_replicates(what, np.array(each), "correlation")


def ranked(x: Array, y: Array) -> float:
    """Spearman's rank correlation; 0 with a constant."""
    return 0.0 if np.ptp(x) == 0 or np.ptp(y) == 0 else float(stats.spearmanr(x, y).statistic)


@lru_cache(maxsize=4)
def _resamples(count: int) -> NDArray[np.float32]:
    """How often each of so many images is drawn, over their number [RESAMPLES, count]: the same for every effect."""
    drawn = np.random.default_rng(0).multinomial(count, np.full(count, 1 / count), size=RESAMPLES)
    return (drawn / count).astype(np.float32)


def _error(values: Array, resolution: float) -> Array:
    """Standard error of the mean over the last axis."""
    variance = values.var(axis=-1, ddof=1) + resolution**2 / 12
    return np.sqrt(variance / values.shape[-1])


def _rounded(interval: Interval | None) -> Interval | None:
    return None if interval is None else (round(interval[0], 6), round(interval[1], 6))
