"""What the claims are judged on: one run's tables as arrays. R rounds, S replicates, G groups, T test images.

Runs that differ in their seeds alone are one run with more replicates (`joined`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab import byround, regimes
from prunelab.studies.lens import optimum
from prunelab.studies.lens.gather import Found

Array = NDArray[np.float64]
Right = NDArray[np.bool_]
Row = Mapping[str, Any]
Tables = Mapping[str, Sequence[Row]]
Examples = Mapping[str, NDArray[Any]]
TABLES = ("curve", "subgroups", "affected", "leave_out", "again", "scores")
FACTS = ("seeds", "num_test", "num_classes")
AFFECTED = (
    *("concentration", "mean_change", "hard_difference", "easy_difference", "correlation", "worsened_wrong"),
    *("worsened_percentile", "least_percentile"),
)


@dataclass(frozen=True)
class Evidence:
    """What a run left behind; nan where something was not measured."""

    noise: float
    retrain: str
    fraction: float  # of the weights that each round removes
    seeds: list[int]
    keys: list[str]
    sparsity_R: Array
    curve: Mapping[str, Array]  # the columns of curve.csv [R, S]
    difference_RGS: Array  # mean loss difference by EL2N group
    group_loss_RGS: Array  # mean loss of each
    affected: Mapping[str, Array]  # [R, S]
    again: Mapping[str, Array]  # concentration, mean_change between two dense networks [S], mean over draws
    auc_S: Array
    wrong_S: Array  # the share of wrong labels
    right_RST: Right
    parts: Mapping[str, Right]  # [S, T]
    validation: Mapping[str, Array]  # of networks trained on parts [S]
    chance: float

    @property
    def chosen(self) -> optimum.Chosen:
        """The rounds that figures show: found on mean curves."""
        return optimum.choose(self.curve["test_last"].mean(axis=1), self.curve["validation"].mean(axis=1))

    @property
    def regime(self) -> list[str]:
        """trivial, critical or high."""
        return regimes.regimes(self.curve["train"].mean(axis=1), self.curve["test_last"].mean(axis=1), self.chance)

    @property
    def gap(self) -> Array:
        """Loss on permuted examples, less that on the others (Q8)."""
        return self.curve["permuted_loss"] - self.curve["unpermuted_loss"]

    def of_seeds(self, seeds: Sequence[int]) -> "Evidence":
        """These replicates of it, in their order."""
        at = [self.seeds.index(seed) for seed in seeds]
        return replace(
            self,
            seeds=list(seeds),
            curve={name: values[:, at] for name, values in self.curve.items()},
            difference_RGS=self.difference_RGS[:, :, at],
            group_loss_RGS=self.group_loss_RGS[:, :, at],
            affected={name: values[:, at] for name, values in self.affected.items()},
            again={name: values[at] for name, values in self.again.items()},
            auc_S=self.auc_S[at],
            wrong_S=self.wrong_S[at],
            right_RST=self.right_RST[:, at],
            parts={key: right[at] for key, right in self.parts.items()},
            validation={key: values[at] for key, values in self.validation.items()},
        )

    def of(self, which: str) -> dict[str, Right]:
        """Right answers of networks trained on such parts."""
        return {key: right for key, right in self.parts.items() if key.rpartition("-")[0] == which}

    def number(self, key: str) -> int:
        """The position of the round that a part is called after."""
        return self.keys.index(key.rpartition("-")[2])


def packed(found: Found, num_classes: int) -> dict[str, NDArray[Any]]:
    """Which test images each network gets right: for each round and part bits [S, ceil(T / 8)], and FACTS."""
    facts = {"seeds": found.seeds, "num_test": found.right_RST.shape[2], "num_classes": num_classes}
    bits = {key: found.right_RST[r] for r, key in enumerate(found.keys)}
    bits |= {key: np.array([one.right_T for one in part.answers]) for key, part in found.parts.items()}
    return {name: np.array(value, dtype=np.int64) for name, value in facts.items()} | {
        key: np.packbits(right, axis=-1) for key, right in bits.items()
    }


def of_tables(tables: Tables, examples: Examples, settings: Mapping[str, Any]) -> Evidence:
    """From a run's tables and its test examples; `settings` are its parameters by dotted name."""
    curve = tables["curve"]
    keys, seeds = (list(dict.fromkeys(row[name] for row in curve)) for name in ("round", "seed"))
    columns = ("sparsity", "train", "test_last", "validation", "train_loss", "permuted_loss", "unpermuted_loss")
    arrays = {name: byround.array(curve, name, keys, seeds) for name in columns}
    count = max(int(row["group"]) for row in tables["subgroups"])
    by_group = [[row for row in tables["subgroups"] if row["group"] == g + 1] for g in range(count)]

    def right(key: str) -> Right:
        return np.unpackbits(examples[key], axis=-1, count=int(examples["num_test"])).astype(bool)

    parts = list(dict.fromkeys(row["part"] for row in tables["leave_out"]))
    scores = {row["seed"]: row for row in tables["scores"]}
    return Evidence(
        noise=settings["noise"],
        retrain=settings["prune.retrain"],
        fraction=settings["prune.fraction"],
        seeds=seeds,
        keys=keys,
        sparsity_R=arrays.pop("sparsity")[:, 0],
        curve=arrays,
        difference_RGS=np.stack([byround.array(some, "difference", keys, seeds) for some in by_group], axis=1),
        group_loss_RGS=np.stack([byround.array(some, "loss", keys, seeds) for some in by_group], axis=1),
        affected={name: byround.array(tables["affected"], name, keys, seeds) for name in AFFECTED},
        again={name: _mean(tables["again"], name, seeds) for name in ("concentration", "mean_change")},
        auc_S=np.array([scores[seed]["auc"] for seed in seeds], dtype=float),
        wrong_S=np.array([scores[seed]["wrong"] / scores[seed]["examples"] for seed in seeds]),
        right_RST=np.array([right(key) for key in keys]),
        parts={key: right(key) for key in parts},
        validation={
            key: byround.array([r for r in tables["leave_out"] if r["part"] == key], "validation", [_by(key)], seeds)[0]
            for key in parts
        },
        chance=1 / int(examples["num_classes"]),
    )


