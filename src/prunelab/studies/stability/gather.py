"""What arms left, as tidy tables: a row for each arm and replicate, event, epoch. Accuracies are fractions."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from math import isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts
from prunelab.studies.stability import places
from prunelab.studies.stability.arms import keeping
from prunelab.studies.stability.arms.arm import EVENT_COLUMNS, first_of_last
from prunelab.studies.stability.arms.names import arm as named

Row = dict[str, Any]
Right = NDArray[np.float64]
SUBSETS = ("train", "permuted", "unpermuted", "restored", "test")
HALVES = ("first", "second")
ARM_COLUMNS = (
    *("arm", "target", "scheme", "period", "batches", "seed", "rate", "events", "removed"),
    *("stability", "stability_first", "stability_second"),
    *("train", "permuted", "unpermuted", "restored", "test", "test_first", "test_second", "test_best"),
    *("gap", "gap_best", "train_loss", "test_loss", "reliance", "reliance_of_none"),
)
EVENTS = ("arm", "seed", *EVENT_COLUMNS, "instability")
DYNAMICS = ("arm", "seed", "epoch", "test_accuracy", "train_accuracy", "before")


def instability(before: float, after: float) -> float | None:
    """The share of accuracy that an event costs (Stability 2); None where there was none to lose."""
    return (before - after) / before if before > 0 else None


def stability(events: Sequence[Mapping[str, Any]], before: str = "before", after: str = "after") -> float:
    """One minus the mean instability of a run's events; 1 without events, by definition (Stability 2)."""
    costs = [cost for row in events if (cost := instability(row[before], row[after])) is not None]
    return 1 - float(np.mean(costs)) if costs else 1.0


def history(arm: str, seed: int) -> list[Row]:
    """Epoch by epoch. Raises UserError that names a damaged file."""
    path = keeping.of(arm, seed) / artifacts.HISTORY
    needs = [f"{subset}_{what}" for subset in SUBSETS for what in ("loss", "accuracy")]
    rows = artifacts.read_table(path, ["epoch", *needs])
    with artifacts.reading(path):
        if [row["epoch"] for row in rows] != list(range(1, len(rows) + 1)) or not rows:
            raise ValueError("has not one row for each epoch")
        _check_numbers(rows, needs, {name for name in needs if name.startswith(("permuted", "restored"))})
    return rows


def events(arm: str, seed: int) -> list[Row]:
    """Event by event, each with its instability. Raises UserError that names a damaged file."""
    path = keeping.of(arm, seed) / places.EVENTS
    rows = artifacts.read_table(path, EVENT_COLUMNS)
    with artifacts.reading(path):
        _check_numbers(rows, [name for name in EVENT_COLUMNS if name != "layers"])
    return [{"arm": arm, "seed": seed, **row, "instability": instability(row["before"], row["after"])} for row in rows]


def right(arm: str, seed: int, tests: int, epochs: int) -> Right:
    """How often each test example was right in the last so many epochs [T], from 0 to 1. Raises UserError."""
    path = keeping.of(arm, seed) / artifacts.EXAMPLES
    found = artifacts.read_arrays(path, ["test_right"])["test_right"]
    with artifacts.reading(path):
        if found.dtype != np.uint8 or found.shape != (tests,):
            raise ValueError(f"test_right is {found.dtype} {found.shape}, not one for each of {tests} test images")
        if found.max() > epochs:
            raise ValueError(f"test_right reaches {found.max()}, of {epochs} epochs")
    return np.asarray(found / epochs)


@dataclass(frozen=True)
class Replicate:
    """All that one replicate of one arm left, as it was read."""

    arm: str
    seed: int
    history: list[Row]
    events: list[Row]
    record: Row
    right_T: Right
    end: int  # the last epoch, from 0, after which anything may be pruned

    @classmethod
    def read(cls, arm: str, seed: int, tests: int, end: int) -> "Replicate":
        """Raises UserError that names a damaged file."""
        rows = history(arm, seed)
        last = len(rows) - first_of_last(len(rows), end)
        return cls(arm, seed, rows, events(arm, seed), keeping.record(arm, seed), right(arm, seed, tests, last), end)

    def row(self, half_T: NDArray[np.bool_], cost: Mapping[str, Any] | None) -> Row:
        """In one row (ARM_COLUMNS).

        Args:
            half_T: which test images are in the first half.
            cost: what removing its targets costs, where they came back.
        """
        rows, about = self.history, named(self.arm)
        last = rows[first_of_last(len(rows), self.end) :]
        best = max(rows[self.end :], key=lambda row: row["test_accuracy"])
        found: Row = {
            **{name: getattr(about, name) for name in ("target", "scheme", "period", "batches")},
            "arm": self.arm,
            "seed": self.seed,
            "rate": float(self.record["rate"]),
            "events": self.record["events"],
            "removed": self.record["removed"] / self.record["parameters"],
            "stability": stability(self.events),
            "test_best": best["test_accuracy"],
            "gap_best": best["train_accuracy"] - best["test_accuracy"],
            "reliance": cost["reliance"] if cost else None,
            "reliance_of_none": cost["reliance_of_none"] if cost else None,
        }
        for half in HALVES:
            found[f"stability_{half}"] = stability(self.events, f"before_{half}", f"after_{half}")
            some_T = half_T if half == "first" else ~half_T
            found[f"test_{half}"] = float(self.right_T[some_T].mean() if some_T.any() else self.right_T.mean())
        for subset in SUBSETS:
            found[subset] = _mean(row[f"{subset}_accuracy"] for row in last)
        found |= {f"{subset}_loss": _mean(row[f"{subset}_loss"] for row in last) for subset in ("train", "test")}
        found["gap"] = found["train"] - found["test"]
        return {name: found[name] for name in ARM_COLUMNS}

    @property
    def dynamics(self) -> list[Row]:
        """Accuracy after each epoch, and where an event followed it, before that too."""
        before = {row["epoch"]: row["before"] for row in self.events}
        return [
            {"arm": self.arm, "seed": self.seed, "before": before.get(row["epoch"])}
            | {name: row[name] for name in ("epoch", "test_accuracy", "train_accuracy")}
            for row in self.history
        ]


def reliance(arm: str, seed: int) -> Row:
    """What the stage of that name found. Raises UserError that names a damaged file."""
    path = artifacts.replicate(artifacts.of_round(places.RELIANCE, arm), seed) / artifacts.RECORD
    found = artifacts.read_json(path, ("arm", "seed", "reliance", "reliance_of_none"))
    with artifacts.reading(path):
        if (found["arm"], found["seed"]) != (arm, seed):
            raise ValueError(f"is that of {found['arm']!r:.40}, seed {found['seed']!r:.40}")
        _check_numbers([found], ("reliance", "reliance_of_none"))
    return dict(found)


def _check_numbers(rows: Sequence[Row], names: Iterable[str], may_be_empty: Iterable[str] = ()) -> None:
    """Raises ValueError where a cell is no finite number."""
    names, empty = list(names), {*may_be_empty}
    for number, row in enumerate(rows, 1):
        for name in names:
            value = row[name]
            if value is None and name in empty:
                continue
            if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
                raise ValueError(f"row {number}: {name} is {value!r:.20}, no number")


def _mean(values: Iterable[float | None]) -> float | None:
    """None where there is none: accuracy on permuted labels without noise."""
    some = [value for value in values if value is not None]
    return float(np.mean(some)) if some else None
