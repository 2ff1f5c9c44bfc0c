"""From what the rounds recorded to tidy tables: one row per round and replicate (and epoch, where epochs matter).

A record is a round's record.json; a history its history.csv. The tables are what figures, DVC plots and a reader's
own scripts use, so their column names are kept.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prunelab import byround

Row = dict[str, Any]
SUBSETS = ("permuted", "unpermuted", "restored", "test")
POINT = ("round", "sparsity", "remaining", "seed")
DISTANCES = ("from_start", "from_dense_init")
EVERY_EPOCHS = 4
BESIDE = (*POINT, "training", "train", "test_last", "test_best", "permuted", "restored")
ACCURACIES = tuple(f"{subset}_accuracy" for subset in ("train", *SUBSETS))
PER_EPOCH = tuple(f"{subset}_{measure}" for subset in ("train", *SUBSETS) for measure in ("accuracy", "loss"))
MODEL = ("train", "test_last", "test_best", "permuted", "restored", "validation")
LOSSES = ("train_loss", "train_accuracy", "test_loss", "test_accuracy")
# What each table of plots/ has, in this order, even without a row.
COLUMNS: dict[str, tuple[str, ...]] = {
    "double_descent": (*POINT, "train", "test_last", "test_best", "test_best_fitted", "validation", "regime"),
    "memorization": (*POINT, "subset", "accuracy"),
    "distance": (*POINT, "training", *DISTANCES, "test_last"),
    "distance_by_layer": (*POINT, "training", "layer", *DISTANCES),
    "redense": BESIDE,
    "redense_dynamics": ("round", "seed", "training", "epoch", *ACCURACIES),
    "reinit": BESIDE,
    "dynamics": ("model", "round", "seed", "epoch", *PER_EPOCH),
    "interpolation": (*POINT, "alpha", *LOSSES),
    "curvature": (*POINT, "training", "train_loss", "eigenvalue", "trace", "trace_error", "gradient_covariance"),
    "lines": (*POINT, "training", "radius", "train_loss", "train_loss_std"),
    "planes": (*POINT, "training", "x", "y", "train_loss"),
    "spectrum": (*POINT, "training", "at", "density"),
    "effective_dimension": (*POINT, "training", "alpha", "dimension"),
    "curvature_by_layer": (*POINT, "training", "layer", "parameters", "eigenvalue", "trace"),
    "named_models": ("model", "round", "sparsity", "n", *(f"{m}{e}" for m in MODEL for e in ("", "_std"))),
}
# What is read of a round's record.json and history.csv, and of what the landscape stage leaves.
RECORD = (
    *POINT,
    *(f"last.{name}" for name in ACCURACIES),
    "best.test_accuracy",
    "best.fitted_test_accuracy",
    *(f"distance.{name}" for name in (*DISTANCES, "layers")),
)
HISTORY = ("epoch", *PER_EPOCH)
MEASURED = ("parameters", "train_loss", "eigenvalues", "trace", "trace_error", "gradient_covariance")
LANDSCAPE_RECORD = (*POINT, *(f"{of}.{name}" for of in ("sparse", "redense") for name in MEASURED))
PATH, LINES, PLANES = ("alpha", *LOSSES), ("solution", "radius", "train_loss"), ("solution", "x", "y", "train_loss")
SPECTRUM = ("solution", "node", "eigenvalue", "weight")
LINEAR = 1e-3  # eigenvalues below this are near 0, as spectra_tables.py spaces them
LAYERS = ("solution", "layer", "parameters", "eigenvalue", "trace")


def double_descent(records: Sequence[Row]) -> list[Row]:
    """Accuracies against sparsity: the curve of SDD Figure 1; `validation`, last epoch, is None without a split.

    `test_best` is the highest of all epochs, as the papers draw it; `test_best_fitted` that of the epoch chosen on one
    half of the test images, measured on the other.
    """
    return [
        _point(r)
        | {
            "train": r["last"]["train_accuracy"],
            "test_last": r["last"]["test_accuracy"],
            "test_best": r["best"]["test_accuracy"],
            "test_best_fitted": r["best"]["fitted_test_accuracy"],
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
        _point(r)
        | {"training": training}
        | {name: r["distance"][name] for name in DISTANCES}
        | {"test_last": r["last"]["test_accuracy"]}
        for training, some in (("sparse", records), ("redense", redense_records))
        for r in some
    ]


def distance_by_layer(records: Sequence[Row], redense_records: Sequence[Row]) -> list[Row]:
    """Both l2 distances of each layer, in long form: `layer`."""
    return [
        _point(r) | {"training": training, "layer": layer} | found
        for training, some in (("sparse", records), ("redense", redense_records))
        for r in some
        for layer, found in r["distance"]["layers"].items()
    ]


def redense_dynamics(keys: Sequence[str], histories: Mapping[tuple[str, str, int], Sequence[Row]]) -> list[Row]:
    """Accuracies while training sparse and then re-dense, every EVERY_EPOCHS-th epoch (SDD Figures 4, 11 and 13).

    The last epoch of each is always there: where the weights came back, and how it ended.

    Args:
        keys: the rounds.
        histories: (training, round, seed) -> history.
    """
    return [
        {"round": key, "seed": seed, "training": training, "epoch": row["epoch"]} | {c: row[c] for c in ACCURACIES}
        for key in keys
        for (training, name, seed), history in histories.items()
        if name == key
        for row in history
        if row["epoch"] % EVERY_EPOCHS == 0 or row["epoch"] == 1 or row is history[-1]
    ]


def curvature(records: Sequence[Row]) -> list[Row]:
    """Sharpness of sparse and re-dense solutions (SDD 5): largest Hessian eigenvalue, trace, gradient noise."""
    return [
        _point(r)
        | {"training": training, "train_loss": r[training]["train_loss"]}
        | {"eigenvalue": r[training]["eigenvalues"][0]}
        | {name: r[training][name] for name in ("trace", "trace_error", "gradient_covariance")}
        for training in ("sparse", "redense")
        for r in records
    ]


def interpolation(records: Sequence[Row], paths: Mapping[tuple[str, int], Sequence[Row]]) -> list[Row]:
    """Loss and accuracy from each sparse solution to its re-dense one (SDD Figures 5 and 14)."""
    return [_point(r) | row for r in records for row in paths[r["round"], r["seed"]]]


def lines(records: Sequence[Row], along: Mapping[tuple[str, int], Sequence[Row]]) -> list[Row]:
    """Train loss at each radius, mean and standard deviation over directions (SDD Figure 6)."""
    rows = []
    for r in records:
        by: dict[tuple[str, float], list[Row]] = {}
        for row in along[r["round"], r["seed"]]:
            by.setdefault((row["solution"], row["radius"]), []).append(row)
        for (solution, radius), some in by.items():
            loss, spread = byround.mean_std(row["train_loss"] for row in some)
            rows.append(
                _point(r) | {"training": solution, "radius": radius, "train_loss": loss, "train_loss_std": spread}
            )
    return rows


def planes(records: Sequence[Row], over: Mapping[tuple[str, int], Sequence[Row]]) -> list[Row]:
    """Train loss over the plane of two directions, if it was asked for."""
    return [
        _point(r) | {"training": row["solution"]} | {name: row[name] for name in ("x", "y", "train_loss")}
        for r in records
        for row in over.get((r["round"], r["seed"]), ())
    ]


def climb(path: Sequence[Mapping[str, Any]]) -> float:
    """How far train loss climbs above its lowest value so far, at most, as a share of its range: 0 only falls, 1 only
    rises.
    """
    loss = np.array([row["train_loss"] for row in path])
    rise, span = float((loss - np.minimum.accumulate(loss)).max()), float(loss.max() - loss.min())
    return rise / span if span > 0 else 0.0


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
    return [
        {"model": name, "round": key, "seed": seed, "epoch": row["epoch"]} | {c: row[c] for c in PER_EPOCH}
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
            row[column], row[f"{column}_std"] = byround.mean_std(v[column] for v in values)
        for subset in ("permuted", "restored"):
            row[subset], row[f"{subset}_std"] = byround.mean_std(r["last"][f"{subset}_accuracy"] for r in chosen)
        row["validation"], row["validation_std"] = byround.mean_std(v["validation"] for v in values)
        rows.append(row)
    return rows


def summary(named: Sequence[Row], pruning_efficacy: float) -> Row:
    """metrics/sdd.json: small and nested, so that `dvc exp show` stays readable. What was not measured is null."""
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
