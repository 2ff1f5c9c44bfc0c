"""From what the rounds recorded to tidy tables: one row per round and replicate (and epoch, where epochs matter).

A record is a round's record.json; a history its history.csv. The tables are what figures, DVC plots and a reader's
own scripts use, so their column names are kept.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
SUBSETS = ("permuted", "unpermuted", "restored", "test")
POINT = ("round", "sparsity", "remaining", "seed")
BESIDE = (*POINT, "training", "train", "test_last", "test_best", "permuted", "restored")


def mean_by_round(rows: Sequence[Row], column: str) -> NDArray[np.float64]:
    """The mean over replicates of a column, for each round in order of appearance; nan where it is empty."""
    return np.array([mean_std(values)[0] for values in _by_round(rows, column).values()], dtype=float)


def mean_std(values: Iterable[float | None]) -> tuple[float | None, float | None]:
    """Mean and sample standard deviation (n - 1), each None where it was not measured.

    That is: both if a value is missing, the deviation if there is one value only.
    """
    array = np.array(list(values), dtype=float)  # None becomes nan
    if np.isnan(array).any():
        return None, None
    return float(array.mean()), float(array.std(ddof=1)) if len(array) > 1 else None


def double_descent(records: Sequence[Row]) -> list[Row]:
    """Accuracies against sparsity: the curve of SDD Figure 1; `validation`, last epoch, is None without a split."""
    return [
        _point(r)
        | {
            "train": r["last"]["train_accuracy"],
            "test_last": r["last"]["test_accuracy"],
            "test_best": r["best"]["test_accuracy"],
            "validation": r["last"].get("validation_accuracy"),
        }
        for r in records
    ]


def memorization(records: Sequence[Row]) -> list[Row]:
    """Final accuracy on each subset, in long form: `subset`, `accuracy` (SDD Figure 3)."""
    return [
        _point(r) | {"subset": subset, "accuracy": r["last"][f"{subset}_accuracy"]}
        for subset in SUBSETS
        for r in records
        if r["last"][f"{subset}_accuracy"] is not None
    ]


def distance(records: Sequence[Row], redense_records: Sequence[Row]) -> list[Row]:
    """Both l2 distances with the last test accuracy, `training` sparse or redense (SDD Figure 7)."""
    return [
        _point(r) | {"training": training} | r["distance"] | {"test_last": r["last"]["test_accuracy"]}
        for training, some in (("sparse", records), ("redense", redense_records))
        for r in some
    ]


def beside(records: Sequence[Row], other_records: Sequence[Row], training: str) -> list[Row]:
    """What else was trained beside the rounds it started from: `training` is sparse, or redense (SDD 5) or reinit."""
    wanted = {(r["round"], r["seed"]) for r in other_records}
    pairs = (("sparse", [r for r in records if (r["round"], r["seed"]) in wanted]), (training, other_records))
    return [
        _point(r)
        | {"training": training, "train": r["last"]["train_accuracy"], "test_last": r["last"]["test_accuracy"]}
        | {"test_best": r["best"]["test_accuracy"]}
        | {subset: r["last"][f"{subset}_accuracy"] for subset in ("permuted", "restored")}
        for training, some in pairs
        for r in some
    ]


def dynamics(models: Mapping[str, int], histories: Mapping[tuple[str, int], Sequence[Row]]) -> list[Row]:
    """Accuracy and loss per epoch of the named models only (SDD Figures 2 and 3).

    Args:
        models: name -> round number.
        histories: (round, seed) -> history, for those rounds.
    """
    columns = {f"{s}_{m}": f"{s}_{m}" for s in ("train", *SUBSETS) for m in ("accuracy", "loss")}
    return [
        {"model": name, "round": key, "seed": seed, "epoch": row["epoch"]} | {c: row[c] for c in columns}
        for name, number in models.items()
        for (key, seed), history in histories.items()
        if key == f"r{number:02d}"
        for row in history
    ]


def named_models(records: Sequence[Row], models: Mapping[str, int]) -> list[Row]:
    """Mean and standard deviation over replicates of the named models' final figures."""
    rows = []
    for name, number in models.items():
        chosen = [r for r in records if r["round"] == f"r{number:02d}"]
        row: Row = {"model": name, "round": f"r{number:02d}", "sparsity": chosen[0]["sparsity"], "n": len(chosen)}
        values = double_descent(chosen)
        for column in ("train", "test_last", "test_best"):
            row[column], row[f"{column}_std"] = mean_std(v[column] for v in values)
        for subset in ("permuted", "restored"):
            row[subset], row[f"{subset}_std"] = mean_std(r["last"][f"{subset}_accuracy"] for r in chosen)
        row["validation"], row["validation_std"] = mean_std(v["validation"] for v in values)
        rows.append(row)
    return rows


def summary(named: Sequence[Row], pruning_efficacy: float) -> Row:
    """metrics/summary.json: small and nested, so that `dvc exp show` stays readable. What was not measured is null."""
    columns = ("round", "sparsity", "train", "test_last", "test_last_std", "test_best", "permuted", "restored")
    result: Row = {}
    for row in named:
        if row["model"] != "underfitting":
            measured = (*columns, "validation") if row["validation"] is not None else columns
            result[row["model"]] = {c: _plain(row[c]) for c in measured}
    return result | {"pruning_efficacy": _plain(pruning_efficacy)}


def _plain(value: Any) -> Any:
    return round(value, 6) if isinstance(value, float) else value


def _point(record: Row) -> Row:
    return {name: record[name] for name in POINT}


def _by_round(rows: Sequence[Row], column: str) -> dict[str, list[Any]]:
    groups: dict[str, list[Any]] = {}
    for row in rows:
        groups.setdefault(row["round"], []).append(row[column])
    return groups
