"""Do two runs change the same examples? Jaccard similarity beside what chance, and two other nulls, would give.

Both are held against one dense network: that of the run with the widest network, r00 of the same seed. Labels and
splits depend on data, noise and seed alone, so that example i is the same in both. N examples (Lens I, Table 3).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.judging import effects
from prunelab.studies.lens import groups, places, stored
from prunelab.studies.lens.evidence import Evidence

COLUMNS = (
    *("a", "b", "rounds", "round_a", "round_b", "seed", "how", "share", "jaccard", "between_dense", "by_forgetting"),
    *("chance", "jaccard_permuted", "groups_correlation", "change_a", "change_b", "change_between_dense", "baseline"),
)
# What two runs must share for their examples to be the same.
SAME_EXAMPLES = ("dataset", "data", "subset.train", "subset.test", "noise", "noise_type", "train.validation")
GROUPS = 20
Losses = NDArray[np.float32]


@dataclass(frozen=True)
class Pair:
    """Two runs, by their names in the comparison, with what was judged on them and the seeds that they share."""

    names: tuple[str, str]
    runs: tuple[Run, Run]
    evidence: tuple[Evidence, Evidence]
    baseline: Run  # the widest; if another has the same network and what two dense ones have in common, that
    seeds: list[int]

    @cached_property
    def rounds(self) -> dict[str, tuple[int, int]]:
        """Which rounds are compared.

        - optimum: each run's own;
        - matched: the second's, and the first's whose loss on permuted examples (without noise: on all) is nearest.

        Of a network that is not the widest the last round counts: trained for two cycles, as one-shot pruning is.
        """
        first, second = self.evidence
        narrow = self.runs[1].settings["model.width"] < self.baseline.settings["model.width"]
        b = len(second.keys) - 1 if narrow else second.chosen.best
        losses = [_loss(run) for run in (first, second)]
        matched = 1 + int(np.argmin(np.abs(losses[0][1:] - losses[1][b])))
        return {"optimum": (first.chosen.best, b), "matched": (matched, b)}


def pairs(named: Sequence[tuple[str, Run, Evidence]]) -> list[Pair]:
    """All pairs whose examples are the same; a run that only narrows, or only trains on, comes second."""
    found = []
    order = sorted(named, key=lambda one: (-one[1].settings["model.width"], one[1].settings["prune.fraction"] == 0))
    for i, (name, run, evidence) in enumerate(order):
        for other, second, of_second in order[i + 1 :]:
            seeds = sorted({*run.params["seeds"]} & {*second.params["seeds"]})
            same = all(run.settings.get(key) == second.settings.get(key) for key in SAME_EXAMPLES)
            if same and seeds:
                baseline = next((one for _, one, _ in order if _same_dense(one, run, seeds) and _again(one)), run)
                found.append(Pair((name, other), (run, second), (evidence, of_second), baseline, seeds))
    return found


def _same_dense(one: Run, other: Run, seeds: Sequence[int]) -> bool:
    """Whether two runs have the same dense network, of these seeds."""
    settings = [run.settings for run in (one, other)]
    names = {name for some in settings for name in some if name.split(".")[0] in ("model", "train", "sparse", "engine")}
    alike = all(settings[0].get(name) == settings[1].get(name) for name in (*SAME_EXAMPLES, *names))
    return alike and {*seeds} <= {*one.params["seeds"]}


def _again(run: Run) -> list[str]:
    """Its dense networks of other initialisations."""
    return [key for key in ("again-0", "again-1") if key in (run.params.get("leave_out_runs") or {})]


def rows(pair: Pair) -> list[dict[str, Any]]:
    """A row for each pair of rounds, replicate, and way of being affected."""
    result = []
    for seed in pair.seeds:
        widest = pair.baseline
        dense = losses(widest, "r00", seed)
        permuted, score = _permuted_and_el2n(widest, seed, len(dense))
        null = _between_dense(widest, seed, dense)
        for kind, (r_a, r_b) in pair.rounds.items():
            keys = pair.evidence[0].keys[r_a], pair.evidence[1].keys[r_b]
            a, b = (losses(run, key, seed) - dense for run, key in zip(pair.runs, keys, strict=True))
            row: dict[str, Any] = {
                "a": pair.names[0],
                "b": pair.names[1],
                "rounds": kind,
                "round_a": keys[0],
                "round_b": keys[1],
            }
            row |= {"seed": seed, "share": groups.TENTH, "by_forgetting": _by_forgetting(float(permuted.mean()))}
            row |= {"chance": groups.jaccard_of_chance(groups.TENTH), "groups_correlation": _of_groups(a, b, score)}
            row |= {"change_a": float(np.abs(a).mean()), "change_b": float(np.abs(b).mean())}
            row |= {"change_between_dense": null["change"], "baseline": f"{widest.name} r00"}
            for how in ("changed", "worsened", "improved"):
                within = jaccard(a[permuted], b[permuted], how) if permuted.any() else None
                found = {"how": how, "jaccard": jaccard(a, b, how), "jaccard_permuted": within}
                result.append(row | found | {"between_dense": null[how]})
    return result


def jaccard(a_N: Losses, b_N: Losses, how: str) -> float | None:
    """Of the two tenths that are affected most; None where one of the two networks is the dense one itself."""
    if not a_N.any() or not b_N.any():
        return None
    return groups.jaccard(*(groups.affected(some, groups.TENTH, how) for some in (a_N, b_N)))


def losses(run: Run, key: str, seed: int, folder: Path = artifacts.ROUNDS) -> Losses:
    """Each training example's loss in a round of a run [N]. Raises UserError that names run and file."""
    path = artifacts.replicate(artifacts.of_round(folder, key), seed) / artifacts.EXAMPLES
    return stored.answers_of(_arrays(run, path), Path(f"{run.name}: {path}")).loss_N


