"""The claims that compare runs, judged on DVC experiments: SDD's observations 2 and 3, and Lens's section 5.

Runs are compared that differ in one parameter only (`groups`), and every such group is judged. Runs that differ in
seeds alone are more replicates; replicates are paired by seed. Distances between sparsities are in rounds: a round
removes the same share whatever the noise.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab import regimes
from prunelab.comparison.grid import neutral
from prunelab.comparison.pooled import pooled
from prunelab.comparison.runs import Run
from prunelab.judging import crossfit
from prunelab.judging.claim import Claim, judged, undecided
from prunelab.judging.effects import Effect, of_accuracies, of_replicates
from prunelab.studies.sdd import claims
from prunelab.studies.sdd.evidence import Evidence

Array = NDArray[np.float64]
Judge = Callable[[Sequence[Run]], Claim]
HIGH = 0.9  # early-stopped accuracy is compared from this sparsity on
MATCH = 1.0  # points: so near counts as a match
WIDTH_GAP = 2.1  # points: how much worse than pruning Lens found narrower networks under noise, at most
EXTENDED = (
    "With label noise, training the dense network as long as pruning trains (EDT) does not reach pruning at its best; "
    "without, it matches or beats it (Lens 5.1)."
)
WIDTH = (
    f"With label noise, narrower dense networks come within {WIDTH_GAP} points of pruning at its best; without, they "
    "do not reach it (Lens 5.2)."
)
COMPARING = ("4", "5")  # of the nine
NOISE = [0.2, 0.4, 0.6]
CRITERIA = ["magnitude", "gradient", "random"]
WIDTHS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5]


def noise_levels(runs: Mapping[float, Evidence]) -> Claim:
    """Claim 4, between the lowest and the highest noise: noise -> run."""
    levels = sorted(level for level in runs if level > 0)
    if len(levels) < 2:
        why = f"needs runs that differ in noise alone, at two levels above 0; found {levels}"
        return undecided(claims.NOISE_LEVELS, why, {"noise": [level for level in NOISE if level not in levels]})
    low, high = paired(runs[levels[0]], runs[levels[-1]])
    between = f"noise {levels[0]:g} and {levels[-1]:g}"
    effects = [
        _rounds(f"last round that interpolates, lower - higher, {between}", efficacy(low) - efficacy(high)),
        _rounds(f"round of the sweet spot, higher - lower, {between}", sweet_spot(high) - sweet_spot(low)),
    ]
    return _with(judged(claims.NOISE_LEVELS, effects), noise=[levels[0], levels[-1]])


def criteria(runs: Mapping[str, Evidence]) -> Claim:
    """Claim 5: `prune.criterion` -> run."""
    if not all(name in runs for name in CRITERIA):
        found = ", ".join(sorted(map(str, runs))) or "none"
        why = f"needs runs that differ in criterion alone: {', '.join(CRITERIA)}; found {found}"
        return undecided(claims.CRITERIA, why, {"prune.criterion": [name for name in CRITERIA if name not in runs]})
    some = dict(zip(CRITERIA, paired(*(runs[name] for name in CRITERIA)), strict=True))
    reached = {name: efficacy(run) for name, run in some.items()}
    sparse = some["magnitude"].sparsity_R >= HIGH
    effects = [
        _rounds(f"efficacy: {better} - {worse}", reached[better] - reached[worse])
        for better, worse in (("magnitude", "gradient"), ("magnitude", "random"), ("gradient", "random"))
    ]
    if sparse.any():
        best = {name: run.right["best"][sparse].mean(axis=0) for name, run in some.items()}
        what = f"best-epoch test accuracy from {HIGH:.0%} sparsity on"
        effects += [
            of_accuracies(f"{what}: gradient - {other}", best["gradient"] - best[other])
            for other in ("magnitude", "random")
        ]
    return _with(judged(claims.CRITERIA, effects), **{"prune.criterion": CRITERIA})


def extended(runs: Mapping[float, Mapping[float, Evidence]]) -> Claim:
    """Pruning against extended dense training: noise -> `prune.fraction` (0: EDT) -> run, all under lr_rewind."""
    effects = []
    for noise, found in sorted(runs.items()):
        if 0 not in found or len(found) < 2:
            continue
        dense, pruned = (_curve(run) for run in paired(found[0], found[max(found)]))
        what = f"last test accuracy at its best, {100 * noise:g}% noise: "
        if noise > 0:
            effects.append(_best(what + "pruning - EDT", pruned, dense))
        else:
            effects.append(_best(f"{what}EDT + {MATCH:g} point - pruning", dense, pruned, plus=MATCH))
    needs = {"prune.retrain": "lr_rewind", "noise": [0, 0.4], "prune.fraction": [0, 0.2]}
    if not effects:
        why = "needs two runs with prune.retrain=lr_rewind that differ in prune.fraction alone, 0 in one of them"
        return undecided(EXTENDED, why, needs)
    return _with(judged(EXTENDED, effects), **needs)


def width(runs: Mapping[float, Mapping[float, Evidence]]) -> Claim:
    """Pruning the widest network against training narrower ones: noise -> `model.width` -> run.

    Of the narrower ones only the dense round counts: they need no more than `n_rounds=1`.
    """
    effects = []
    for noise, found in sorted(runs.items()):
        if len(found) < 3:
            continue
        *narrower, widest = paired(*(found[w] for w in sorted(found)), same_rounds=False)
        pruned = _curve(widest)
        # The widest network without pruning is one of the dense widths.
        dense = _Best(
            np.stack([run.right["last"][0] for run in (*narrower, widest)]),
            np.stack([run.sparse["validation"][0] for run in (*narrower, widest)]),
        )
        what = f"last test accuracy, {100 * noise:g}% noise: "
        best = "pruning at its best - the best of the dense widths"
        if noise > 0:
            effects.append(_best(f"{what}{WIDTH_GAP} points - ({best})", dense, pruned, plus=WIDTH_GAP))
        else:
            effects.append(_best(what + best, pruned, dense, least=0.0))
    needs = {"noise": [0, 0.4], "model.width": WIDTHS}
    if not effects:
        return undecided(WIDTH, "needs three or more runs that differ in model.width alone", needs)
    return _with(judged(WIDTH, effects), **needs)


def all_of(runs: Sequence[Run]) -> dict[str, Claim]:
    """The paper's claims 4 and 5 by number, and Lens's two by name; of several groups, each with what it is."""
    by_rewinding = [run for run in runs if run.settings.get("prune.retrain") == "lr_rewind"]
    return {
        **_every("4", runs, ("noise",), lambda some: noise_levels(studies(some, "noise"))),
        **_every("5", runs, ("prune.criterion",), lambda some: criteria(studies(some, "prune.criterion"))),
        **_every(
            "extended training",
            by_rewinding,
            ("noise", "prune.fraction"),
            lambda some: extended(_by_noise(some, "prune.fraction")),
        ),
        **_every("width", runs, ("noise", "model.width"), lambda some: width(_by_noise(some, "model.width"))),
    }


def _every(name: str, runs: Sequence[Run], free: Sequence[str], judge: Judge) -> dict[str, Claim]:
    """A verdict for each group of runs that has what the claim compares; where none has, why not."""
    found = groups(runs, free)
    judged_ = {label: judge(some) for label, some in found.items()}
    complete = {label: claim for label, claim in judged_.items() if claim.effects}
    if not complete:
        nearest = max(judged_, key=lambda label: len(found[label]), default=None)
        return {name: judge([]) if nearest is None else judged_[nearest]}
    if len(complete) == 1:
        return {name: next(iter(complete.values()))}
    return {f"{name} ({label})": claim for label, claim in complete.items()}


def groups(runs: Sequence[Run], free: Sequence[str]) -> dict[str, list[Run]]:
    """Runs that differ in the `free` parameters only: what sets a group apart from the others, in words -> its runs.

    What does not move a curve (grid.NEUTRAL) may differ.
    """
    apart: dict[str, tuple[dict[str, Any], list[Run]]] = {}
    for run in runs:
        rest = {key: value for key, value in run.settings.items() if key not in free and not neutral(key)}
        apart.setdefault(repr(sorted(rest.items())), (rest, []))[1].append(run)
    names = dict.fromkeys(name for rest, _ in apart.values() for name in rest)
    differing = [n for n in names if len({repr(rest.get(n)) for rest, _ in apart.values()}) > 1]
    return {", ".join(f"{n}={rest.get(n)}" for n in differing): some for rest, some in apart.values()}


def studies(runs: Sequence[Run], name: str) -> dict[Any, Evidence]:
    """Runs of one group by a parameter's value; of the same value, as one run with the replicates of all."""
    by_value: dict[Any, list[Run]] = {}
    for run in runs:
        by_value.setdefault(run.settings.get(name), []).append(run)
    return {value: pooled(some) for value, some in by_value.items()}


