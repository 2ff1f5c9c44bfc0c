"""Intervals by textbook formulas, cross-fitting by plain loops."""

import dataclasses
from math import hypot, sqrt

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from prunelab import regimes
from prunelab.core import halves
from prunelab.judging import crossfit, effects
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED, judged
from prunelab.judging.effects import Effect
from prunelab.studies.sdd import claims
from prunelab.studies.sdd.evidence import Evidence

# Of any textbook's table: Student's t beyond which lie 2.5% and 1.25%, by degrees of freedom; the normal's 1.25%.
T_975 = {1: 12.7062, 2: 4.30265, 4: 2.77645}
T_9875 = {2: 6.20535, 4: 3.49541}
NORMAL_9875 = 2.24140


def standard_error(values, resolution=0.0):
    mean = sum(values) / len(values)
    variance = sum((v - mean) ** 2 for v in values) / (len(values) - 1) + resolution**2 / 12
    return mean, sqrt(variance / len(values))


@pytest.mark.parametrize("values", [[1.0, 2.0], [3.0, 5.0, 4.5], [0.1, 0.5, -0.2, 0.9, 0.3]])
@pytest.mark.parametrize("resolution", [0.0, 2.0])
def test_students_interval_by_hand(values, resolution):
    mean, error = standard_error(values, resolution)
    half = T_975[len(values) - 1] * error
    assert effects.student(np.array(values), resolution) == pytest.approx((mean - half, mean + half), rel=1e-5)
    assert effects.student(np.array(values[:1])) is None


def test_the_highest_upper_limit_by_hand():
    """Of three candidates the one with neither the highest mean nor the widest interval."""
    candidates = np.array([[1.0, 1.1, 1.2], [0.5, 0.9, 0.7], [-3.0, -1.0, -2.0]])
    limits = [m + T_9875[2] * e for m, e in map(standard_error, candidates)]
    assert effects.upper(candidates) == pytest.approx(max(limits), rel=1e-4)
    images = np.random.default_rng(0).normal(size=(3, 50)) * np.array([[1.0], [9.0], [2.0]])
    limits = []
    for one, over in zip(candidates, images, strict=True):
        mean, error = standard_error(one)
        spread = sqrt(sum((v - sum(over) / 50) ** 2 for v in over) / 50) / sqrt(50)
        limits.append(mean + hypot(T_9875[2] * error, NORMAL_9875 * spread))
    assert effects.upper(candidates, images) == pytest.approx(max(limits), rel=1e-4)
    assert effects.upper(candidates[:, :1]) is None


def test_a_bootstrap_of_many_images_is_the_normal_interval():
    values = (np.arange(2000) % 5 < 2).astype(float)  # two fifths: standard error sqrt(0.24 / 2000)
    low, high = effects.bootstrap(values)
    half = 1.96 * sqrt(0.24 / 2000)
    assert (low, high) == pytest.approx((0.4 - half, 0.4 + half), abs=0.1 * half)
    # Sums of 0/1 over images are binomial: the mean of the resamples is the mean of the values.
    assert (low + high) / 2 == pytest.approx(0.4, abs=0.1 * half)


def test_an_effect_on_accuracy_has_both_intervals_and_their_hypotenuse():
    right = np.random.default_rng(1).random((3, 400)) < np.array([[0.6], [0.65], [0.7]])
    effect = effects.of_accuracies("x", right.astype(float) - 0.5, plus=2.0, least=3.0)
    percent = [100 * (row.mean() - 0.5) + 2 for row in right]
    mean, error = standard_error(percent)
    over = effects.bootstrap(100 * (right.mean(axis=0) - 0.5) + 2)
    half = T_975[2] * error
    assert effect.value == pytest.approx(mean, abs=1e-5)
    assert effect.replicates == pytest.approx((mean - half, mean + half), rel=1e-4)
    assert effect.test_examples == pytest.approx(over, rel=1e-4)
    assert effect.both[0] == pytest.approx(mean - hypot(half, mean - over[0]), rel=1e-4)
    assert effect.both[1] == pytest.approx(mean + hypot(half, over[1] - mean), rel=1e-4)
    images = 100 * (right.mean(axis=0) - 0.5)
    spread = sqrt(((images - images.mean()) ** 2).sum() / 400) / 20
    assert effect.most == pytest.approx(mean + hypot(T_9875[2] * error, NORMAL_9875 * spread), rel=1e-4)
    assert (effect.least, effect.unit) == (3.0, "points")
    assert effects.of_accuracies("x", right - 0.5, plus=2.0, most=7.0).most == 9.0


