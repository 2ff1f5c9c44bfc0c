"""Verdicts on runs whose answer is known."""

import json

import numpy as np
import pytest

from prunelab.analysis import claims, evidence, verdicts
from prunelab.analysis.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.figures.claims import page, short

R, S, T = 9, 3, 200
REGIMES = ["trivial"] * 3 + ["critical"] * 2 + ["high"] * 4
# dense, low, low, valley, rising, high, sweet spot, high, end
TEST = [0.72, 0.72, 0.71, 0.66, 0.72, 0.80, 0.87, 0.85, 0.70]


def curve(values, spread=0.004, seed=0):
    """[R, S] around a curve."""
    noise = np.random.default_rng(seed).normal(size=(R, S)) * spread
    return np.array(values, dtype=float)[:, None] + noise


def only(values, rounds):
    result = np.full((R, S), np.nan)
    result[rounds] = values[rounds]
    return result


def run(**changes):
    """A run as the paper describes it."""
    sparse = {
        "train": curve([1, 1, 1, 0.97, 0.9, 0.8, 0.7, 0.65, 0.6]),
        "test_last": curve(TEST),
        "permuted": curve([1, 1, 1, 0.9, 0.5, 0.2, 0.1, 0.1, 0.1]),
        "unpermuted": curve([1, 1, 1, 0.99, 0.97, 0.95, 0.94, 0.9, 0.8]),
        "restored": curve([0.1, 0.1, 0.1, 0.1, 0.3, 0.7, 0.85, 0.85, 0.7]),
        "from_start": curve([12, 12.2, 12.5, 12.8, 12, 10, 8, 7, 6], 0.05),
    }
    some = [0, 2, 5, 6, 7]
    redense = {
        "permuted": only(curve([1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5]), some),
        "from_start": only(curve([11, 11, 11, 12, 12.5, 12, 11, 10, 9], 0.05), some),
        "test_last": only(curve(TEST), some),
    }
    luck = np.random.default_rng(0).random((S, T))  # an easy example is easy in every round
    right = {r: luck < TEST[r] for r in (0, 3, 6, 8)}
    values = {
        "noise": 0.4,
        "rounds": [f"r{r:02d}" for r in range(R)],
        "sparsity_R": 1 - 0.5 ** np.arange(R),
        "regime_R": REGIMES,
        "models": {"dense": 0, "valley": 3, "sweet_spot": 6, "end": 8},
        "sparse": sparse,
        "redense": redense,
        "reinit": {"test_last": only(curve([v + 0.02 for v in TEST]), [6, 7])},
        "right": right,
        "eigenvalue": {
            "sparse": only(curve([1, 1, 1, 1, 1, 2, 2, 2, 2], 0.01), some),
            "redense": only(curve([0.5, 1, 2, 3, 4, 5, 6, 7, 8], 0.01), some),
        },
        "climb_RS": only(curve([0.0] * R, 0.0), some),
    }
    return evidence.Run(**(values | changes))


def verdict(number, **changes):
    return verdicts.verdicts(run(**changes))[str(number)].verdict


@pytest.mark.parametrize("number", [1, 2, 3, 6, 7, 8, 9])
def test_the_papers_own_run_supports_its_claims(number):
    assert verdict(number) == SUPPORTED


@pytest.mark.parametrize("number", [4, 5])
def test_comparisons_of_runs_name_the_runs(number):
    claim = verdicts.verdicts(run())[str(number)]
    assert claim.verdict == UNDECIDED
    assert claim.decide_with.startswith("uv run dvc exp run --queue -S ")


def test_without_noise_claim_1_is_another():
    claim = verdicts.verdicts(run(noise=0.0))["1"]
    assert claim.verdict == UNDECIDED
    assert "noise=0.4" in claim.decide_with


@pytest.mark.parametrize("number", [1, 2, 3, 6, 7, 8, 9])
def test_a_run_too_short_decides_nothing(number):
    models = {"dense": 0, "valley": 2, "sweet_spot": 3, "end": 3}
    claim = verdicts.verdicts(run(regime_R=["trivial"] * R, models=models))[str(number)]
    assert claim.verdict == UNDECIDED
    assert "n_rounds" in claim.decide_with


def test_what_is_not_so_is_contradicted():
    base = run()
    flat = base.sparse | {"test_last": curve([0.7] * R, 0.0005)}
    assert verdict(1, sparse=flat, right={}) == CONTRADICTED
    assert verdict(2, models={"dense": 0, "valley": 1, "sweet_spot": 6, "end": 8}) == CONTRADICTED
    assert verdict(3, sparse=base.sparse | {"restored": curve([0.1] * R)}) == CONTRADICTED
    assert verdict(6, climb_RS=only(curve([0.3] * R, 0.0), [0, 5, 6])) == CONTRADICTED
    falling = {"sparse": base.eigenvalue["sparse"], "redense": base.eigenvalue["redense"][::-1]}
    assert verdict(7, eigenvalue={k: only(v, [0, 5, 6]) for k, v in falling.items()}) != SUPPORTED
    low = {"from_start": base.redense["from_start"] + 5}
    assert verdict(8, redense=base.redense | low) == CONTRADICTED
    assert verdict(9, reinit={"test_last": only(curve([v - 0.1 for v in TEST]), [6, 7])}) == CONTRADICTED


def test_one_replicate_is_decided_by_test_examples_or_not_at_all():
    one = run()
    single = {
        name: {k: v[:, :1] for k, v in getattr(one, name).items()}
        for name in ("sparse", "redense", "reinit", "eigenvalue")
    }
    rows = {"right": {r: v[:1] for r, v in one.right.items()}, "climb_RS": one.climb_RS[:, :1]}
    found = verdicts.verdicts(run(**single, **rows))
    assert found["1"].effects[0].replicates is None
    assert found["1"].effects[0].test_examples is not None
    assert found["9"].verdict == UNDECIDED  # no interval at all


def test_intervals_hold_the_mean_as_often_as_they_say():
    """95% intervals of a normal mean, n = 40: scipy's bootstrap covers it in 90% or more of 200 draws."""
    rng = np.random.default_rng(0)
    inside = 0
    for _ in range(200):
        low, high = claims.interval(rng.normal(size=40))
        inside += low < 0 < high
    assert inside >= 180
    assert claims.interval(np.array([1.0])) is None
    assert claims.interval(np.array([2.0, 2.0, 2.0])) == (2.0, 2.0)


def test_they_can_be_stored_and_read():
    stored = json.loads(json.dumps(verdicts.as_json(verdicts.verdicts(run())), allow_nan=False))
    text = page(stored, "a run")
    assert text.count("## Claim") == 9
    assert "| fall into the valley: dense - valley |" in text
    assert short(stored).splitlines() == ["claims supported: 1, 2, 3, 6, 7, 8, 9", "claims not decidable: 4, 5"]
