"""One round of one replicate on disk: what rounds.py returns, stored so that bytes follow the surviving weights."""

from pathlib import Path

import numpy as np

from prunelab.core import artifacts
from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.pruning.mask import Masks
from prunelab.core.study.rounds import Outcome
from prunelab.errors import UserError


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
    artifacts.write_arrays(folder / artifacts.EXAMPLES, examples)
    artifacts.write_json(folder / artifacts.RECORD, outcome.record)


def save_origin(folder: Path, dense: Outcome) -> None:
    """Write a dense outcome's initialisation and rewind point, apart from the round they came from.

    Every later round depends on these two small files and not on all that r00 recorded.
    """
    assert dense.rewind is not None
    for name, state in ((artifacts.INIT, dense.start), (artifacts.REWIND, dense.rewind)):
        artifacts.write_tensors(folder / name, mask.compress(state, {}))


def load_masks(folder: Path) -> Masks:
    """The masks of a stored round. Raises UserError if the file is missing or damaged."""
    path = folder / artifacts.MASK
    try:
        return mask.unpack(artifacts.read_arrays(path))
    except (ValueError, KeyError) as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run `dvc repro`") from None


def load_state(folder: Path, name: str, masks: Masks) -> State:
    """A stored state.

    Args:
        folder: of one replicate.
        name: artifacts.WEIGHTS or START, stored by their masks; INIT or REWIND, stored whole.
        masks: the masks it was stored by, {} for one stored whole.

    Raises:
        UserError: the file is missing or damaged.
    """
    path = folder / name
    try:
        return mask.expand(artifacts.read_tensors(path), masks)
    except ValueError as error:
        raise UserError(f"{path}: damaged ({error}); delete it and run `dvc repro`") from None