def test_an_effect_of_replicates_is_their_mean_and_rounding_widens_it():
    values = [1.0, 2.0, 4.0]
    mean, error = standard_error(values, 3.0)
    effect = effects.of_replicates("x", np.array(values), "rounds", least=0.5, resolution=3.0)
    assert effect.value == pytest.approx(mean, abs=1e-5)
    assert effect.both == effect.replicates
    assert effect.replicates[0] == pytest.approx(mean - T_975[2] * error, rel=1e-4)
    assert effect.most == pytest.approx(mean + T_9875[2] * error, rel=1e-4)
    assert effect.test_examples is None
    assert effects.of_replicates("x", np.array(values), "rounds", most=-2.0).most == -2.0


def of(value, both, most, least=0.0):
    return Effect("x", value, "points", both, None, both, most, least)


@pytest.mark.parametrize(
    ("effect", "verdict"),
    [
        (of(2.0, (1.0, 3.0), 3.0, least=1.0), SUPPORTED),
        (of(0.9, (0.5, 1.3), 1.3, least=1.0), UNDECIDED),  # clearly there, but less than counts
        (of(2.0, (-0.1, 4.1), 4.1, least=1.0), UNDECIDED),
        (of(0.5, (0.2, 0.8), 0.9, least=1.0), CONTRADICTED),  # whatever it is, it is less than counts
        (of(-2.0, (-3.0, -1.0), -1.0), CONTRADICTED),
        (of(-2.0, (-3.0, -1.0), 0.5), UNDECIDED),  # another choice could have shown it
        (of(2.0, None, None), UNDECIDED),
    ],
)
def test_verdicts_of_one_effect(effect, verdict):
    assert judged("claim", [effect]).verdict == verdict
    assert judged("claim", [of(9.0, (8.0, 10.0), 10.0), effect]).verdict == verdict


def test_a_correlation_has_the_claimed_sign():
    x = np.array([[1.0, 1.0], [2.0, 2.0], [3.0, 3.0], [4.0, 4.0]])
    y = np.array([[1.0, 8.0], [4.0, 6.0], [9.0, 9.0], [16.0, 20.0]])
    # By ranks: 1 and, for (2, 1, 3, 4) against (1, 2, 3, 4), 1 - 6 * 2 / (4 * 15).
    for sign in (1, -1):
        assert effects.correlation("x", x, y, sign).value == pytest.approx(sign * (1 + 0.8) / 2)


@settings(max_examples=25, deadline=None)
@given(rounds=st.integers(2, 5), replicates=st.integers(1, 4), images=st.integers(2, 30), seed=st.integers(0, 99))
def test_rounds_are_chosen_on_other_replicates_and_other_images_than_they_are_measured_on(
    rounds, replicates, images, seed
):
    """Image by image in plain Python."""
    right = np.random.default_rng(seed).random((rounds, replicates, images)) < 0.5
    first = halves.first(images)

    def best(curve):
        return [int(np.argmax(curve)), int(np.argmin(curve))]

    where = crossfit.chosen(right, best)
    assert where.shape == (2, replicates, 2)
    for s in range(replicates):
        others = [o for o in range(replicates) if o != s] or [s]
        for h, half in enumerate((first, ~first)):
            members = np.flatnonzero(half)
            curve = [
                round(float(np.mean([np.mean([right[r, o, t] for t in members]) for o in others])), 12)
                for r in range(rounds)
            ]
            assert curve[where[h, s, 0]] == max(curve)
            assert curve[where[h, s, 1]] == min(curve)
    chosen = where[:, :, 0]
    picked = crossfit.picked(right, chosen)
    values = np.random.default_rng(seed).normal(size=(rounds, replicates))
    for s in range(replicates):
        for t in range(images):
            on_the_other = 1 if first[t] else 0
            assert picked[s, t] == right[chosen[on_the_other, s], s, t]
        mean = (values[chosen[0, s], s] + values[chosen[1, s], s]) / 2
        assert crossfit.at(values, chosen)[s] == pytest.approx(mean)


