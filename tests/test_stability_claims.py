"""Each claim in worlds where it holds, where its opposite does, and where the run cannot show it."""

import numpy as np
import pytest
from stability_worlds import run

from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.studies.stability import claims_beyond
from prunelab.studies.stability.claims_beyond import verdicts

FIRST = {f"S{i}" for i in range(1, 19)}


def tradeoff(sign):
    """Instability helps (or hurts), and so do noise, restoring and zeroing, the longer the better."""

    def worth(about, stable):
        if about.scheme == "scratch":
            return -0.02 * sign
        if about.temporary:
            return sign * (0.03 if about.batches > 1 else -0.01)
        return sign * (1 - stable) * (0.25 if about.scheme == "prune" else 0)

    return worth


def flat(sign):
    """Less stable is flatter (or sharper)."""
    return lambda about, stable: (5 + sign * 8 * (stable - 1), 4 + sign * 10 * (stable - 1), 0.2 - sign * (stable - 1))


def sweet(about, stable):
    """In between is best."""
    return 0.08 - 8 * (stable - 0.88) ** 2 if about.scheme == "prune" else 0


def verdict(number, evidence):
    return claims_beyond.CLAIMS[number](evidence).verdict


@pytest.mark.parametrize("number", ["S1", "S2", "S3", "S16"])
def test_instability_helps(number):
    assert verdict(number, run(tradeoff(1))) == SUPPORTED


@pytest.mark.parametrize("number", ["S1", "S2", "S3", "S6", "S7", "S16"])
def test_instability_hurts(number):
    assert verdict(number, run(tradeoff(-1))) == CONTRADICTED


@pytest.mark.parametrize("number", ["S1", "S2", "S3", "S6", "S16"])
def test_nothing_is_decided_by_noise(number):
    found = [verdict(number, run(seed=seed, one=0.02, tests=200, replicates=5)) for seed in range(20)]
    assert found.count(SUPPORTED) < 3  # one in forty
    assert found.count(UNDECIDED) > 10


def test_rate_and_stability():
    assert verdict("S4", run()) == SUPPORTED
    other = run()
    for row in other.run.arms:
        row["rate"] = -row["rate"]
    assert verdict("S4", other) == CONTRADICTED
    assert verdict("S4", run(**{"stability.periods": [1, 6]})) == UNDECIDED


@pytest.mark.parametrize("periods", [[1, 6, 80], [1, 3, 6, 80]])
def test_rate_and_accuracy(periods):
    def published(about, stable):
        sign = {"smallest": 1, "random": 1, "largest": -1}.get(about.target, 0)
        return sign * 0.03 * np.log(about.period) if about.scheme == "prune" and about.period < 80 else 0

    kind = {"stability.periods": periods}
    assert verdict("S5", run(published, **kind)) == SUPPORTED
    assert verdict("S5", run(lambda about, stable: -published(about, stable), **kind)) == CONTRADICTED
    assert verdict("S5", run(published, **{"stability.periods": [1, 80]})) == UNDECIDED
    assert verdict("S5", run(published, **{**kind, "stability.targets": ["smallest", "largest"]})) == UNDECIDED


def test_at_each_rate_and_less_so_at_high_rates():
    def weaker(about, stable):
        return (1 - stable) * (0.9 if about.period == 1 else 0.15) if about.scheme == "prune" else 0

    found = run(weaker, replicates=10, one=0.004, **{"stability.periods": [1, 6]})
    assert verdict("S6", found) == SUPPORTED


def test_a_sweet_spot():
    assert verdict("S7", run(sweet)) == SUPPORTED
    assert verdict("S7", run(lambda about, stable: -sweet(about, stable))) == CONTRADICTED
    found = claims_beyond.CLAIMS["S7"](run(tradeoff(-1)))
    assert found.effects[1].value < -0.5  # the ends are not in between: the most stable is better than any that is
    assert "most often" in found.effects[0].what
    few = run(sweet, **{"stability.periods": [1], "stability.targets": ["smallest", "largest"]})
    assert verdict("S7", few) == UNDECIDED


