"""What the paper says of accuracy, S1 to S7, and what follows from S16 on, each from one run (Stability; our wording).

judging/ says what a verdict is and what its intervals are; within.py how arms are correlated within replicates.
"""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np

from prunelab.judging import crossfit, effects, within
from prunelab.judging.claim import Claim, judged, undecided
from prunelab.judging.effects import Effect
from prunelab.studies.stability.parameters import NONE, SCRATCH, TARGETS
from prunelab.studies.stability.shown import Array, Run

if TYPE_CHECKING:
    from prunelab.config import Config

TITLE = "What the paper says of pruning while training, checked on this run"
ABOUT = """Effects are signed so that positive is as claimed. Accuracy is test accuracy, the mean of the last five
epochs; stability is one minus the mean share of test accuracy that an event costs. Arms of a replicate share data,
labels, initialisation and order: differences are paired, and correlations are *within replicates* (each replicate's
mean over arms is subtracted first). The paper's r and tau, of all runs as if they were independent, are shown beside
them and decide nothing. Intervals are 95%: over replicates by Student's t, over test examples by bootstrap, over
both together; those of correlations within replicates by a jackknife over replicates alone, with the test images as
they are. A claim is *supported* if all of its effects are as large as what counts and their intervals above zero
(differences of accuracy count from 1 point on, with 2,000 test images and more from 0.2; two schemes do as well
within 0.5, or 0.2, points); it is *contradicted* if one effect is too small: its upper limit (98.75%), `at most`, is
below what counts: so that an arm is 1 point better than another is contradicted, too, where it is as good. The
paper's claims are of arms that all fit the training set: where some do not, the verdict says so, and how accuracy
goes with *train* accuracy stands beside how it goes with stability. Effects that begin with "beside" decide nothing.
"""
GUARD = 0.995  # of train accuracy: the paper's condition
MANY, LEAST_OF_MANY = 2000, 0.2  # test images from which a difference of so many points counts
LARGEST = "largest"


