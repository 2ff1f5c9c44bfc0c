"""What the paper says of temporary schemes, S8 to S11, and of flatness, S12 and S13; all verdicts of a run."""

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.judging import effects, within
from prunelab.judging.claim import MORE_REPLICATES, Claim, judged, undecided
from prunelab.judging.effects import Effect, Interval
from prunelab.studies.stability import claims
from prunelab.studies.stability.claims import LARGEST, Evidence, guarded
from prunelab.studies.stability.parameters import ALL, NONE, SCRATCH, TARGETS
from prunelab.studies.stability.shown import Array

# Within so many points two schemes do as well; with many test images, within fewer.
AS_WELL, AS_WELL_OF_MANY = 0.5, 0.2


def zeroing(run: Evidence) -> Claim:
    """S8."""
    text = "Removal need not be permanent: filters that are zero for a while and train on do as well."
    return _temporary(run, text, "zeroing", 50)


def gaussian(run: Evidence) -> Claim:
    """S9."""
    text = "Nor need it be removal: Gaussian noise, held long enough, does it, too."
    return _temporary(run, text, "gaussian", 50, as_well=False)


def restored(run: Evidence) -> Claim:
    """S11."""
    text = "Filters that come back with their old values do as well."
    return _temporary(run, text, "restore", 50)


def _temporary(run: Evidence, text: str, scheme: str, batches: int, *, as_well: bool = True) -> Claim:
    """Better than nothing done, as good as removal, and better held long than for one batch, where there is that."""
    arms = sorted(run.run.of(scheme), key=lambda arm: run.run.about(arm)["batches"])
    if not arms:
        return undecided(text, f"no arm is {scheme}", {"stability.temporary": [f"{scheme}-1", f"{scheme}-{batches}"]})
    longest, period = arms[-1], run.run.about(arms[-1])["period"]
    large = f"{LARGEST}-{period:03d}"
    if as_well and large not in run.run.names:
        targets = [name for name in TARGETS if name in (LARGEST, *run.run.settings.targets)]
        return undecided(text, f"there is no {large} to hold it against", {"stability.targets": targets})
    found = [run.accuracy(f"accuracy: {longest} - {NONE}", longest, NONE)]
    if as_well:
        margin = AS_WELL if run.least == effects.LEAST else AS_WELL_OF_MANY
        both_ways = run.accuracy("", longest, large), run.accuracy("", large, longest)
        found.append(_within(f"{margin:g} - |accuracy: {longest} - {large}|", *both_ways, margin))
    if len(arms) > 1:
        found.append(run.accuracy(f"accuracy: {longest} - {arms[0]}", longest, arms[0]))
    return guarded(judged(text, found), run, [NONE, longest, *([large] if as_well else [])])


def _within(what: str, between: Effect, reversed_: Effect, margin: float) -> Effect:
    """How far inside a margin on both sides a difference lies, given both ways; positive where it is within."""

    def inside(interval: Interval | None) -> Interval | None:
        if interval is None:
            return None
        low, high = interval
        nearest = 0.0 if low <= 0 <= high else min(abs(low), abs(high))
        return margin - max(abs(low), abs(high)), margin - nearest

    widest = None if between.most is None or reversed_.most is None else (-reversed_.most, between.most)
    most = inside(widest)
    return Effect(
        what,
        margin - abs(between.value),
        "points",
        inside(between.replicates),
        inside(between.test_examples),
        inside(between.both),
        None if most is None else most[1],
    )


def relied_upon(run: Evidence) -> Claim:
    """S10."""
    text = "What came back was used: removing it at the end costs more than the same places of an unpruned network."
    arms = [arm for scheme in ("zeroing", "restore") for arm in run.run.of(scheme)]
    longest = {run.run.about(arm)["scheme"]: arm for arm in sorted(arms, key=lambda a: run.run.about(a)["batches"])}
    if not longest:
        return undecided(text, "no arm is zeroing or restore", {"stability.temporary": ["zeroing-50", "restore-50"]})
    found = []
    for arm in longest.values():
        cost, of_none = (100 * run.run.values(arm, name) for name in ("reliance", "reliance_of_none"))
        found.append(effects.of_replicates(f"accuracy lost, {arm}", cost, "points", least=AS_WELL))
        found.append(effects.of_replicates(f"accuracy lost, {arm} - {NONE}", cost - of_none, "points"))
    return judged(text, found)