def _between_dense(run: Run, seed: int, dense_N: Losses) -> dict[str, float | None]:
    """What two dense networks of other initialisations have in common, held against the same baseline."""
    some = _again(run)
    if len(some) < 2:
        return dict.fromkeys(("changed", "worsened", "improved", "change"))
    a, b = (losses(run, key, seed, places.LEAVE_OUT) - dense_N for key in some)
    found: dict[str, float | None] = {how: jaccard(a, b, how) for how in ("changed", "worsened", "improved")}
    return found | {"change": float(np.abs(a).mean() + np.abs(b).mean()) / 2}


def _by_forgetting(permuted: float) -> float | None:
    """Of two networks that each forget a random tenth of all, among the permuted; None where those are fewer."""
    return groups.TENTH / (2 * permuted - groups.TENTH) if permuted >= groups.TENTH else None


def _of_groups(a_N: Losses, b_N: Losses, score_N: Losses) -> float | None:
    """Rank correlation of mean loss difference over EL2N groups; None as for `jaccard`."""
    if not a_N.any() or not b_N.any():
        return None
    of = groups.groups(score_N, GROUPS)
    return effects.ranked(*(groups.by_group(some, of, GROUPS) for some in (a_N, b_N)))


def _loss(run: Evidence) -> NDArray[np.float64]:
    noisy = np.isfinite(run.curve["permuted_loss"]).all()
    return np.asarray(run.curve["permuted_loss" if noisy else "train_loss"].mean(axis=1))


def _permuted_and_el2n(run: Run, seed: int, count: int) -> tuple[NDArray[np.bool_], Losses]:
    """Which training examples had their labels drawn anew, and how hard each is: [N] both."""
    path = artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS
    found = _arrays(run, path)
    inside = ~found["validation"]
    if int(inside.sum()) != count:
        raise UserError(f"{run.name}: {path}: has labels of {int(inside.sum())} examples, its rounds {count}")
    path = artifacts.replicate(artifacts.EARLY, seed) / artifacts.SCORES
    each = _arrays(run, path)["el2n"]
    if each.shape[1] != len(inside):
        raise UserError(f"{run.name}: {path}: has scores of {each.shape[1]} examples, must be {len(inside)}")
    return np.asarray(found["permuted"][inside]), each[:, inside].mean(axis=0, dtype=np.float32)


def _arrays(run: Run, path: Path) -> dict[str, artifacts.Array]:
    content = run.bytes(str(path))
    if content is None:
        raise UserError(f"{run.name}: has no {path}; `dvc pull` fetches it, or run it again")
    with artifacts.reading(Path(f"{run.name}: {path}")):
        return artifacts.arrays_of(content)
