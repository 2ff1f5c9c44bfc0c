"""Correlation within replicates: closed forms, invariances, and intervals that cover where the answer is known."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from prunelab.judging import within
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED, judged

EIGHTHS = st.integers(-40, 40).map(lambda number: number / 8)  # which add up exactly
TABLES = arrays(float, (3, 4), elements=EIGHTHS)


@given(TABLES, TABLES, arrays(float, (1, 4), elements=EIGHTHS))
def test_levels_of_replicates_do_not_matter(x, y, levels):
    assert within.z(x, y) == pytest.approx(within.z(x + levels, y - levels), abs=1e-5)


def test_one_replicate_is_pearsons_r_and_several_are_that_of_what_is_left():
    rng = np.random.default_rng(0)
    x, y = rng.normal(size=(2, 6, 5))
    assert within.correlation(x[:, :1], y[:, :1]) == pytest.approx(np.corrcoef(x[:, 0], y[:, 0])[0, 1])
    left = [(table - table.mean(axis=0)).ravel() for table in (x, y)]
    assert within.correlation(x, y) == pytest.approx(np.corrcoef(*left)[0, 1])


def test_pooled_runs_may_say_the_opposite():
    """Replicates that are better are stabler, arms that are stabler are worse: Simpson."""
    levels, arms = np.array([[0.0, 10, 20, 30]]), np.array([[0.0], [1], [2]])
    x, y = levels + arms, levels - arms
    assert within.correlation(x, y) == pytest.approx(-1)
    assert within.pooled(x, y).r > 0.9


def test_a_constant_has_no_correlation():
    some = np.random.default_rng(0).normal(size=(3, 4))
    assert within.correlation(np.ones((3, 4)), some) is None
    assert within.z(some, np.ones((3, 4))) == 0
    assert within.pooled(np.ones((3, 2)), np.arange(6.0).reshape(3, 2)) is None


def test_what_is_not_there_does_not_count():
    x, y = np.random.default_rng(3).normal(size=(2, 4, 5))
    gone = y.copy()
    gone[2] = np.nan
    rest = [0, 1, 3]
    assert within.correlation(x, gone) == pytest.approx(within.correlation(x[rest], y[rest]))
    assert within.pooled(x, gone).r == pytest.approx(np.corrcoef(x[rest].ravel(), y[rest].ravel())[0, 1])


def world(rng, arms, replicates, slope, *, heavy=False):
    """Arms that differ in x, replicates that differ in level, noise in both."""
    noise = rng.standard_t(3, (arms, replicates)) if heavy else rng.normal(size=(arms, replicates))
    x = np.linspace(-1, 1, arms)[:, None] + 0.3 * rng.normal(size=(arms, replicates))
    y = slope * x + 2 * rng.normal(size=(1, replicates)) + noise
    return x, y


@pytest.mark.parametrize(("arms", "replicates"), [(3, 5), (6, 5), (3, 10)])
@pytest.mark.parametrize(("slope", "heavy"), [(0, False), (-0.5, False), (-2, False), (0, True), (-2, True)])
def test_intervals_cover(arms, replicates, slope, heavy):
    rng = np.random.default_rng(7)
    truth = within.correlation(*world(rng, arms, 100_000, slope, heavy=heavy))
    hits, wrong, tries = 0, 0, 400
    for _ in range(tries):
        found = within.effect("r", [world(rng, arms, replicates, slope, heavy=heavy)], 1)
        low, high = found.replicates
        hits += low <= truth <= high
        wrong += judged("x", [found]).verdict == (SUPPORTED if slope <= 0 else CONTRADICTED)
    assert hits / tries > (0.84 if heavy else 0.91)  # 0.87, 0.95 but for three standard errors
    assert wrong / tries < 0.06


def test_verdicts_of_correlations():
    rng = np.random.default_rng(1)
    steep = [world(rng, 3, 8, -6)]
    assert judged("x", [within.effect("-r", steep, -1)]).verdict == SUPPORTED
    assert judged("x", [within.effect("r", steep, 1)]).verdict == CONTRADICTED
    assert judged("x", [within.effect("r", [world(rng, 3, 5, 0)], 1)]).verdict == UNDECIDED
    alone = within.effect("r", [world(rng, 3, 1, -3)], 1)
    assert alone.replicates is None
    assert judged("x", [alone]).verdict == UNDECIDED


def test_of_two_pairs_the_mean_and_of_two_correlations_the_difference():
    rng = np.random.default_rng(2)
    one, two = world(rng, 4, 6, -1), world(rng, 4, 6, 1)
    both = within.effect("r", [one, two], 1)
    assert both.value == pytest.approx(np.tanh((within.z(*one) + within.z(*two)) / 2), abs=1e-5)
    apart = within.difference("z", two, one)
    assert apart.value == pytest.approx(within.z(*two) - within.z(*one), abs=1e-5)
    assert within.difference("z", one, one).value == 0
