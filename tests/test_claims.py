"""Verdicts on runs whose answer is known."""

import json
from dataclasses import replace

import numpy as np
import pytest

from prunelab.judging import deciding
from prunelab.judging.claim import CONTRADICTED, MORE_REPLICATES, SUPPORTED, UNDECIDED
from prunelab.judging.page import page, short
from prunelab.studies.sdd import claims, evidence

R, S, T = 9, 5, 400
REGIMES = ["trivial"] * 3 + ["critical"] * 2 + ["high"] * 4
# dense, low, low, valley, rising, high, sweet spot, high, end
TEST = [0.72, 0.72, 0.71, 0.62, 0.66, 0.80, 0.87, 0.85, 0.70]
SETTINGS = {"setting": "digits", "noise": 0.4, "seeds": list(range(S)), "n_rounds": 8, "prune.fraction": 0.2}
SETTINGS |= {"redense.every": 4, "reinit.every": 6, "landscape.every": 2}


def curve(values, spread=0.004, seed=0, replicates=S):
    """[R, S] around a curve."""
    noise = np.random.default_rng(seed).normal(size=(len(values), replicates)) * spread
    return np.array(values, dtype=float)[:, None] + noise


def answers(accuracy_RS, images=T, seed=0):
    """Right answers with these accuracies: an easy image is easy in every round."""
    luck = np.random.default_rng(seed).permutation((np.arange(images) + 0.5) / images)
    return luck < np.asarray(accuracy_RS)[:, :, None]


def only(values, rounds):
    result = np.full(values.shape, np.nan)
    result[rounds] = values[rounds]
    return result


def run(replicates=S, **changes):
    """A run as the paper describes it."""

    def near(values, spread=0.004):
        return curve(values, spread, replicates=replicates)

    some = [0, 2, 5, 6, 7]
    last = near(TEST)
    sparse = {
        "train": near([1, 1, 1, 0.97, 0.9, 0.8, 0.7, 0.65, 0.6]),
        "test_last": last,
        "permuted": near([1, 1, 1, 0.9, 0.5, 0.2, 0.1, 0.1, 0.1]),
        "unpermuted": near([1, 1, 1, 0.99, 0.97, 0.95, 0.94, 0.9, 0.8]),
        "restored": near([0.1, 0.1, 0.1, 0.1, 0.3, 0.7, 0.85, 0.85, 0.7]),
        "from_start": near([12, 12.2, 12.5, 12.8, 12, 10, 8, 7, 6], 0.05),
        "validation": np.full(last.shape, np.nan),
    }
    redense = {
        "permuted": only(near([1, 1, 1, 1, 0.9, 0.8, 0.7, 0.6, 0.5]), some),
        "from_start": only(near([11, 11, 11, 12, 12.5, 12, 11, 10, 9], 0.05), some),
    }
    again = only(near([v + 0.02 for v in TEST]), [6, 7])
    values = {
        "noise": 0.4,
        "seeds": list(range(replicates)),
        "rounds": [f"r{r:02d}" for r in range(R)],
        "sparsity_R": 1 - 0.5 ** np.arange(R),
        "regime_R": REGIMES,
        "models": {"dense": 0, "valley": 3, "sweet_spot": 6, "end": 8},
        "sparse": sparse,
        "redense": redense,
        "reinit": {"test_last": again},
        "right": {"last": answers(last), "best": answers(last), "reinit": answers(again)},
        "eigenvalue": {
            "sparse": only(near([1, 1, 1, 1, 1, 2, 2, 2, 2], 0.01), some),
            "redense": only(near([0.5, 1, 2, 3, 4, 5, 6, 7, 8], 0.01), some),
        },
        "climb_RS": only(near([0.0] * R, 0.0), some),
    }
    return evidence.Evidence(**(values | changes))


def with_test(values, spread=0.004, **changes):
    """The same with other last test accuracies."""
    base = run(**changes)
    last = curve(values, spread, replicates=len(base.seeds))
    return replace(base, sparse=base.sparse | {"test_last": last}, right=base.right | {"last": answers(last)})


def verdict(number, **changes):
    return claims.verdicts(run(**changes))[str(number)].verdict


@pytest.mark.parametrize("number", [1, 2, 3, 6, 7, 8, 9])
def test_the_papers_own_run_supports_its_claims(number):
    assert verdict(number) == SUPPORTED


@pytest.mark.parametrize(("number", "effect", "expected"), [("1", 0, 10), ("1", 1, 25), ("1", 2, 17), ("3", 0, 15)])
def test_effects_are_the_differences_that_were_put_in(number, effect, expected):
    found = claims.verdicts(run())[number].effects[effect]
    assert found.value == pytest.approx(expected, abs=0.7)
    assert found.both[0] < expected < found.both[1]
    assert found.both[0] <= min(found.replicates[0], found.test_examples[0])
    assert found.most > found.both[1]


def test_claim_2_compares_means_over_the_regimes():
    found = claims.verdicts(run())["2"].effects
    last = run().right["last"].mean(axis=(1, 2))
    assert found[0].value == pytest.approx(100 * (last[1:3].mean() - last[3:5].mean()), abs=1e-4)
    assert found[1].value == pytest.approx(100 * (last[5:].mean() - last[3:5].mean()), abs=1e-4)


@pytest.mark.parametrize("number", ["1", "2", "3", "6", "7", "8", "9"])
def test_one_replicate_decides_nothing_and_asks_for_others(number):
    claim = claims.verdicts(run(replicates=1))[number]
    assert claim.verdict == UNDECIDED
    assert claim.needs == {"seeds": MORE_REPLICATES}
    assert all(effect.replicates is None for effect in claim.effects)


