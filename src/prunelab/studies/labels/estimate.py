"""How many labels are wrong? An estimate from what networks say of examples that they were not trained on.

A network that has not seen an example gives it the label it has, less often where that label is wrong. How often where
it is right, test examples tell, whose labels are taken to be right:

    share wrong = (A - a) / (A - e)

a is how often out-of-sample predictions agree with the given labels, A how often they would if all of those were right,
e how often they agree with a wrong one. A and e follow from the test examples' confusions and from which classes the
given labels hide, found from the same confusions by maximum likelihood (as for label shift: Saerens et al. 2002).
It rests on two things: training and test examples are alike but for the labels, and a network is wrong about an example
as often whatever wrong label it was given. Where labels were mistaken because the example looks like another class, e
is larger than that, and the estimate too low. Where test labels are wrong too, it is what training labels are worse by.

K classes; counts are [K, K] or, of several resamples at once, [B, K, K].
"""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating[Any]]
Counts = NDArray[np.int64]
ITERATIONS = 200
DRAWS = 1000
# So many numbers at once; with many classes resamples are drawn in turns, and fewer of them.
AT_ONCE, MOST = 2_000_000, 100_000_000
MANY = 200  # classes; with more, wrong labels are taken to hide all of them alike
LEAST = 0.05  # A - e: below, predictions say next to nothing about labels


@dataclass(frozen=True)
class Estimate:
    """Share of wrong labels, with a 95% interval; all None where networks are too weak to tell."""

    share: float | None
    low: float | None
    high: float | None
    accuracy: float  # of out-of-sample predictions on the test examples


def counts(labels_N: Counts, predicted_N: Counts, num_classes: int) -> Counts:
    """How many examples have which label and which prediction [K, K]."""
    found = np.bincount(labels_N * num_classes + predicted_N, minlength=num_classes**2)
    return found.reshape(num_classes, num_classes)


def estimate(train_KK: Counts, test_KK: Counts, rng: np.random.Generator) -> Estimate:
    """From confusions: `counts` of given labels, and of the test examples' labels, with out-of-sample predictions.

    The interval is a percentile bootstrap over examples, both kinds drawn anew within their labels.
    """
    accuracy = float(np.trace(test_KK) / test_KK.sum())
    (share,), (distance,) = shares(train_KK[None], test_KK[None])
    if not distance > LEAST:
        return Estimate(None, None, None, accuracy)
    found = np.concatenate([_resampled(train_KK, test_KK, size, rng) for size in _turns(len(train_KK))])
    low, high = np.percentile(found[np.isfinite(found)], [2.5, 97.5])
    point, low, high = (float(np.clip(value, 0, 1)) for value in (share, low, high))
    return Estimate(point, low, high, accuracy)


def _turns(classes: int) -> list[int]:
    draws = max(100, min(DRAWS, MOST // (classes**2 * (ITERATIONS if classes <= MANY else 1))))
    at_once = max(1, AT_ONCE // classes**2)
    return [min(at_once, draws - start) for start in range(0, draws, at_once)]


def _resampled(train_KK: Counts, test_KK: Counts, size: int, rng: np.random.Generator) -> Array:
    drawn = [_redrawn(some_KK, size, rng) for some_KK in (train_KK, test_KK)]
    found, distance = shares(*drawn)
    return np.where(distance > LEAST, found, np.nan)


def _redrawn(count_KK: Counts, size: int, rng: np.random.Generator) -> Counts:
    total_K = count_KK.sum(axis=1)
    p_KK = count_KK / np.maximum(total_K, 1)[:, None]
    p_KK[total_K == 0, 0] = 1
    return np.stack([rng.multinomial(total, p_K, size) for total, p_K in zip(total_K, p_KK, strict=True)], axis=1)


def shares(train_BKK: Counts, test_BKK: Counts) -> tuple[Array, Array]:
    """The share of wrong labels [B], not yet held between 0 and 1, and A - e [B]."""
    tests_BK = test_BKK.sum(axis=2)
    overall_BK = test_BKK.sum(axis=1) + 1.0
    overall_BK /= overall_BK.sum(axis=1, keepdims=True)
    # One example more, predicted as all of them are: a confusion that was not seen is not impossible.
    confusion_BKK = (test_BKK + overall_BK[:, None]) / (tests_BK + 1)[:, :, None]
    joint_BKK = _joint(train_BKK, confusion_BKK)
    right_BK = np.einsum("btt->bt", test_BKK) / np.maximum(tests_BK, 1)
    kept_BK = np.einsum("bgg->bg", joint_BKK) * (tests_BK > 0)
    total_B = train_BKK.sum(axis=(1, 2))
    agreed_B = np.einsum("bgg->b", train_BKK) / total_B
    if_right_B = (kept_BK * right_BK).sum(axis=1) / np.maximum(kept_BK.sum(axis=1), 1e-9)
    # Wrong ones by the classes they are found to hide; a thousandth of all spread evenly, where there are none.
    off = 1 - np.eye(train_BKK.shape[1])
    hidden_BKK = joint_BKK * off + off * total_B[:, None, None] * 1e-3 / off.sum()
    # joint is [given, true]; of a wrong label g of an example of class t, how often g is predicted.
    if_wrong_B = np.einsum("bgt,btg->b", hidden_BKK, confusion_BKK) / hidden_BKK.sum(axis=(1, 2))
    distance_B = if_right_B - if_wrong_B
    return (if_right_B - agreed_B) / np.where(np.abs(distance_B) > 1e-9, distance_B, 1e-9), distance_B


def _joint(train_BKK: Counts, confusion_BKK: Array) -> Array:
    """How many examples of each given label are of which true class [B, given, true], by maximum likelihood."""
    classes = train_BKK.shape[1]
    total_BK1 = train_BKK.sum(axis=2, keepdims=True)
    share_BKK = np.where(np.eye(classes, dtype=bool), 0.8, 0.2 / max(1, classes - 1))[None]
    observed_BKK = train_BKK / np.maximum(total_BK1, 1)
    for _ in range(ITERATIONS if classes <= MANY else 0):
        expected_BKK = share_BKK @ confusion_BKK
        share_BKK = share_BKK * np.einsum("bgk,btk->bgt", observed_BKK / expected_BKK, confusion_BKK)
    return np.asarray(share_BKK * total_BK1)
