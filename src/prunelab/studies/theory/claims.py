"""What the theorem says, T1 to T6, each from one run's curve (Yang et al., abstract and introduction; our wording).

judging/ says what a verdict is and what its intervals are. The best share of weights is chosen for each replicate by
the *other* replicates' curves, whose data, weights and masks are their own; so nothing is measured on what chose it.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prunelab.judging import effects
from prunelab.judging.claim import MORE_REPLICATES, UNDECIDED, Claim, judged, undecided
from prunelab.judging.effects import Effect, of_replicates
from prunelab.studies.theory import predictions
from prunelab.studies.theory.tables import Array, Curve

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

TITLE = "What the theorem says, checked on this run"
ABOUT = """Effects are signed so that positive is as claimed. The best share of weights, p, is chosen for each replicate
by the other replicates' curves (to the best p, and from it: the first and the last that is as good within a point);
every replicate has data, initial weights and masks of its own. Intervals are 95%, over
replicates by Student's t. A claim is *supported* if each of its effects is as large as what counts (differences of
accuracy: 1 point; correlations: 0.5) and its interval above zero. It is *contradicted* if one effect is too small
whatever was chosen to measure it: its highest upper limit (98.75%) over all choices, `at most`, is below what counts.
"""
LEAST_CORRELATION = 0.5
NEAR_CHANCE = 5.0  # points
NEAR_PREDICTION = 0.1  # of test error
FEW_FILTERS = 5.0  # of a class, that keep their signal's coordinate: p m
# Further than the default study prunes, in a network that has weights left to memorise with.
SPARSER = {"theory.dimension": 4000, "theory.filters": 50, "theory.noise": 0.1, "theory.kept": [1, 0.2, 0.01, 0.002]}
# That a share (1-p/2)^m of classes is dead is arithmetic. In one replicate, of K classes, it is a binomial number about
# that: so each replicate's error is held against its own dead classes.
GAP = f"|test error - (1-1/K) x share of dead classes|, mean over p m <= {FEW_FILTERS:g}"
SCALING = "Both thresholds scale as predicted: the race turns at p_star, and pruning kills by p m alone."
# Six values of p_star, each with two numbers of filters; ten replicates are too few (docs/theory.md).
GRID = {
    "theory.seeds": list(range(30)),
    "theory.filters": [100, 200],
    "theory.examples": [50, 100, 200],
    "theory.signal": [1.4, 2],
}


@dataclass(frozen=True)
class Evidence:
    """What the verdicts rest on: the run's parameters and its curve."""

    theory: "Theory"
    curve: Curve

    @property
    def best(self) -> NDArray[np.int64]:
        """For each replicate the position of the best share of weights, by the others."""
        return np.argmin(self._of_others, axis=0)

    @property
    def good(self) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """The first and the last position at which, by the others, error is the best within what counts, a point."""
        found = self._of_others <= self._of_others.min(axis=0) + effects.LEAST / 100
        return np.argmax(found, axis=0), len(found) - 1 - np.argmax(found[::-1], axis=0)

    @property
    def _of_others(self) -> Array:
        """Test error, the mean over the other replicates, of each replicate [P, S]; of one alone, its own."""
        error = self.curve["test_error"]
        count = error.shape[1]
        others = ~np.eye(count, dtype=bool) if count > 1 else np.ones((1, 1), dtype=bool)
        return np.asarray(error @ (others / others.sum(axis=0)))

    def at_best(self, name: str) -> Array:
        """A column at each replicate's best share of weights [S]."""
        return np.asarray(self.curve[name][self.best, np.arange(len(self.best))])


def mild_pruning_helps(run: Evidence) -> Claim:
    """T1."""
    text = "Pruning a little at initialisation improves generalisation."
    test = 100 * run.curve["test"]
    gain = of_replicates(
        "test accuracy: best p - dense",
        100 * run.at_best("test") - test[0],
        "points",
        least=effects.LEAST,
        most=effects.upper(test[1:] - test[0]),
    )
    return judged(text, [gain])


def loss_goes_to_zero(run: Evidence) -> Claim:
    """T2."""
    text = "Gradient descent drives the training loss to zero at every sparsity, over-pruned or not."
    enough = [predictions.can_memorise(p, run.theory) for p in run.curve.kept]
    reached = run.curve["reached"][enough]
    value = float(reached.mean()) if reached.size else 0.0
    interval = None if len(run.curve.seeds) < 2 else (value, value)
    what = f"share of {reached.size} runs whose loss fell below {run.theory.loss:g}"
    share = Effect(what, value, "share", interval, None, interval, None if interval is None else value, 1.0)
    if all(enough):
        return judged(text, [share])
    least = min(run.curve.kept[enough], default=1.0)
    why = f"below p = {least:g} there are too few weights to memorise with (m p d < 3 n)"
    found = judged(text, [share])
    needs = {"theory.dimension": run.theory.dimension * 10}
    return found if found.verdict != "supported" else undecided(text, why, needs, [share])