@pytest.mark.parametrize("number", ["4", "5"])
def test_comparisons_of_runs_name_the_runs(number):
    claim = deciding.as_json(claims.verdicts(run()), SETTINGS)[number]
    assert claim["verdict"] == UNDECIDED
    expected = {"4": "noise=0.2,0.6", "5": "prune.criterion=magnitude,gradient,random"}[number]
    assert claim["decide_with"].startswith("uv run prunelab queue ")
    assert claim["decide_with"].split()[-1] == expected


def clean(one):
    """The same without a permuted label."""
    return replace(one, sparse=one.sparse | {"permuted": np.full((R, S), np.nan)})


def test_without_noise_claim_1_is_another():
    claim = claims.verdicts(clean(run(noise=0.0)))["1"]
    assert claim.verdict == UNDECIDED
    assert claim.needs == {"noise": 0.4}
    assert "there is one nevertheless" in claim.why
    flat = claims.verdicts(clean(with_test([0.7] * R, spread=0.0, noise=0.0)))["1"]
    assert "none, as claimed" in flat.why


def test_wrong_labels_that_the_data_brought_are_noise_like_any_other():
    assert claims.verdicts(run(noise=0.0))["1"].verdict == SUPPORTED


@pytest.mark.parametrize("number", [1, 2, 3, 6, 7, 8, 9])
def test_a_run_too_short_decides_nothing(number):
    models = {"dense": 0, "valley": 2, "sweet_spot": 3, "end": 3}
    claim = claims.verdicts(run(regime_R=["trivial"] * R, models=models))[str(number)]
    assert claim.verdict == UNDECIDED
    assert "n_rounds" in claim.needs


def test_what_is_not_so_is_contradicted():
    base = run()
    rising = with_test([0.7, 0.71, 0.72, 0.75, 0.78, 0.8, 0.85, 0.83, 0.7])
    assert claims.verdicts(rising)["1"].verdict == CONTRADICTED
    early = with_test([0.72, 0.64, 0.62, 0.70, 0.70, 0.80, 0.87, 0.85, 0.70])
    assert claims.verdicts(early)["2"].verdict == CONTRADICTED
    assert verdict(3, sparse=base.sparse | {"restored": curve([0.1] * R)}) == CONTRADICTED
    climbing = only(curve([0.3] * R, 0.01, replicates=10), [0, 5, 6])
    assert verdict(6, replicates=10, climb_RS=climbing) == CONTRADICTED
    falling = {"sparse": base.eigenvalue["sparse"], "redense": base.eigenvalue["redense"][::-1]}
    assert verdict(7, eigenvalue={k: only(v, [0, 5, 6]) for k, v in falling.items()}) != SUPPORTED
    low = {"from_start": base.redense["from_start"] + 5}
    assert verdict(8, redense=base.redense | low) == CONTRADICTED
    worse = only(curve([v - 0.1 for v in TEST]), [6, 7])
    assert verdict(9, right=base.right | {"reinit": answers(worse)}) == CONTRADICTED


def test_a_path_that_climbs_in_one_replicate_of_five_leaves_claim_6_open():
    climbs = only(curve([0.0] * R, 0.0), [0, 5, 6])
    climbs[[5, 6], 0] = 0.4
    assert verdict(6, climb_RS=climbs) == UNDECIDED


def test_what_would_decide_it_is_a_command_for_this_run():
    """Its own setting and overrides, other seeds than it has, more rounds than it has."""
    mine = {**SETTINGS, "setting": "digits_quick", "noise": 0.6, "seeds": [0, 3], "prune.fraction": 0.5}
    base = "uv run dvc exp run -S setting=digits_quick -S noise=0.6 -S prune.fraction=0.5"
    same = {name: mine[name] for name in ("setting", "noise", "prune.fraction")}
    quick = {"seeds": [0], "n_rounds": 12, "redense.every": 6, "reinit.every": 0, "landscape.every": 0} | same
    assert deciding.command({"seeds": MORE_REPLICATES}, quick | {"seeds": [0, 3]}).split(" -S ")[1:] == [
        "setting=digits_quick",
        "noise=0.6",
        "'seeds=[4,5,6,7,8]'",
        "prune.fraction=0.5",
    ]
    # 0.5 ** 4 < 0.1: four rounds more leave less than a tenth.
    assert deciding.command({"n_rounds": "more rounds"}, quick) == base.replace(" -S prune", " -S n_rounds=16 -S prune")
    assert "landscape.every=1" in deciding.command({"landscape.every": 1}, quick)
    assert "n_rounds=16" in deciding.command({"redense.every": 6}, quick)  # it has that: what it lacks is rounds
    grid = deciding.command({"noise": [0.2, 0.4]}, quick)
    assert grid == "uv run prunelab queue setting=digits_quick prune.fraction=0.5 noise=0.2,0.4"


def test_they_can_be_stored_and_read():
    stored = json.loads(json.dumps(deciding.as_json(claims.verdicts(run()), SETTINGS), allow_nan=False))
    text = page([("a run", stored)], "Claims")
    assert text.startswith("# Claims\n")
    assert text.count("## Claim") == 9
    assert "| fall into the valley: dense - valley |" in text
    assert short(stored).splitlines() == ["claims supported: 1, 2, 3, 6, 7, 8, 9", "claims not decidable: 4, 5"]


def test_networks_that_only_guess_match_each_other_and_that_shows_nothing():
    """Pruned to nothing, a ticket and its re-initialisation both answer one class always."""
    dead = [*TEST[:6], *[0.1] * (len(TEST) - 6)]
    right = {"reinit": with_test(dead, spread=0.0).right["last"]}
    for chance, expected in ((0.1, UNDECIDED), (0.01, SUPPORTED)):
        one = with_test(dead, spread=0.0, chance=chance)
        assert claims.verdicts(replace(one, right=one.right | right))["9"].verdict == expected
