"""The claims of Lens that compare runs: L1, L13 to L18 and L22. Runs are compared that differ in one thing only."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prunelab.comparison.grid import neutral
from prunelab.comparison.runs import Run
from prunelab.judging import crossfit
from prunelab.judging.claim import Claim, judged, undecided
from prunelab.judging.effects import Effect, of_accuracies, of_replicates
from prunelab.studies.lens import claims, measured
from prunelab.studies.lens.evidence import Evidence
from prunelab.studies.lens.texts import TEXTS

WIDTH_GAP = 2.1  # points, Lens 5.2
MATCH = 1.0  # points
Row = Mapping[str, Any]


@dataclass(frozen=True)
class Setting:
    """Runs that differ in seeds alone, as one."""

    name: str  # of its first run
    what: str  # sets it apart, in words
    runs: list[Run]
    evidence: Evidence

    def __getitem__(self, name: str) -> Any:
        """A parameter."""
        return self.runs[0].settings.get(name)

    def rest(self, *free: str) -> str:
        """All other parameters that move a curve."""
        settings = self.runs[0].settings
        return repr(sorted((k, repr(v)) for k, v in settings.items() if k not in free and not neutral(k)))


def all_of(found: Sequence[Setting], similar: Sequence[Row]) -> dict[str, Claim]:
    """Verdicts on all settings together, by number."""
    by: dict[str, Callable[[], Claim]] = {
        "L1": lambda: extended(found, "L1", noisy=False),
        "L13": lambda: extended(found, "L13", noisy=True),
        "L14": lambda: widths(found),
        "L15": lambda: same_examples(found, similar),
        "L16": lambda: same_groups(found, similar),
        "L17": lambda: between(found, "L17", "prune.retrain", "rewind", "lr_rewind"),
        "L18": lambda: between(found, "L18", "prune.criterion", "random", "magnitude"),
        "L22": lambda: only_ever(found),
    }
    return {number: judge() for number, judge in by.items()}


def extended(found: Sequence[Setting], number: str, *, noisy: bool) -> Claim:
    """L1 and L13: pruning at its optimum against extended dense training at its own."""
    effects = []
    for edt, pruned in _pairs(found, "prune.fraction", lambda a, b: a == 0 < b, ("n_rounds",)):
        if edt["prune.retrain"] != "lr_rewind" or _noisy(pruned.evidence) != noisy:
            continue
        a, b = paired(edt.evidence, pruned.evidence)
        what = f"test accuracy at the optimum{_where(pruned, found)}: "
        effects.append(
            optima(f"{what}pruning - extended training", b, a)
            if noisy
            else optima(f"{what}extended training + {MATCH:g} point - pruning", a, b, plus=MATCH)
        )
    return _verdict(
        number, effects, "needs runs with prune.retrain=lr_rewind that differ in prune.fraction, one with 0"
    )


def widths(found: Sequence[Setting]) -> Claim:
    """L14: the best of the dense widths against pruning the widest network."""
    effects = []
    by: dict[str, list[Setting]] = {}
    for one in found:
        by.setdefault(one.rest("model.width", "n_rounds", "prune.fraction"), []).append(one)
    for some in by.values():
        pruned = [one for one in some if one["prune.fraction"] > 0]
        dense = {one["model.width"]: one for one in some}
        if not pruned or len(dense) < 3:
            continue
        widest = max(pruned, key=lambda one: float(one["model.width"]))
        runs = paired(widest.evidence, *(one.evidence for one in dense.values()))
        right = np.array([run.right_RST[0] for run in runs[1:]])
        validation = np.array([run.curve["validation"][0] for run in runs[1:]])
        best_ST = measured.best(runs[0], right, validation).right(right)
        prune_ST = measured.best(runs[0]).right(runs[0].right_RST)
        what = f"test accuracy at the optimum{_where(widest, found)}: "
        if _noisy(widest.evidence):
            limit = crossfit.most(right, np.broadcast_to(prune_ST, right.shape))
            gap = f"{what}{WIDTH_GAP} points - (pruning - best width)"
            effects.append(of_accuracies(gap, best_ST - prune_ST, plus=WIDTH_GAP, least=0.0, most=limit))
        else:
            limit = crossfit.most(runs[0].right_RST, np.broadcast_to(best_ST, runs[0].right_RST.shape))
            effects.append(of_accuracies(f"{what}pruning - best width", prune_ST - best_ST, least=0.0, most=limit))
    return _verdict("L14", effects, "needs three or more runs that differ in model.width, the widest pruned")


def between(found: Sequence[Setting], number: str, name: str, better: str, worse: str) -> Claim:
    """L17 and L18: one value of a parameter against another, each at its optimum, under label noise."""
    effects = []
    for a, b in _pairs(found, name, lambda first, second: (first, second) == (better, worse)):
        if _noisy(a.evidence):
            first, second = paired(a.evidence, b.evidence)
            effects.append(
                optima(f"test accuracy at the optimum{_where(a, found, name)}: {better} - {worse}", first, second)
            )
    return _verdict(number, effects, f"needs runs with label noise that differ in {name} alone: {better} and {worse}")


def same_examples(found: Sequence[Setting], similar: Sequence[Row]) -> Claim:
    """L15: Jaccard of the tenths that pruning and narrowing change most, beside what two dense networks share."""
    effects = []
    for a, b in _narrowing(found):
        some = [row for row in similar if (row["a"], row["b"], row["how"]) == (a.name, b.name, "changed")]
        if _noisy(a.evidence):
            rows = [row for row in some if row["rounds"] == "matched" and row["jaccard_permuted"] is not None]
            values = [row["jaccard_permuted"] - row["chance"] for row in rows]
            what, least = "Jaccard within the permuted - chance, at like loss on them", 0.05
        else:
            there = ("jaccard", "between_dense")
            rows = [r for r in some if r["rounds"] == "optimum" and all(r[name] is not None for name in there)]
            values = [row["jaccard"] - row["between_dense"] for row in rows]
            what, least = "Jaccard - that of two dense networks, at the optimum", 0.02
        if values:
            effects.append(of_replicates(f"{what}: {a.name} and {b.name}", np.array(values), "share", least=least))
    why = "needs a pruning run whose optimum is not the dense network, and narrower networks on the same labels"
    return _verdict("L15", effects, f"{why}; without noise leave_out `again`")


def same_groups(found: Sequence[Setting], similar: Sequence[Row]) -> Claim:
    """L16: rank correlation of their loss differences over EL2N groups."""
    effects = []
    for a, b in _narrowing(found):
        kind = "matched" if _noisy(a.evidence) else "optimum"
        some = [row for row in similar if (row["a"], row["b"], row["how"]) == (a.name, b.name, "changed")]
        values = [row["groups_correlation"] for row in some if row["rounds"] == kind]
        if values and None not in values:
            what = f"rank correlation over EL2N groups: {a.name} and {b.name}"
            effects.append(of_replicates(what, np.array(values), "correlation", least=0.5))
    why = "needs a pruning run whose optimum is not the dense network, and narrower networks on the same labels"
    return _verdict("L16", effects, why)


def only_ever(found: Sequence[Setting]) -> Claim:
    """L22: extended training only improves groups, narrowing only worsens them."""
    trained_on = [one for one in found if one["prune.fraction"] == 0 and one["model.width"] == _widest(found)]
    if not trained_on or not _narrowing(found):
        return _verdict("L22", [], "needs an extended dense run (prune.fraction=0) and narrower networks")
    effects = [
        replace(effect, what=f"{one.name}: {effect.what}")
        for one in trained_on
        for effect in claims.extended_effects(one.evidence)
    ]
    first_of_each = {b.name: (a, b) for a, b in reversed(_narrowing(found))}
    for a, b in first_of_each.values():
        first, second = paired(a.evidence, b.evidence)
        # Held against the widest dense network, on its groups' losses: difference = narrow - widest.
        share = (second.group_loss_RGS[0] - first.group_loss_RGS[0] >= 0).mean(axis=0) - 0.9
        effects.append(of_replicates(f"{b.name}: share of groups with loss difference >= 0, - 0.9", share, "share"))
    return _verdict("L22", effects, "")


def optima(what: str, better: Evidence, worse: Evidence, plus: float = 0.0) -> Effect:
    """Test accuracies, each at its own optimum, in points."""
    worse_ST = measured.best(worse).right(worse.right_RST)
    return measured.gain(what, better.right_RST, measured.best(better), worse_ST, plus=plus, least=0.0)


def paired(*some: Evidence) -> tuple[Evidence, ...]:
    """The same seeds of each; where none is shared, as they are, cut to as many replicates."""
    shared = sorted(set.intersection(*({*run.seeds} for run in some)))
    number = min(len(run.seeds) for run in some)
    return tuple(run.of_seeds(shared or run.seeds[:number]) for run in some)


def _pairs(
    found: Sequence[Setting], name: str, fits: Callable[[Any, Any], bool], free: Sequence[str] = ()
) -> list[tuple[Setting, Setting]]:
    """Settings that differ in one parameter (and in those that are free) as asked."""
    return [
        (a, b)
        for a in found
        for b in found
        if a is not b and fits(a[name], b[name]) and a.rest(name, *free) == b.rest(name, *free)
    ]


def _narrowing(found: Sequence[Setting]) -> list[tuple[Setting, Setting]]:
    """Each pruning run of the widest network, with each narrower one on the same labels."""
    free = ("model.width", "prune.fraction", "n_rounds", "prune.schedule", "prune.retrain")
    every = [
        (a, b)
        for a in found
        for b in found
        if a["prune.fraction"] > 0
        and b["prune.fraction"] == 0
        and b["model.width"] < a["model.width"] == _widest(found)
        and a.rest(*free) == b.rest(*free)
    ]
    # As the paper has it, where there is such a run: one-shot pruning with learning-rate rewinding.
    once = {(a.name, b.name): (a["prune.schedule"], a["prune.retrain"]) == ("one_shot", "lr_rewind") for a, b in every}
    beside = {b.name for a, b in every if once[a.name, b.name]}
    return [(a, b) for a, b in every if once[a.name, b.name] or b.name not in beside]


def _widest(found: Sequence[Setting]) -> float:
    return max(float(one["model.width"]) for one in found)


def _noisy(run: Evidence) -> bool:
    return bool(np.isfinite(run.curve["permuted_loss"]).all())


def _where(one: Setting, found: Sequence[Setting], *but: str) -> str:
    """What tells it from others, where there are others."""
    return f", {one.name}" if len(found) > 2 else ""


def _verdict(number: str, effects: Sequence[Effect], lacking: str) -> Claim:
    needs = claims.COMPARING.get(number, claims.NARROWER)
    if not effects:
        return undecided(TEXTS[number], lacking, needs)
    claim = judged(TEXTS[number], effects)
    return claim if claim.needs is None else replace(claim, needs={**needs, **claim.needs})