@pytest.mark.parametrize(("number", "scheme"), [("S8", "zeroing"), ("S9", "gaussian"), ("S11", "restore")])
def test_temporary_schemes(number, scheme):
    def as_well(about, stable):
        if about.temporary:
            return 0.03 if about.batches > 1 else 0.0
        return 0.03 if about.name == "largest-006" else 0.0

    many = {"tests": 4000, "replicates": 8, "one": 0.0003, "images": 0.01}
    assert verdict(number, run(as_well, **many)) == SUPPORTED
    assert verdict(number, run(tradeoff(-1), **many)) == CONTRADICTED
    assert verdict(number, run(as_well, **{"stability.temporary": []})) == UNDECIDED
    alone = [name for name in ("zeroing-50", "gaussian-50", "restore-50") if name.startswith(scheme)]
    found = verdicts(run(as_well, **many, **{"stability.temporary": alone}))[number]
    assert found.verdict == SUPPORTED


def test_as_well_is_not_much_better():
    """30 points above the pruned arm is not as well as it."""

    def better(about, stable):
        return 0.1 if about.temporary and about.batches > 1 else 0.03 if about.name == "largest-006" else 0.0

    found = verdicts(run(better))
    assert found["S11"].verdict == CONTRADICTED
    assert found["S9"].verdict == SUPPORTED  # which the claim on noise does not ask


def test_within_a_margin_by_hand():
    for values, inside in (([0.1, 0.2, 0.3], True), ([1.9, 2.0, 2.1], False)):
        between, reversed_ = (
            claims_beyond.effects.of_replicates("", sign * np.array(values), "points") for sign in (1, -1)
        )
        found = claims_beyond._within("", between, reversed_, 0.5)
        low, high = between.both
        assert found.value == pytest.approx(0.5 - values[1])
        assert found.both == pytest.approx((0.5 - high, 0.5 if low <= 0 else 0.5 - low))
        assert -reversed_.most < low  # a limit of 98.75%, on both sides
        assert found.most == pytest.approx(0.5 if inside else 0.5 + reversed_.most)
        assert found.fails == (not inside)


def test_what_came_back_was_used():
    assert verdict("S10", run(reliance=(0.3, 0.1))) == SUPPORTED
    assert verdict("S10", run(reliance=(0.1, 0.3))) == CONTRADICTED  # less than the same places of any network
    assert verdict("S10", run(reliance=(0.0, -0.2))) == CONTRADICTED
    assert verdict("S10", run(**{"stability.temporary": ["gaussian-9"]})) == UNDECIDED


def test_flatness():
    flatter = run(tradeoff(1), flat=flat(1))
    assert (verdict("S12", flatter), verdict("S13", flatter)) == (SUPPORTED, SUPPORTED)
    sharper = run(tradeoff(1), flat=flat(-1))
    assert (verdict("S12", sharper), verdict("S13", sharper)) == (CONTRADICTED, CONTRADICTED)
    assert {verdict(number, run(tradeoff(1))) for number in ("S12", "S13")} == {UNDECIDED}


def test_a_step_that_never_raises_the_loss_enough_counts_as_the_next_one():
    found = run(flat=flat(1))
    found.run.tables["flatness"][0]["epsilon"] = None
    arm = found.run.flat_arms[0]
    assert found.run.flatness([arm], "epsilon")[0, 0] == pytest.approx(0.405)
    found.run.tables["flatness"][1]["eigenvalue_sum"] = -1.0
    assert verdict("S12", found) == UNDECIDED


def test_replicates_whose_flatness_was_not_measured_do_not_count():
    whole, part = run(tradeoff(1), flat=flat(1)), run(tradeoff(1), flat=flat(1))
    part.run.tables["flatness"][:] = [row for row in part.run.tables["flatness"] if row["seed"] < 4]
    of_whole, of_part = claims_beyond.flatter(whole), claims_beyond.flatter(part)
    assert of_whole.verdict == of_part.verdict == SUPPORTED
    assert of_whole.effects[2].both != of_part.effects[2].both  # of four replicates, not six
    assert np.isnan(part.run.flatness(["none"], "epsilon")[0, 4:]).all()


def test_flatness_is_related_over_the_arms_of_the_papers_figure():
    found = run(flat=flat(1))
    gradual = [f"{target}-{period}" for target in ("smallest", "random", "largest") for period in ("001", "006")]
    assert found.run.of_figure_6 == ["none", "scratch", *gradual]
    assert "smallest-080" in found.run.flat_arms