def joined(runs: Sequence[tuple[Tables, Examples]]) -> tuple[dict[str, list[Row]], dict[str, NDArray[Any]]]:
    """Tables and test examples of several runs as those of one that has the replicates of all.

    Of a seed that several have, the first run's counts; rounds and parts that one of them lacks are left out.
    """
    keys = set.intersection(*({*examples} for _, examples in runs)) - {*FACTS}
    result: dict[str, list[Row]] = {name: [] for name in TABLES}
    seen: list[int] = []
    bits: dict[str, list[NDArray[Any]]] = {key: [] for key in keys}
    for tables, examples in runs:
        new = [seed for seed in examples["seeds"].tolist() if seed not in seen]
        seen += new
        for name in TABLES:
            result[name] += [row for row in tables[name] if row["seed"] in new and _shared(row, keys)]
        at = [examples["seeds"].tolist().index(seed) for seed in new]
        for key in keys:
            bits[key].append(examples[key][at])
    result["curve"].sort(key=lambda row: str(row["round"]))
    first = runs[0][1]
    facts = {"seeds": np.array(seen), "num_test": first["num_test"], "num_classes": first["num_classes"]}
    return result, facts | {key: np.concatenate(some) for key, some in bits.items()}


def _shared(row: Row, keys: set[str]) -> bool:
    return row.get("round", next(iter(keys))) in keys and row.get("part", next(iter(keys))) in keys


def _by(key: str) -> str:
    """The round that a part's rows stand at."""
    number = key.rpartition("-")[2]
    return number if number.startswith("r") else "r00"


def _mean(rows: Sequence[Row], column: str, seeds: Sequence[int]) -> Array:
    """Over draws [S]; nan where there is none."""
    found = [[row[column] for row in rows if row["seed"] == seed] for seed in seeds]
    return np.array([np.mean(some) if some else np.nan for some in found])
