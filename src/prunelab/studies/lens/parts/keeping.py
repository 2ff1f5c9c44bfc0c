"""What a network that was trained on a part leaves on disk."""

from pathlib import Path

import numpy as np

from prunelab.core import artifacts
from prunelab.core.split import Split
from prunelab.studies.lens import places
from prunelab.studies.lens.parts.retrain import Retrained

HISTORY = ("epoch", "test_accuracy", "test_loss")
LAST = ("test_accuracy", "test_loss", "validation_accuracy")


def part(folder: Path, key: str, found: Retrained, split: Split) -> None:
    """A network trained on a part: how good it is, and its losses on all N examples, in the form of a round's."""
    inside_N = np.zeros(len(split.given_N), dtype=bool)
    inside_N[found.rows] = True
    permuted_N = split.permuted_N.cpu().numpy()
    outcome, predicted_N = found.outcome, found.predicted_N.numpy()
    examples = {
        "predicted": predicted_N.astype(np.uint8 if split.num_classes <= 256 else np.uint16),
        "loss": found.loss_N.numpy().astype(np.float16),
        "test_right": outcome.right_T.numpy(),
    }
    artifacts.write_arrays(folder / artifacts.EXAMPLES, examples)
    artifacts.write_arrays(folder / places.PART, {"part": np.packbits(inside_N)})
    columns = [name for name in (*HISTORY, "validation_accuracy") if name in outcome.history[0]]
    artifacts.write_table(folder / artifacts.HISTORY, [{n: row[n] for n in columns} for row in outcome.history])
    last = outcome.record["last"]
    record = {
        "part": key,
        "seed": outcome.record["seed"],
        "trained_on": int(inside_N.sum()),
        "epochs": last["epoch"],
        "permuted_share": float(permuted_N[inside_N].mean()),
        "left_out_permuted_share": None if inside_N.all() else float(permuted_N[~inside_N].mean()),
        "last": {name: last.get(name) for name in LAST},
        "best": outcome.record["best"],
        "made_with": outcome.record["made_with"],
    }
    artifacts.write_json(folder / artifacts.RECORD, record)