def test_halves_are_different_ones():
    """Luck that stability and accuracy share on one half of the images is none on the other."""
    found = run(replicates=8)
    rng = np.random.default_rng(0)
    for row in found.run.arms:
        for half in ("first", "second"):
            luck = rng.normal()
            row[f"stability_{half}"], row[f"test_{half}"] = 0.9 - 0.01 * luck, 0.7 + 0.01 * luck
    assert verdict("S16", found) != SUPPORTED
    assert abs(claims_beyond.CLAIMS["S16"](found).effects[0].value) < 0.6


def test_as_well_as_needs_what_it_is_held_against():
    found = claims_beyond.CLAIMS["S8"](run(tradeoff(1), **{"stability.targets": ["smallest"]}))
    assert found.verdict == UNDECIDED
    assert found.needs == {"stability.targets": ["smallest", "largest"]}
    assert "largest-006" in found.why


def test_correlations_with_the_rate_end_at_1():
    for effect in claims_beyond.CLAIMS["S4"](run()).effects:
        assert effect.both[1] == effect.most == 1


def test_claims_of_other_settings():
    usual, memory = verdicts(run(tradeoff(1))), run(tradeoff(1), noise=0.4)
    assert {usual[number].verdict for number in ("S14", "S15", "S17", "S18")} == {UNDECIDED}
    assert usual["S15"].needs == {"setting": "cifar10_resnet18_traditional"}
    assert usual["S17"].needs == {"noise": 0.4}
    assert verdict("S17", memory) == SUPPORTED
    assert verdict("S17", run(tradeoff(-1), noise=0.4)) == CONTRADICTED
    assert verdict("S18", run(tradeoff(1), **{"stability.structure": "weights"})) == SUPPORTED
    shrinks = run(tradeoff(1), traditional=True)
    assert verdict("S15", shrinks) == SUPPORTED
    assert verdict("S15", run(tradeoff(-1), traditional=True)) == CONTRADICTED


def test_a_verdict_names_arms_that_do_not_fit():
    """The paper's claims are of arms that all do."""
    found = verdicts(run(tradeoff(1), train=lambda about, stable: 1.0 if stable > 0.95 else 0.9))
    for number in ("S1", "S2", "S3", "S5", "S6", "S7", "S16"):
        assert found[number].caution.startswith("arms differ in how much they fit: train accuracy 90.0% to 100.0%")
        assert "99.5%" in found[number].caution
    assert found["S1"].effects[-1].what.startswith("beside: -r of train and test")
    assert found["S4"].caution == ""
    fits = verdicts(run(tradeoff(1), train=lambda about, stable: 0.996))
    assert not any(claim.caution for claim in fits.values())


def test_one_replicate_decides_nothing():
    found = verdicts(run(tradeoff(1), replicates=1, flat=flat(1), noise=0.4))
    assert {claim.verdict for claim in found.values()} == {UNDECIDED}
    assert found["S1"].needs == {"seeds": "more replicates"}
    assert all("seeds" in claim.needs or "setting" in claim.needs for claim in found.values())


@pytest.mark.parametrize(
    "changes",
    [
        {"stability.targets": []},
        {"stability.targets": ["random"]},
        {"stability.controls": [], "stability.temporary": []},
        {"stability.periods": [80]},
        {"stability.periods": [4, 40]},
    ],
)
def test_runs_that_are_too_short_for_most(changes):
    """What they need then decides it, or is another setting."""
    found = verdicts(run(tradeoff(1), **changes))
    assert {*found} == FIRST
    for number, claim in found.items():
        assert claim.verdict != UNDECIDED or claim.needs
        if claim.verdict != UNDECIDED or number in ("S14", "S15", "S17", "S18") or "seeds" in claim.needs:
            continue
        again = claims_beyond.CLAIMS[number](run(tradeoff(1), flat=flat(1), **{**changes, **_given(claim.needs)}))
        assert again.effects, f"{number}: {claim.needs} does not give what it needs"


def _given(needs):
    """As parameters; which arms' flatness is measured the world decides."""
    return {name: value for name, value in needs.items() if name != "flatness.arms"}
