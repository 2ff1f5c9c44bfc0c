"""One round of one replicate on disk: what kinds.py returns, stored so that bytes follow the surviving weights."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from prunelab.core import artifacts
from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds.task import Outcome

Layout = Mapping[str, torch.Size]
Row = dict[str, Any]
COUNTER = "num_batches_tracked"  # of batch norm: what a state holds beside float32


def save(folder: Path, outcome: Outcome) -> None:
    """Write an outcome into the (unfinished) folder of its replicate."""
    artifacts.write_arrays(folder / artifacts.MASK, mask.pack(outcome.masks))
    artifacts.write_tensors(folder / artifacts.WEIGHTS, mask.compress(outcome.weights, outcome.masks))
    artifacts.write_tensors(folder / artifacts.START, mask.compress(outcome.start, outcome.masks))
    artifacts.write_table(folder / artifacts.HISTORY, outcome.history)
    # Classes fit a byte or two; losses need a ranking, not seven digits.
    predicted = outcome.predicted_N.numpy()
    small = np.uint8 if predicted.max() < 256 else np.uint16
    examples = {
        "predicted": predicted.astype(small),
        "loss": outcome.loss_N.numpy().astype(np.float16),
        "test_right": outcome.right_T.numpy(),
        "test_best_right": outcome.best_right_T.numpy(),
    }
    examples |= {f"mean_{name}": artifacts.halved(mean_N.numpy()) for name, mean_N in outcome.over_epochs.items()}
    artifacts.write_arrays(folder / artifacts.EXAMPLES, examples)
    artifacts.write_json(folder / artifacts.RECORD, outcome.record)


def save_origin(folder: Path, dense: Outcome) -> None:
    """Write a dense outcome's initialisation and rewind point, apart from the round they came from.

    Every later round depends on these two small files and not on all that r00 recorded.
    """
    assert dense.rewind is not None
    for name, state in ((artifacts.INIT, dense.start), (artifacts.REWIND, dense.rewind)):
        artifacts.write_tensors(folder / name, mask.compress(state, {}))


def load_masks(folder: Path, layout: Layout) -> Masks:
    """The masks of a stored round.

    Args:
        folder: of one replicate.
        layout: name -> shape of every tensor of the network's state.

    Raises:
        UserError: the file is missing or damaged, or it is that of another network.
    """
    path = folder / artifacts.MASK
    masks = artifacts.read_arrays(path)
    with artifacts.reading(path):
        found = mask.unpack(masks)
        _compare({name: layout.get(name) for name in found}, found)
        if not found:
            raise ValueError("holds no mask")
        return found


def load_record(folder: Path, key: str, seed: int, masks: Masks, needs: Iterable[str] = ()) -> Row:
    """The record of a stored round, held against its masks.

    Args:
        folder: of rounds.
        key: the round.
        seed: the replicate.
        masks: as `load_masks` read them.
        needs: dotted names of numbers that are read.

    Raises:
        UserError: it is missing or damaged, or that of another round or replicate.
    """
    found: Row = artifacts.read_record(folder, key, seed, ("survivors", *needs))
    place = artifacts.replicate(artifacts.of_round(folder, key), seed)
    with artifacts.reading(place / artifacts.RECORD):
        if found["survivors"] != mask.survivors(masks):
            raise ValueError(
                f"{found['survivors']!r:.40} weights survive, {mask.survivors(masks)} in {place / artifacts.MASK}"
            )
        for name in needs:
            inside: Any = found
            for part in name.split("."):
                inside = inside[part]
            if type(inside) not in (int, float):
                raise ValueError(f"{name} is {inside!r:.40}, not a number")
    return found


def load_state(folder: Path, name: str, masks: Masks, layout: Layout) -> State:
    """A stored state.

    Args:
        folder: of one replicate.
        name: artifacts.WEIGHTS or START, stored by their masks; INIT or REWIND, stored whole.
        masks: the masks it was stored by, {} for one stored whole.
        layout: as above.

    Raises:
        UserError: as above.
    """
    path = folder / name
    tensors = artifacts.read_tensors(path)
    with artifacts.reading(path):
        try:
            found = mask.expand(tensors, masks)
            _compare(layout, found)
        except ValueError as error:
            raise ValueError(f"{error}, by {folder / artifacts.MASK}" if masks else str(error)) from None
        return found


def _compare(layout: Mapping[str, torch.Size | None], found: Mapping[str, Tensor]) -> None:
    for name in sorted({*layout} | {*found}):
        is_, must = found[name].shape if name in found else None, layout.get(name)
        if is_ != must:
            raise ValueError(f"{name} is {_shape(is_)}, the network's is {_shape(must)}")
        value = found[name]
        kind = torch.bool if value.dtype == torch.bool else torch.int64 if name.endswith(COUNTER) else torch.float32
        if value.dtype != kind:
            raise ValueError(f"{name} is {value.dtype}, the network's is {kind}")
        if not torch.isfinite(value).all():
            raise ValueError(f"{name} holds NaN or infinity")


def _shape(found: torch.Size | None) -> str:
    return "missing" if found is None else "x".join(map(str, found)) or "a number"
