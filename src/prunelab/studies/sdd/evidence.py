"""What the claims are judged on: one run's tables as arrays over rounds and replicates.

R rounds (from the dense one on), S replicates, T test examples. Runs that differ in their seeds alone are one run
with more replicates: their tables are read one after the other (`joined`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab import byround, regimes
from prunelab.studies.sdd import answers, tables

Array = NDArray[np.float64]
Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Examples = Mapping[str, NDArray[Any]]
# The tables of plots/ that are read.
TABLES = ("double_descent", "memorization", "distance", "redense", "reinit", "curvature", "interpolation")
GUESSING = 0.01  # above chance, last test accuracy of a network that answers by guessing is not
EXAMPLES = ("rounds", "seeds", "num_test", "num_classes", *answers.KINDS)  # and the arrays of test_examples.npz


@dataclass(frozen=True)
class Evidence:
    """What a run left behind; nan where something was not measured."""

    noise: float  # the parameter: what was put on top of the labels as they came
    seeds: list[int]
    rounds: list[str]
    sparsity_R: Array
    regime_R: list[str]
    models: Mapping[str, int]  # as figures show them: found on the curves themselves
    sparse: Mapping[str, Array]  # train, test_last, permuted, unpermuted, restored, from_start -> [R, S]
    redense: Mapping[str, Array]  # permuted, from_start
    reinit: Mapping[str, Array]  # test_last
    right: Mapping[str, NDArray[np.bool_]]  # last, best, reinit -> [R, S, T]
    eigenvalue: Mapping[str, Array]  # sparse, redense -> [R, S], the largest
    climb_RS: Array  # of the path, as a share of its range
    chance: float = 0.0  # accuracy of guessing

    @property
    def noisy(self) -> bool:
        """Whether labels were wrong in training: by the parameter, or because the data brought wrong ones."""
        return self.noise > 0 or bool(np.isfinite(self.sparse["permuted"]).any())

    def cut(self, rounds: int | None, seeds: Sequence[int]) -> "Evidence":
        """The first so many rounds (None: all) of these replicates, in their order; regimes stay as they are."""
        columns = [self.seeds.index(seed) for seed in seeds]

        def part(some: Mapping[str, Any]) -> dict[str, Any]:
            return {name: values[:rounds][:, columns] for name, values in some.items()}

        return replace(
            self,
            seeds=list(seeds),
            rounds=self.rounds[:rounds],
            sparsity_R=self.sparsity_R[:rounds],
            regime_R=self.regime_R[:rounds],
            sparse=part(self.sparse),
            redense=part(self.redense),
            reinit=part(self.reinit),
            right=part(self.right),
            eigenvalue=part(self.eigenvalue),
            climb_RS=self.climb_RS[:rounds][:, columns],
        )

    def high(self, measure: Array) -> list[int]:
        """Rounds of the high regime for which a measure exists, and whose networks still do better than to guess.

        Of two networks that prune to nothing and answer one class always, each matches the other: that shows nothing.
        """
        better = self.sparse["test_last"].mean(axis=1) > self.chance + GUESSING
        return [r for r in self.of("high") if better[r] and np.isfinite(measure[r]).all()]

    def of(self, regime: str) -> list[int]:
        """Rounds of a regime."""
        return [r for r, found in enumerate(self.regime_R) if found == regime]


def of_tables(found: Tables, examples: Examples, noise: float) -> Evidence:
    """From a run's tables, by name, and its test examples (answers.packed)."""
    curve = found["double_descent"]
    rounds, seeds = (list(dict.fromkeys(row[name] for row in curve)) for name in ("round", "seed"))

    def column(name: str, value: str, **of: str) -> Array:
        some = [row for row in found[name] if all(row[key] == wanted for key, wanted in of.items())]
        return byround.array(some, value, rounds, seeds)

    sparse = {name: column("double_descent", name) for name in ("train", "test_last", "test_best", "validation")}
    train, last, best, validation = (values.mean(axis=1) for values in sparse.values())
    sparse |= {s: column("memorization", "accuracy", subset=s) for s in ("permuted", "unpermuted", "restored")}
    chance = 1 / int(examples["num_classes"])
    sparse["from_start"] = column("distance", "from_start", training="sparse")
    return Evidence(
        noise=noise,
        seeds=seeds,
        rounds=rounds,
        sparsity_R=column("double_descent", "sparsity")[:, 0],
        regime_R=regimes.regimes(train, last, chance),
        models=regimes.named_models(last, best, validation),
        sparse=sparse,
        redense={
            "permuted": column("redense", "permuted", training="redense"),
            "from_start": column("distance", "from_start", training="redense"),
        },
        reinit={"test_last": column("reinit", "test_last", training="reinit")},
        right={kind: answers.right(examples, kind, rounds, seeds) for kind in answers.KINDS},
        eigenvalue={kind: column("curvature", "eigenvalue", training=kind) for kind in ("sparse", "redense")},
        climb_RS=_climbs(found["interpolation"], rounds, seeds),
        chance=chance,
    )


def joined(runs: Sequence[tuple[Tables, Examples]]) -> tuple[dict[str, list[Row]], Examples]:
    """Tables and test examples of several runs as those of one that has the replicates of all.

    Of a seed that several have, the first run's counts; rounds that one of them lacks are left out.
    """
    curves = [found["double_descent"] for found, _ in runs]
    shared = [r for r in dict.fromkeys(row["round"] for row in curves[0]) if all(_has(curve, r) for curve in curves)]
    result: dict[str, list[Row]] = {name: [] for name in TABLES}
    parts, seen = [], set()
    for (found, examples), curve in zip(runs, curves, strict=True):
        new = [seed for seed in dict.fromkeys(row["seed"] for row in curve) if seed not in seen]
        seen.update(new)
        for name in TABLES:
            result[name] += [row for row in found[name] if row["seed"] in new and row["round"] in shared]
        if new:
            parts.append((examples, new))
    # Rows in the order of rounds, as one run's: what is averaged over replicates meets all of them at once.
    result["double_descent"].sort(key=lambda row: shared.index(row["round"]))
    return result, answers.joined(parts, shared)


def _has(curve: Sequence[Row], key: str) -> bool:
    return any(row["round"] == key for row in curve)


def _climbs(rows: Sequence[Row], rounds: Sequence[str], seeds: Sequence[int]) -> Array:
    paths: dict[tuple[str, int], list[Row]] = {}
    for row in rows:
        paths.setdefault((row["round"], row["seed"]), []).append(row)
    climbs = {place: tables.climb(path) for place, path in paths.items()}
    return np.array([[climbs.get((key, seed)) for seed in seeds] for key in rounds], dtype=float)
