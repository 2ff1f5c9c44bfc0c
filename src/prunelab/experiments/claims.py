"""The claims that compare runs, judged on DVC experiments: SDD's observations 2 and 3, and Lens's section 5.

Runs are compared that differ in one parameter only. Replicates are paired by seed. Distances between sparsities are in
rounds: a round removes the same share whatever the noise.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.analysis import verdicts
from prunelab.analysis.claims import UNDECIDED, Claim, Effect, interval, judged, points
from prunelab.experiments.curves import Curves, curves
from prunelab.experiments.grid import neutral
from prunelab.experiments.runs import Run

Array = NDArray[np.float64]
HIGH = 0.9  # early-stopped accuracy is compared from this sparsity on
MATCH = 1.0  # points: so near counts as a match
WIDTH_GAP = 2.1  # points: how much worse than pruning Lens found narrower networks under noise, at most
EXTENDED = (
    "With label noise, training the dense network as long as pruning trains (EDT) does not reach pruning at its best; "
    "without, it matches or beats it (Lens 5.1)."
)
RUN_EXTENDED = "uv run prunelab queue prune.retrain=lr_rewind noise=0,0.4 prune.fraction=0,0.2"
WIDTH = (
    f"With label noise, narrower dense networks come within {WIDTH_GAP} points of pruning at its best; without, they "
    "do not reach it (Lens 5.2)."
)
RUN_WIDTH = "uv run prunelab queue noise=0,0.4 model.width=0.01,0.02,0.05,0.1,0.2,0.5 n_rounds=1"


def noise_levels(runs: Mapping[float, Curves]) -> Claim:
    """Claim 4, between the lowest and the highest noise: noise -> curves."""
    levels = sorted(level for level in runs if level > 0)
    if len(levels) < 2:
        why = f"needs runs that differ in noise alone, at two levels above 0; found {levels}"
        return Claim(verdicts.NOISE_LEVELS, UNDECIDED, why, [], verdicts.RUN_NOISE_LEVELS)
    low, high = paired(runs[levels[0]], runs[levels[-1]])
    between = f"noise {levels[0]:g} and {levels[-1]:g}"
    effects = [
        _rounds(f"last round that interpolates, lower - higher, {between}", low.efficacy() - high.efficacy()),
        _rounds(f"round of the sweet spot, higher - lower, {between}", high.sweet_spot() - low.sweet_spot()),
    ]
    return judged(verdicts.NOISE_LEVELS, effects, verdicts.MORE_SEEDS)


def criteria(runs: Mapping[float, Mapping[str, Curves]]) -> Claim:
    """Claim 5, at each noise level: noise -> `prune.criterion` -> curves."""
    needed = ("magnitude", "gradient", "random")
    complete = {noise: found for noise, found in sorted(runs.items()) if all(name in found for name in needed)}
    if not complete:
        best = max(runs.values(), key=len, default={})
        found = ", ".join(sorted(best)) or "none"
        why = f"needs runs that differ in criterion alone: {', '.join(needed)}; found {found}"
        return Claim(verdicts.CRITERIA, UNDECIDED, why, [], verdicts.RUN_CRITERIA)
    effects = [effect for noise, found in complete.items() for effect in _criteria(noise, found)]
    return judged(verdicts.CRITERIA, effects, verdicts.MORE_SEEDS)


def _criteria(noise: float, runs: Mapping[str, Curves]) -> list[Effect]:
    matched = dict(zip(runs, paired(*runs.values()), strict=True))
    magnitude, gradient, random = (matched[name] for name in ("magnitude", "gradient", "random"))
    efficacy = {name: run.efficacy() for name, run in matched.items()}
    others = np.max([value for name, value in efficacy.items() if name != "magnitude"], axis=0)
    least = np.min([value for name, value in efficacy.items() if name != "random"], axis=0)
    sparse = magnitude.sparsity_R >= HIGH
    best = np.maximum(magnitude.test_best[sparse], random.test_best[sparse])
    where = f"{100 * noise:g}% noise: "
    return [
        _rounds(f"{where}efficacy: magnitude - the best other", efficacy["magnitude"] - others),
        _rounds(f"{where}efficacy: the worst other - random", least - efficacy["random"]),
        points(
            f"{where}best-epoch test accuracy from {HIGH:.0%} sparsity on: gradient - the better of the others",
            (gradient.test_best[sparse] - best).mean(axis=0),
        ),
    ]


def extended(runs: Mapping[float, Mapping[float, Curves]]) -> Claim:
    """Pruning against extended dense training: noise -> `prune.fraction` (0: EDT) -> curves, all under lr_rewind."""
    effects = []
    for noise, found in sorted(runs.items()):
        if 0 not in found or len(found) < 2:
            continue
        dense, pruned = paired(found[0], found[max(found)])
        gain = _best(pruned) - _best(dense)
        what = f"last test accuracy at its best, {100 * noise:g}% noise: "
        if noise > 0:
            effects.append(points(what + "pruning - EDT", gain))
        else:
            effects.append(points(what + f"EDT + {MATCH:g} point - pruning", MATCH / 100 - gain, least=0.0))
    if not effects:
        why = "needs two runs with prune.retrain=lr_rewind that differ in prune.fraction alone, 0 in one of them"
        return Claim(EXTENDED, UNDECIDED, why, [], RUN_EXTENDED)
    return judged(EXTENDED, effects, verdicts.MORE_SEEDS)


def width(runs: Mapping[float, Mapping[float, Curves]]) -> Claim:
    """Pruning the widest network against training narrower ones: noise -> `model.width` -> curves.

    Of the narrower ones only the dense round counts: they need no more than `n_rounds=1`.
    """
    effects = []
    for noise, found in sorted(runs.items()):
        if len(found) < 3:
            continue
        widths = sorted(found)
        some = dict(zip(widths, paired(*(found[w] for w in widths), same_rounds=False), strict=True))
        narrower = np.max([run.test_last[0] for run in some.values()], axis=0)
        gap = _best(some[widths[-1]]) - narrower
        what = f"last test accuracy, {100 * noise:g}% noise: "
        best = "pruning at its best - the best of the dense widths"
        if noise > 0:
            effects.append(points(f"{what}{WIDTH_GAP} points - ({best})", WIDTH_GAP / 100 - gap, least=0.0))
        else:
            effects.append(points(what + best, gap, least=0.0))
    if not effects:
        why = "needs three or more runs that differ in model.width alone"
        return Claim(WIDTH, UNDECIDED, why, [], RUN_WIDTH)
    return judged(WIDTH, effects, verdicts.MORE_SEEDS)


def all_of(runs: Sequence[Run]) -> dict[str, Claim]:
    """The paper's claims 4 and 5 by number, and Lens's two by name."""
    by_rewinding = [run for run in runs if run.settings.get("prune.retrain") == "lr_rewind"]
    # The paper shows it for magnitude pruning.
    by_magnitude = [run for run in runs if run.settings.get("prune.criterion") == "magnitude"]
    return {
        "4": noise_levels(alike(by_magnitude or runs, "noise")),
        "5": criteria(_by_noise(runs, "prune.criterion")),
        "extended training": extended(_by_noise(by_rewinding, "prune.fraction")),
        "width": width(_by_noise(runs, "model.width")),
    }


def alike(runs: Sequence[Run], name: str) -> dict[Any, Curves]:
    """The largest group of runs that differ in one parameter only: its value -> curves.

    What does not move a curve (grid.NEUTRAL) may differ: runs of other seeds are more replicates, of the same seeds
    the first counts.
    """
    groups: dict[str, dict[Any, list[Run]]] = {}
    for run in runs:
        rest = {key: value for key, value in run.settings.items() if key != name and not neutral(key)}
        groups.setdefault(repr(sorted(rest.items())), {}).setdefault(run.settings.get(name), []).append(run)
    largest = max(groups.values(), key=len, default={})
    # Of rows for the same round and seed, the last one counts.
    return {value: curves([row for run in reversed(some) for row in run.rows]) for value, some in largest.items()}


def paired(*some: Curves, same_rounds: bool = True) -> tuple[Curves, ...]:
    """The same seeds and rounds of each; where no seed is shared, as they are, cut to as many replicates."""
    shared = sorted(set.intersection(*(set(run.seeds) for run in some)))
    rounds = min(len(run.sparsity_R) for run in some) if same_rounds else None
    number = min(len(run.seeds) for run in some)
    result = []
    for run in some:
        columns = [run.seeds.index(seed) for seed in shared] if shared else list(range(number))
        seeds = tuple(run.seeds[c] for c in columns)
        arrays = (part[:rounds, columns] for part in (run.train, run.test_last, run.test_best))
        result.append(Curves(seeds, run.sparsity_R[:rounds], *arrays))
    return tuple(result)


def _by_noise(runs: Sequence[Run], name: str) -> dict[float, dict[Any, Curves]]:
    levels = {run.settings["noise"] for run in runs}
    return {level: alike([run for run in runs if run.settings["noise"] == level], name) for level in levels}


def _best(run: Curves) -> Array:
    """Highest last test accuracy over rounds, for each replicate [S]."""
    return np.asarray(run.test_last.max(axis=0), dtype=float)


def _rounds(what: str, differences_S: Array) -> Effect:
    return Effect(what, round(float(differences_S.mean()), 6), "rounds", interval(differences_S))
