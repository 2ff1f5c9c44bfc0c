"""What rounds and this study's training left on disk, read and held against each other: damage is named.

N training examples (without the validation split), T test images, K classes.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, given
from prunelab.core.rounds import early
from prunelab.studies.lens import places, scores
from prunelab.studies.lens.parts.choice import Seen

DENSE = "r00"
Row = dict[str, Any]


@dataclass(frozen=True)
class Labels:
    """A replicate's labels, of the examples it trains on."""

    rows_N: NDArray[np.int64]  # which of the data set's training images they are
    given_N: NDArray[np.int64]
    original_N: NDArray[np.int64]
    permuted_N: NDArray[np.bool_]

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether the given label is not the original one."""
        return self.given_N != self.original_N


@dataclass(frozen=True)
class Answers:
    """What a network makes of each example."""

    predicted_N: NDArray[np.integer]
    loss_N: NDArray[np.float32]
    right_T: NDArray[np.bool_]


def part(key: str) -> tuple[str, int]:
    """What a part is called: ("improved", 6) of improved-r06, ("random", 0) of random-0."""
    which, _, number = key.rpartition("-")
    return which, int(number.removeprefix("r"))


def labels(seed: int, original: NDArray[np.int64], num_classes: int) -> Labels:
    """A replicate's. Raises UserError that names the file.

    Args:
        seed: the replicate.
        original: the data set's labels of all training images.
        num_classes: K.
    """
    found = given.labels(seed, len(original), num_classes)
    rows_N = np.flatnonzero(~found["validation"])
    return Labels(rows_N, found["given"][rows_N], original[rows_N], found["permuted"][rows_N])


def answers(folder: Path, key: str, seed: int, count: int | None = None, tests: int | None = None) -> Answers:
    """What a round's network, or one trained on a part, makes of all training examples and test images.

    Args:
        folder: artifacts.ROUNDS or places.LEAVE_OUT.
        key: the round, or the part.
        seed: the replicate.
        count: N.
        tests: T.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = artifacts.replicate(artifacts.of_round(folder, key), seed) / artifacts.EXAMPLES
    return answers_of(artifacts.read_arrays(path, ("predicted", "loss", "test_right")), path, count, tests)


def answers_of(
    found: dict[str, artifacts.Array], path: Path, count: int | None = None, tests: int | None = None
) -> Answers:
    """From the arrays of such a file. Raises UserError that names it."""
    with artifacts.reading(path):
        size = (len(found["loss"]) if count is None else count,)
        _is(found["predicted"], np.integer, size, "predicted")
        _is(found["loss"], np.floating, size, "loss")
        _is(found["test_right"], np.bool_, (len(found["test_right"]) if tests is None else tests,), "test_right")
        if not np.isfinite(found["loss"]).all():
            raise ValueError("loss holds NaN or infinity")
    return Answers(found["predicted"], found["loss"].astype(np.float32), found["test_right"])


def seen(key: str, seed: int, given_N: NDArray[np.integer]) -> Seen:
    """What a round's losses say of each example, beside the dense network's. Raises UserError that names a file."""
    dense, found = (answers(artifacts.ROUNDS, name, seed, len(given_N)) for name in (DENSE, key))
    return Seen(given_N, found.predicted_N, found.loss_N, dense.loss_N)


def el2n(seed: int, labels: Labels, count: int) -> tuple[NDArray[np.float32], Row]:
    """A replicate's EL2N scores [N], means over networks, and how good they are. Raises UserError that names a file.

    Args:
        seed: the replicate.
        labels: its own.
        count: of all training images of the data set; the early ensemble looks at those held out too.
    """
    found, record = early.read(seed, count)
    each_MN = found["el2n"][:, labels.rows_N]
    score_N = each_MN.mean(axis=0)
    told = {"auc": scores.auc(score_N, labels.wrong), "agreement": scores.agreement(each_MN)}
    return score_N, {"seed": seed, **told, "epochs": record["epochs"], "networks": len(each_MN)}


def part_record(key: str, seed: int) -> Row:
    """The record of a network trained on a part. Raises UserError that names the file."""
    path = artifacts.replicate(artifacts.of_round(places.LEAVE_OUT, key), seed) / artifacts.RECORD
    needs = ("part", "trained_on", "left_out_permuted_share", "last.validation_accuracy")
    record: Row = artifacts.read_json(path, (*needs, "last.test_accuracy", "best.test_accuracy"))
    with artifacts.reading(path):
        _own(record, part=key, seed=seed)
        _numbers(record, ("trained_on",))
        _numbers(record, ("left_out_permuted_share",), empty=True)
        _numbers(record["last"], ("test_accuracy",))
        _numbers(record["last"], ("validation_accuracy",), empty=True)
        _numbers(record["best"], ("test_accuracy",))
    return record


def round_record(key: str, seed: int) -> Row:
    """The record of a round, with the losses and accuracies of each subset. Raises UserError that names the file."""
    measured = [f"{subset}_loss" for subset in ("train", "permuted", "unpermuted", "restored", "test")]
    needs = ("sparsity", "remaining", *(f"last.{name}" for name in (*measured, "train_accuracy", "test_accuracy")))
    record: Row = artifacts.read_record(artifacts.ROUNDS, key, seed, needs)
    with artifacts.reading(artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), seed) / artifacts.RECORD):
        _numbers(record, ("sparsity", "remaining"))
        _numbers(record["last"], ("train_loss", "test_loss", "train_accuracy", "test_accuracy"))
        held_out = [name for name in ("validation_loss", "validation_accuracy") if name in record["last"]]
        _numbers(record["last"], held_out)
        _numbers(record["last"], [f"{subset}_loss" for subset in ("permuted", "unpermuted", "restored")], empty=True)
    return record


def _is(array: artifacts.Array, kind: Any, shape: tuple[int, ...], name: str) -> None:
    if array.shape != shape or not np.issubdtype(array.dtype, kind):
        raise ValueError(f"{name} is {array.dtype} {array.shape}, not {kind.__name__} {shape}")


def _numbers(row: Row, names: Any, *, empty: bool = False) -> None:
    for name in names:
        value = row[name]
        if value is None and empty:
            continue
        if type(value) not in (int, float) or not np.isfinite(value):
            raise ValueError(f"{name} is {value!r:.40}, no number")


def _own(record: Row, **must: Any) -> None:
    for name, value in must.items():
        if record[name] != value:
            raise ValueError(f"is that of {name} {record[name]!r:.40}, not {value}")