def test_where_there_is_validation_accuracy_it_chooses():
    right = np.zeros((3, 2, 10), dtype=bool)
    right[0] = True  # by test images it would be the first round
    validation = np.array([[0.1, 0.1], [0.9, 0.2], [0.2, 0.8]])
    where = crossfit.chosen(right, lambda curve: [int(np.argmax(curve))], validation)
    assert where[:, :, 0].tolist() == [[2, 1], [2, 1]]  # each by the other replicate's curve


def test_the_limit_over_pairs_is_the_highest_of_each_pairs_own():
    right = np.random.default_rng(0).random((9, 3, 60)) < np.linspace(0.2, 0.8, 9)[:, None, None]
    pairs = [(q, r) for q in range(9) for r in range(9) if q != r]  # 72: more than are looked at together
    limits = []
    for q, r in pairs:
        difference = 100 * (right[q].astype(float) - right[r].astype(float))
        limits.append(effects.upper(difference.mean(axis=1)[None], difference.mean(axis=0)[None]))
    assert crossfit.most_of_pairs(right, pairs) == pytest.approx(max(limits))
    assert crossfit.most_of_pairs(right, pairs[:5]) == pytest.approx(max(limits[:5]))
    assert crossfit.most(right[:4], right[5:]) == pytest.approx(
        max(limits[pairs.index((q, q + 5))] for q in range(4)), rel=1e-6
    )


def test_the_valley_is_the_lowest_up_to_the_sweet_spot():
    assert regimes.valley_and_sweet_spot(np.array([0.7, 0.6, 0.65, 0.9, 0.2])) == [1, 3]


def test_the_signs_of_claim_8_are_those_of_its_text():
    """Distance falls with sparsity and is lowest where test accuracy is highest; above re-dense, then below it."""
    regimes = ["trivial", "trivial", "high", "high", "high"]
    falling = np.array([9.0, 8.5, 6.0, 5.0, 4.0])[:, None] + np.array([0.0, 0.1, 0.2])
    flat = np.full((5, 3), 7.0)
    run = Evidence(
        noise=0.4,
        seeds=[0, 1, 2],
        rounds=[f"r{r:02d}" for r in range(5)],
        sparsity_R=np.array([0.0, 0.2, 0.6, 0.8, 0.9]),
        regime_R=regimes,
        models={},
        sparse={"from_start": falling, "test_last": 1 - falling / 10},
        redense={"from_start": flat},
        reinit={},
        right={},
        eigenvalue={"sparse": flat, "redense": 10 / falling},
        climb_RS=flat,
    )
    claim = claims.distances(run)
    assert claim.verdict == SUPPORTED
    # 8.6 - 7, and 7 - 5.1: means over replicates and rounds.
    assert [effect.value for effect in claim.effects] == pytest.approx([1, 1, 1.6, 1.9])
    upside_down = dataclasses.replace(run, sparse={"from_start": 14 - falling, "test_last": 1 - falling / 10})
    assert [effect.value for effect in claims.distances(upside_down).effects] == pytest.approx([-1, -1, -1.6, -1.9])
    sharp = claims.sharpness(run)
    # Sharper the sparser: rank correlation 1; and log of the mean of 10 / distance over the dense solution's 7.
    ratio = np.log((10 / falling[2:]).mean(axis=0) / 7).mean()
    assert [effect.value for effect in sharp.effects] == pytest.approx([1, ratio], abs=1e-5)