def over_pruning_destroys(run: Evidence) -> Claim:
    """T3."""
    text = "Over-pruning destroys generalisation: classes whose signal no filter can learn are guessed."
    test, last = 100 * run.curve["test"], f"p = {run.curve.kept[-1]:g}"
    fall = of_replicates(
        f"test accuracy: best p - {last}",
        100 * run.at_best("test") - test[-1],
        "points",
        least=effects.LEAST,
        most=effects.upper(test[:-1] - test[-1]),
    )
    on_dead = run.curve["test_dead"][-1]
    on_dead = on_dead[~np.isnan(on_dead)]
    if not on_dead.size:
        return undecided(text, f"no class is dead at {last}: prune further", SPARSER, [fall])
    above = 100 * (on_dead - 1 / run.theory.classes)
    chance = of_replicates(
        f"{NEAR_CHANCE:g} points - (test accuracy on dead classes - chance), {last}", NEAR_CHANCE - above, "points"
    )
    return judged(text, [fall, chance])


def signal_up_noise_down(run: Evidence) -> Claim:
    """T4."""
    text = "Mild pruning helps because more of the signal is learnt, and less of the noise memorised."
    first, _ = run.good
    ranges = [slice(0, good + 1) for good in first]
    if min(first) < 2:
        why = f"from dense to the best p there are {min(first) + 1} values of theory.kept: a trend needs three"
        return undecided(text, why, {"theory.kept": _finer(run.curve.kept)})
    of = {"signal": "Gamma", "share": "share of the output from signal", "noise": "Upsilon", "test_loss": "test loss"}
    signs = {"signal": 1, "share": 1, "noise": -1, "test_loss": -1}
    return judged(text, [_trend(run, of[name], name, sign, ranges, "to the best p") for name, sign in signs.items()])


def the_signal_is_lost(run: Evidence) -> Claim:
    """T5."""
    text = "Over-pruning loses the signal, not the ability to fit: test error follows the share of dead classes."
    few = run.curve.kept * run.theory.filters <= FEW_FILTERS
    _, last = run.good
    if min(len(run.curve.kept) - last) < 3 or not few.any():
        return undecided(
            text, "too few values of theory.kept beyond the best p", {"theory.kept": _finer(run.curve.kept)}
        )
    ranges = [slice(good, None) for good in last]
    return judged(
        text,
        [
            _trend(run, "Gamma", "signal", -1, ranges, "from the best p"),
            _trend(run, "share of the output from signal", "share", -1, ranges, "from the best p"),
            of_replicates(f"{NEAR_PREDICTION:g} - {GAP}", NEAR_PREDICTION - gap(run, few), "share"),
        ],
    )


def gap(run: Evidence, few: NDArray[np.bool_]) -> Array:
    """How far each replicate's test error is from chance on its dead classes, mean over some p [S]."""
    guessed = (1 - 1 / run.theory.classes) * run.curve["dead"]
    return np.asarray(np.abs(run.curve["test_error"] - guessed)[few].mean(axis=0))


def scaling(run: Evidence) -> Claim:
    """T6, which one run cannot show (comparing.py)."""
    why = "compares settings, which one run cannot; `uv run prunelab compare` judges experiments"
    return Claim(SCALING, UNDECIDED, why, [], GRID)


def verdicts(run: Evidence) -> dict[str, Claim]:
    """All of them, by number."""
    found = {
        "T1": mild_pruning_helps(run),
        "T2": loss_goes_to_zero(run),
        "T3": over_pruning_destroys(run),
        "T4": signal_up_noise_down(run),
        "T5": the_signal_is_lost(run),
        "T6": scaling(run),
    }
    return {number: _of_theory(claim) for number, claim in found.items()}


def _of_theory(claim: Claim) -> Claim:
    """More replicates are more of this study's own seeds."""
    needs: Mapping[str, Any] | None = claim.needs
    if needs and "seeds" in needs:
        needs = {"theory.seeds": MORE_REPLICATES}
    return replace(claim, needs=needs)


def _trend(run: Evidence, what: str, name: str, sign: int, ranges: list[slice], where: str) -> Effect:
    """Rank correlation of a column with the share of weights pruned, in each replicate's range, as claimed."""
    pruned, values = 1 - run.curve.kept, run.curve[name]
    each = [sign * effects.ranked(pruned[some], values[some, s]) for s, some in enumerate(ranges)]
    direction = "rises" if sign > 0 else "falls"
    return of_replicates(
        f"{what} {direction} with pruning, {where}", np.array(each), "correlation", least=LEAST_CORRELATION
    )


def _finer(kept: Array) -> list[float]:
    """The same range, in thirds of its steps."""
    log_p = np.interp(np.arange(3 * len(kept) - 2) / 3, np.arange(len(kept)), np.log(kept))
    return [float(f"{p:.3g}") for p in np.exp(log_p)]