@dataclass(frozen=True)
class Evidence:
    """What the verdicts rest on: a run, and of which kind its other parameters are."""

    run: Run
    traditional: bool  # SGD, weight decay, augmentation, every layer

    @property
    def least(self) -> float:
        """Points of accuracy that count."""
        images = next(iter(self.run.right.values())).shape[1]
        return LEAST_OF_MANY if images >= MANY else effects.LEAST

    @property
    def three(self) -> list[str]:
        """See Run."""
        return self.run.three

    def more_periods(self, least: int = 2) -> dict[str, Any]:
        """What a run needs to have all targets, with so many periods that are not one-shot: those it has, and more."""
        settings = self.run.settings
        longest = max(end - start for start, end in zip(*settings.spans, strict=True))
        periods = {*settings.periods}
        for period in (1, max(2, longest // 5), max(3, longest // 2)):
            if len([one for one in periods if one <= longest]) < least:
                periods.add(period)
        found: dict[str, Any] = {} if sorted(periods) == settings.periods else {"stability.periods": sorted(periods)}
        if len(settings.targets) < len(TARGETS):
            found["stability.targets"] = list(TARGETS)
        return found or {"setting": "digits_stability"}

    def accuracy(self, what: str, better: str, worse: str, *, least: float | None = None) -> Effect:
        """A paired difference of test accuracies, in points."""
        differences = self.run.right[better] - self.run.right[worse]
        return effects.of_accuracies(what, differences, least=self.least if least is None else least)

    def related(self, arms: list[str], column: str, with_: str, sign: int) -> Effect:
        """The correlation within replicates of two columns over some arms."""
        x, y = self.run.table(arms, column), self.run.table(arms, with_)
        words = f"{'-' if sign < 0 else ''}r of {column} and {with_}, {len(arms)} arms ({published(x, y)})"
        return within.effect(words, [(x, y)], sign)


def evidence(run: Run, params: "Config") -> Evidence:
    """A run's, with all its parameters."""
    train = params.train
    kind = train.optimizer != "adam" and train.weight_decay > 0 and train.augment != "none"
    return Evidence(run, kind and params.stability.layers == 0)


def published(x_AS: Array, y_AS: Array) -> str:
    """The paper's statistics of all runs, in words."""
    found = within.pooled(x_AS, y_AS)
    return f"pooled as published: {found}" if found else "no spread"


def guarded(claim: Claim, run: Evidence, arms: list[str]) -> Claim:
    """The claim with the paper's condition: arms that all fit. Where they do not, it says so, and what goes with it."""
    fits = [run.run.mean(arm, "train") for arm in arms]
    if not fits or min(fits) >= GUARD:
        return claim
    caution = (
        f"arms differ in how much they fit: train accuracy {100 * min(fits):.1f}% to {100 * max(fits):.1f}%, where the "
        f"paper's is at least {100 * GUARD:g}%"
    )
    beside = []
    if len(arms) > 2:
        found = run.related(arms, "train", "test", -1)
        beside = [replace(found, what=f"beside: {found.what}")]
    return replace(claim, caution=caution, effects=[*claim.effects, *beside])


def tradeoff(run: Evidence, text: str = "Less stable pruning generalises better at equal pruning.") -> Claim:
    """S1."""
    if not run.three:
        return undecided(text, "needs smallest with two periods that are not one-shot, and largest", run.more_periods())
    return guarded(judged(text, [run.related(run.three, "stability", "test", -1)]), run, run.three)


def largest_rarely(run: Evidence) -> Claim:
    """S2."""
    text = "Pruning the largest rarely beats pruning the smallest often."
    if not run.three:
        return undecided(text, "needs smallest with two periods that are not one-shot, and largest", run.more_periods())
    short, _, large = run.three
    found = judged(text, [run.accuracy(f"accuracy: {large} - {short}", large, short)])
    return guarded(found, run, [short, large])


def better_than_unpruned(run: Evidence) -> Claim:
    """S3."""
    text = "Pruning while training beats the unpruned network, and the network pruned before training."
    if not run.three or SCRATCH not in run.run.names:
        return undecided(text, "needs largest, smallest and scratch", _with_scratch(run))
    large = run.three[-1]
    found = judged(text, [run.accuracy(f"accuracy: {large} - {other}", large, other) for other in (NONE, SCRATCH)])
    beside = [run.accuracy(f"beside: accuracy: {name} - {NONE}", name, NONE) for name in run.run.of("dropout")]
    return guarded(replace(found, effects=[*found.effects, *beside]), run, [NONE, SCRATCH, large])


def _with_scratch(run: Evidence) -> dict[str, Any]:
    controls = run.run.settings.controls
    more = {} if SCRATCH in controls else {"stability.controls": [SCRATCH, *controls]}
    return more if run.three else {**run.more_periods(), **more}


def rate_and_stability(run: Evidence) -> Claim:
    """S4."""
    text = "The more is removed at an event, the less stable, whatever the target."
    targets = _targets(run, 3)
    if not targets:
        return undecided(text, "needs three periods of a target", run.more_periods(3))
    found = [
        _ranked(f"rank correlation of rate and instability, {target}", run, arms, "stability", -1)
        for target, arms in targets.items()
    ]
    return judged(text, found)


def rate_and_accuracy(run: Evidence) -> Claim:
    """S5."""
    text = "With the rate, accuracy rises for smallest and random, up to one-shot, and falls for largest."
    targets = {target: arms for target in TARGETS if len(arms := _gradual(run, target)) > 1}
    if len(targets) < 3:
        return undecided(text, "needs two periods that are not one-shot, of three targets", run.more_periods())
    found = []
    for target, arms in targets.items():
        sign, words = (-1, "falls") if target == LARGEST else (1, "rises")
        if len(arms) > 2:
            x, y = run.run.table(arms, "rate"), run.run.table(arms, "test")
            found.append(
                effects.correlation(f"accuracy {words} with the rate, {target} (rank correlation)", x, y, sign)
            )
            continue
        better, worse = (arms[0], arms[-1]) if sign < 0 else (arms[-1], arms[0])
        found.append(run.accuracy(f"accuracy {words} with the rate: {better} - {worse}", better, worse))
    return guarded(judged(text, found), run, [arm for arms in targets.values() for arm in arms])


def at_each_rate(run: Evidence) -> Claim:
    """S6."""
    text = "At each rate, the less stable target generalises better; at high rates less so."
    rates = {}
    for period in run.run.settings.periods:
        arms = [arm for arm in run.run.pruned if run.run.about(arm)["period"] == period]
        if len(arms) > 2:
            rates[period] = arms
    if len(rates) < 2:
        return undecided(text, "needs three targets with two periods", run.more_periods())
    pairs = {p: (run.run.table(arms, "stability"), run.run.table(arms, "test")) for p, arms in rates.items()}
    found = [
        within.effect(f"-r of stability and test, period {p} ({published(*pair)})", [pair], -1)
        for p, pair in pairs.items()
    ]
    first, last = min(pairs), max(pairs)
    # r is negative: less so is larger.
    found.append(within.difference(f"z of r, period {last} - period {first}", pairs[last], pairs[first]))
    return guarded(judged(text, found), run, [arm for arms in rates.values() for arm in arms])


def sweet_spot(run: Evidence) -> Claim:
    """S7: an arm in between, chosen by the other replicates on the other half of the test images."""
    text = "Too much instability hurts: the best arm is neither the most nor the least stable."
    arms = sorted(run.run.pruned, key=lambda arm: -run.run.mean(arm, "stability"))
    if len(arms) < 4:
        return undecided(text, "needs four arms that prune while training", run.more_periods())
    between = np.array([run.run.right[arm] for arm in arms[1:-1]])
    where = crossfit.chosen(between, lambda curve: [int(np.argmax(curve))])[:, :, 0]
    best = crossfit.picked(between, where)
    most_often = arms[1:-1][int(np.bincount(where.ravel()).argmax())]
    found = []
    for name, end in (("least", arms[-1]), ("most", arms[0])):
        rest = 100 * (between - run.run.right[end])
        most = effects.upper(rest.mean(axis=2), rest.mean(axis=1))
        what = (
            f"accuracy: the best in between (chosen by the others, most often {most_often}) - the {name} stable, {end}"
        )
        found.append(effects.of_accuracies(what, best - run.run.right[end], least=run.least, most=most))
    return guarded(judged(text, found), run, arms)


def _ranked(what: str, run: Evidence, arms: list[str], column: str, sign: int) -> Effect:
    """Spearman's rank correlation with the rate, times the sign, in each replicate.

    Of few arms it has few values, and replicates that agree on one do not agree to the last digit.
    """
    rates, values = run.run.table(arms, "rate"), run.run.table(arms, column)
    each = [sign * effects.ranked(x, y) for x, y in zip(rates.T, values.T, strict=True)]
    step = 12 / (len(arms) * (len(arms) ** 2 - 1))
    found = effects.of_replicates(what, np.array(each), "correlation", resolution=step)
    if found.replicates is None:
        return found
    interval = (max(-1.0, found.replicates[0]), min(1.0, found.replicates[1]))
    most = None if found.most is None else min(1.0, found.most)
    return replace(found, replicates=interval, both=interval, most=most)


def _targets(run: Evidence, least: int) -> dict[str, list[str]]:
    """Arms of each target, by period, where there are so many."""
    found = {target: run.run.targeting(target) for target in TARGETS}
    return {target: arms for target, arms in found.items() if len(arms) >= least}


def _gradual(run: Evidence, target: str) -> list[str]:
    return run.run.targeting(target, one_shot=False)


def traditional(run: Evidence) -> Claim:
    """S15."""
    text = "It holds with SGD, weight decay and augmentation, all layers pruned; there the gap shrinks, too."
    if not run.traditional:
        why = "this run is not of that kind: one with SGD, weight decay, augmentation and all layers pruned is"
        return undecided(text, why, {"setting": "cifar10_resnet18_traditional"})
    arms = run.three or [arm for arm in run.run.pruned if not run.run.one_shot(arm)]
    if len(arms) < 2:
        return undecided(text, "needs two arms that are not one-shot", run.more_periods())
    found = [run.related(arms, "stability", "test", -1), run.related(arms, "stability", "gap", 1)]
    return guarded(judged(text, found), run, arms)


def on_other_images(run: Evidence) -> Claim:
    """S16."""
    text = "The trade-off is not one of the test set: stability on one half of it, accuracy on the other."
    if not run.three:
        return undecided(text, "needs the arms of S1", run.more_periods())
    table: dict[str, Array] = {
        name: run.run.table(run.three, name)
        for name in ("stability_first", "stability_second", "test_first", "test_second")
    }
    pairs = [(table["stability_first"], table["test_second"]), (table["stability_second"], table["test_first"])]
    found = within.effect(f"-r of stability and accuracy, different halves, {len(run.three)} arms", pairs, -1)
    return guarded(judged(text, [found]), run, run.three)


def less_memorised(run: Evidence) -> Claim:
    """S17."""
    text = "Under label noise, less stable pruning memorises fewer wrong labels, and generalises better."
    if not run.run.noisy:
        return undecided(text, "this run has no label noise", {"noise": 0.4})
    if not run.three:
        return undecided(text, "needs the arms of S1", run.more_periods())
    found = [run.related(run.three, "stability", "permuted", 1), run.related(run.three, "stability", "test", -1)]
    return guarded(judged(text, found), run, run.three)


def of_weights(run: Evidence) -> Claim:
    """S18."""
    text = "The trade-off holds for single weights, too."
    if run.run.settings.structure != "weights":
        return undecided(text, "this run prunes filters", {"stability.structure": "weights"})
    return tradeoff(run, text)
