"""One replicate of one arm on disk."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch

from prunelab.core import artifacts
from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.rounds import checkpoint
from prunelab.studies.stability import places
from prunelab.studies.stability.arms.arm import EVENT_COLUMNS, Trained
from prunelab.studies.stability.arms.select import Units


def keep(folder: Path, found: Trained) -> None:
    """Write a replicate's into its (unfinished) folder."""
    artifacts.write_tensors(folder / artifacts.WEIGHTS, mask.compress(found.weights, {}))
    artifacts.write_arrays(folder / places.UNITS, {name: units.numpy() for name, units in found.units.items()})
    artifacts.write_table(folder / artifacts.HISTORY, found.history)
    artifacts.write_table(folder / places.EVENTS, found.events, EVENT_COLUMNS)
    artifacts.write_arrays(folder / artifacts.EXAMPLES, {"test_right": found.right_T.numpy()})
    artifacts.write_json(folder / artifacts.RECORD, found.record)


def of(arm: str, seed: int) -> Path:
    """The folder of a replicate of an arm."""
    return artifacts.replicate(artifacts.of_round(places.ARMS, arm), seed)


def weights(arm: str, seed: int, layout: checkpoint.Layout) -> State:
    """The network at the end. Raises UserError where the file is damaged, or another network's."""
    return checkpoint.load_state(of(arm, seed), artifacts.WEIGHTS, {}, layout)


def units(arm: str, seed: int, counts: Mapping[str, int]) -> Units:
    """Which units an arm targeted. Raises UserError where the file is damaged, or of other layers."""
    path = of(arm, seed) / places.UNITS
    found = artifacts.read_arrays(path)
    with artifacts.reading(path):
        if {name: value.shape for name, value in found.items()} != {name: (count,) for name, count in counts.items()}:
            raise ValueError(f"holds other layers than {', '.join(counts)}, or of other sizes")
        if any(value.dtype != np.bool_ for value in found.values()):
            raise ValueError("holds other than bool")
    return {name: torch.from_numpy(found[name]) for name in counts}


def record(arm: str, seed: int) -> dict[str, Any]:
    """What an arm says of itself. Raises UserError where it is damaged, or another's."""
    path = of(arm, seed) / artifacts.RECORD
    found: dict[str, Any] = artifacts.read_json(path, ("arm", "seed", "rate", "events", "parameters", "removed"))
    with artifacts.reading(path):
        if (found["arm"], found["seed"]) != (arm, seed):
            raise ValueError(f"is that of {found['arm']!r:.40}, seed {found['seed']!r:.40}")
        if any(type(found[name]) not in (int, float) for name in ("rate", "events", "parameters", "removed")):
            raise ValueError("its numbers are none")
    return found