def flatter(run: Evidence) -> Claim:
    """S12."""
    text = "Less stable pruning ends flatter, in parameters and from example to example."
    signs = {"log H": 1, "log C": 1, "epsilon": -1, "log trace": 1}
    return _of_flatness(run, text, "stability", signs)


def flatter_is_better(run: Evidence) -> Claim:
    """S13."""
    text = "Flatter ends generalise better, and so do those of a smaller TIC proxy."
    signs = {"log H": -1, "log C": -1, "log TIC": -1, "epsilon": 1, "log TIC by trace": -1}
    return _of_flatness(run, text, "test", signs)


def _of_flatness(run: Evidence, text: str, column: str, signs: Mapping[str, int]) -> Claim:
    """Correlations of a column with measures of flatness; the last of them is shown only.

    Of replicates all of whose arms were measured: others were run without.
    """
    arms = run.run.of_figure_6
    if len(arms) < 3:
        why = "flatness was measured of fewer than three arms that are unpruned, or pruned gradually"
        return undecided(text, why, _with_flatness(run))
    there: NDArray[np.bool_] = np.array([np.isfinite(one).all() for one in run.run.flat(arms, "trace").T])
    values = run.run.table(arms, column)[:, there]
    *found, more = (_flat(run, arms, name, column, values, there, sign) for name, sign in signs.items())
    claim = judged(text, found)
    name, sign = next(iter(signs.items()))
    some = [arm for arm in arms if run.run.about(arm)["events"]]
    beside = [more]
    if 1 < len(some) < len(arms):  # without those that are stable by definition
        beside.append(_flat(run, some, name, column, run.run.table(some, column)[:, there], there, sign))
    shown = [replace(effect, what=f"beside: {effect.what}") for effect in beside]
    return guarded(replace(claim, effects=[*claim.effects, *shown]), run, arms)


def _with_flatness(run: Evidence) -> dict[str, Any]:
    """The arms of the paper's Figure 6, as far as this run has them."""
    of_run = run.run
    gradual = [name for name in of_run.pruned if not of_run.one_shot(name)]
    arms = [name for name in of_run.names if name in (NONE, SCRATCH, *gradual)]
    return {"flatness.arms": arms} if len(arms) > 2 else {**run.more_periods(), "flatness.arms": [ALL]}


def _flat(
    run: Evidence, arms: list[str], name: str, with_: str, values_AS: Array, there_S: NDArray[np.bool_], sign: int
) -> Effect:
    found = run.run.flatness(arms, name)[:, there_S]
    words = f"{'-' if sign < 0 else ''}r of {with_} and {name}, {len(arms)} arms"
    if np.isnan(found).any():  # a sum that is not above zero has no logarithm
        return Effect(f"{words}: not above 0 in {int(np.isnan(found).sum())} runs", 0.0, "correlation")
    return within.effect(f"{words} ({claims.published(values_AS, found)})", [(values_AS, found)], sign)


SCORES = "Scores from batch norm separate the arms more than the filters' length does."


def scores(run: Evidence) -> Claim:
    """S14, which one run cannot show (comparison/stability.py)."""
    why = "compares scores, which one run cannot; `uv run prunelab compare --study stability` judges experiments"
    return undecided(SCORES, why, {"stability.score": ["batchnorm", "l2"]})


CLAIMS: dict[str, Callable[[Evidence], Claim]] = {
    "S1": claims.tradeoff,
    "S2": claims.largest_rarely,
    "S3": claims.better_than_unpruned,
    "S4": claims.rate_and_stability,
    "S5": claims.rate_and_accuracy,
    "S6": claims.at_each_rate,
    "S7": claims.sweet_spot,
    "S8": zeroing,
    "S9": gaussian,
    "S10": relied_upon,
    "S11": restored,
    "S12": flatter,
    "S13": flatter_is_better,
    "S14": scores,
    "S15": claims.traditional,
    "S16": claims.on_other_images,
    "S17": claims.less_memorised,
    "S18": claims.of_weights,
}


def verdicts(run: Evidence) -> dict[str, Claim]:
    """All of them, by number."""
    found = {number: judge(run) for number, judge in CLAIMS.items()}
    return found if len(run.run.seeds) > 1 else {number: _with_replicates(claim) for number, claim in found.items()}


def _with_replicates(claim: Claim) -> Claim:
    """With one replicate nothing is decided, whatever else a claim needs."""
    needs = claim.needs
    return claim if needs is None or "setting" in needs else replace(claim, needs={**needs, "seeds": MORE_REPLICATES})