def _by_noise(runs: Sequence[Run], name: str) -> dict[float, dict[Any, Evidence]]:
    levels = dict.fromkeys(run.settings["noise"] for run in runs)
    return {level: studies([run for run in runs if run.settings["noise"] == level], name) for level in levels}


def paired(*some: Evidence, same_rounds: bool = True) -> tuple[Evidence, ...]:
    """The same seeds and rounds of each; where no seed is shared, as they are, cut to as many replicates."""
    shared = sorted(set.intersection(*(set(run.seeds) for run in some)))
    rounds = min(len(run.rounds) for run in some) if same_rounds else None
    number = min(len(run.seeds) for run in some)
    return tuple(run.cut(rounds, shared or run.seeds[:number]) for run in some)


def efficacy(run: Evidence) -> Array:
    """The round of each replicate's pruning efficacy [S]: the last one whose train accuracy is the dense model's."""
    rounds = np.arange(len(run.rounds), dtype=float)
    return np.array([regimes.pruning_efficacy(train, rounds) for train in run.sparse["train"].T])


def sweet_spot(run: Evidence) -> Array:
    """The round of each replicate's highest last test accuracy [S]."""
    return np.argmax(run.sparse["test_last"], axis=0).astype(float)


class _Best:
    """Candidates of which the best is meant: right answers [C, S, T], and validation accuracy [C, S] (or nan)."""

    def __init__(self, right_CST: NDArray[np.bool_], validation_CS: Array) -> None:
        self.right = right_CST
        self.validation = None if np.isnan(validation_CS).any() else validation_CS

    def apart(self) -> Array:
        """Chosen on other data than measured on, [S, T]: rather too low."""
        where = crossfit.chosen(self.right, lambda curve: [regimes.highest(curve)], self.validation)
        return crossfit.picked(self.right, where[:, :, 0])

    def highest(self) -> Array:
        """Chosen on what it is measured on, [S, T]: rather too high."""
        return np.asarray(self.right[int(np.argmax(self.right.mean(axis=(1, 2))))], dtype=float)


def _curve(run: Evidence) -> _Best:
    return _Best(run.right["last"], run.sparse["validation"])


def _best(what: str, better: _Best, worse: _Best, *, plus: float = 0.0, least: float | None = None) -> Effect:
    """Best against best, in points: what should be higher is taken rather too low, the other rather too high."""
    low = worse.apart()
    limit = crossfit.most(better.right, np.broadcast_to(low, better.right.shape))
    floor = (0.0 if plus else 1.0) if least is None else least
    return of_accuracies(what, better.apart() - worse.highest(), plus=plus, least=floor, most=limit)


def _rounds(what: str, differences_S: Array) -> Effect:
    # Both numbers of a difference are whole.
    return of_replicates(what, differences_S, "rounds", resolution=2**0.5)


def _with(claim: Claim, **varied: Any) -> Claim:
    """More replicates are needed of every run that is compared."""
    return claim if claim.needs is None else replace(claim, needs={**claim.needs, **varied})
