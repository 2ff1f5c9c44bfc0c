"""Cross-fitting: what networks say of examples that they were not trained on, for the count of wrong labels.

N training examples, T test examples, K classes, F folds.
"""

from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prunelab.core import artifacts, streams
from prunelab.core.rounds import early
from prunelab.core.rounds.task import Task
from prunelab.core.split import without_lone
from prunelab.core.training import evaluate
from prunelab.studies.labels import places

PURPOSE = "crossfit"


@dataclass(frozen=True)
class Answers:
    """Probabilities of each class by a network that has not seen the example, float32."""

    train_KN: NDArray[np.float32]
    test_KT: NDArray[np.float32]


def answers(task: Task, folds: int, epochs: int) -> Answers:
    """Train a network without each fold, for as long as the early ensemble's.

    A test example is given to one of the F networks, drawn as folds of training examples are: so what is known of
    errors on test examples, whose labels are right, holds for training examples.

    Args:
        task: the replicate.
        folds: F; fewer where there are not as many examples.
        epochs: of `train.epochs`.

    Raises:
        UserError: training diverged.
    """
    split, rng = task.split, streams.numpy_generator(task.seed, PURPOSE)
    folds = min(folds, len(split.x_N))
    train_N, test_T = (rng.permutation(np.arange(size) % folds) for size in (len(split.x_N), len(split.x_test_T)))
    train_KN, test_KT = (np.empty((split.num_classes, len(fold)), dtype=np.float32) for fold in (train_N, test_T))
    for fold in range(folds):
        rows = without_lone(np.flatnonzero(train_N != fold), task.params.train.batch_size, rng)
        part = replace(task, split=split.part(rows))
        learner = early.network(part, fold, PURPOSE, epochs, folds)
        early.probabilities(part, learner)
        for probabilities, x, of in ((train_KN, split.x_N, train_N), (test_KT, split.x_test_T, test_T)):
            held_out = torch.from_numpy(np.flatnonzero(of == fold)).to(x.device)
            if len(held_out):
                probabilities[:, of == fold] = _cpu(evaluate.log_probabilities(learner, x.part(held_out)).exp())
    return Answers(train_KN, test_KT)


def _cpu(found: Tensor) -> NDArray[np.float32]:
    return np.asarray(found.cpu().numpy(), dtype=np.float32)


def keep(folder: Path, seed: int, found: Answers) -> None:
    """Write a replicate's into its (unfinished) folder."""
    arrays = {"train": artifacts.halved(found.train_KN), "test": artifacts.halved(found.test_KT)}
    artifacts.write_arrays(folder / places.ANSWERS, arrays)
    artifacts.write_json(folder / artifacts.RECORD, {"seed": seed})


def read(seed: int, count: int, tests: int, num_classes: int) -> Answers:
    """What a replicate's networks say. Raises UserError that names the file.

    Args:
        seed: the replicate.
        count: N.
        tests: T.
        num_classes: K.
    """
    folder = artifacts.replicate(places.CROSSFIT, seed)
    found = artifacts.read_arrays(folder / places.ANSWERS, ("train", "test"))
    with artifacts.reading(folder / places.ANSWERS):
        for name, size in (("train", count), ("test", tests)):
            values = found[name]
            if values.shape != (num_classes, size) or not np.issubdtype(values.dtype, np.floating):
                raise ValueError(f"{name} is {values.dtype} {values.shape}, not floats {(num_classes, size)}")
            if not np.isfinite(values).all():
                raise ValueError(f"{name} holds NaN or infinity")
    record = artifacts.read_json(folder / artifacts.RECORD, ("seed",))
    with artifacts.reading(folder / artifacts.RECORD):
        if record["seed"] != seed:
            raise ValueError(f"is that of seed {record['seed']!r:.40}, not {seed}")
    return Answers(found["train"].astype(np.float32), found["test"].astype(np.float32))
