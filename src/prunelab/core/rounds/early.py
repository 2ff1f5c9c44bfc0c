"""The early ensemble: dense networks trained for a short time, before they learn wrong labels by heart.

How far from its label their answer is says how hard an example is (EL2N: Paul et al., Deep Learning on a Data Diet;
Lens B.3), and on which side of the border it lies, whether the label is wrong. N examples, K classes, M networks.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from prunelab.core import artifacts
from prunelab.core.pruning import mask
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Task
from prunelab.core.training import evaluate, loop, record
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner
from prunelab.errors import UserError

PURPOSE = "early"


@dataclass(frozen=True)
class Ensemble:
    """What each network made of each example, on the CPU."""

    el2n_MN: Tensor  # at its end, between 0 and sqrt(2)
    over_epochs: dict[str, Tensor]  # loss, margin and error (EL2N) as training saw them, means over epochs, each [M, N]
    probability_KN: Tensor  # of each class, as training saw it, mean over epochs and networks
    accuracy_M: list[float]  # on the given labels, at its end
    epochs: int

    def arrays(self) -> dict[str, artifacts.Array]:
        """As they are stored."""
        each = {"el2n": self.el2n_MN, "probability": self.probability_KN, **self.over_epochs}
        return {name: artifacts.halved(values.numpy()) for name, values in each.items()}


def epochs_of(share: float, epochs: int) -> int:
    """For how many epochs each network is trained; one at least."""
    return max(1, round(share * epochs))


def rates_of(task: Task, epochs: int) -> list[float]:
    """The first epochs of the usual schedule; warm-up and milestones fall where they do in the whole run."""
    return trained.original_schedule(task)[: epochs * trained.steps(task)]


def ensemble(task: Task, networks: int, epochs: int) -> Ensemble:
    """Train M dense networks on the labels as given, and record what they make of them.

    None of them is the replicate's own dense network: each has an initialisation and an order of its own, so that a
    score shares no accident with the losses it is held against.

    Args:
        task: the replicate. Whatever examples its split trains on are scored.
        networks: M.
        epochs: of each, of `train.epochs`.

    Raises:
        UserError: training diverged, or batch norm would see a batch of one image.
    """
    given_N, classes = task.split.given_N, task.split.num_classes
    el2n, means, accuracy = [], [], []
    probability_KN = torch.zeros(classes, len(given_N), dtype=torch.float64)
    for number in range(networks):
        seen = record.Record(given_N, classes, with_probabilities=True)
        learner = network(task, number, PURPOSE, epochs, networks, seen)
        log_p_KN = probabilities(task, learner)
        el2n.append(record.errors(log_p_KN, given_N).cpu())
        right_N = evaluate.largest(log_p_KN) == given_N
        accuracy.append(float(right_N.double().mean()))
        probability_KN += seen.probabilities() / networks
        means.append(seen.means())
    over_epochs = {name: torch.stack([one[name] for one in means]) for name in record.KINDS}
    return Ensemble(torch.stack(el2n), over_epochs, probability_KN.float(), accuracy, epochs)


def network(
    task: Task, number: int, purpose: str, epochs: int, networks: int = 1, seen: record.Record | None = None
) -> Learner:
    """One dense network, trained for some epochs.

    Args:
        task: the replicate, or a part of its examples.
        number: of the network; with `purpose` it names its initialisation and its orders.
        purpose: what it is trained for.
        epochs: as above.
        networks: how many there will be, for who follows.
        seen: notes what training sees of each example.
    """
    split = task.split
    start = task.fresh(number, purpose)
    trained.check_batches(task, start)
    engine = Engine(**dict.fromkeys(task.params.engine, True))
    learner = engine.learner(task.network(start), mask.dense(start, task.prunable()), sparse=False)
    plan = trained.plan(task, rates_of(task, epochs), own=(number,), purpose=purpose)
    walk = loop.Run(
        learner, trained.optimizer(task, learner), split.x_N, split.given_N, plan, seen.batch if seen else None
    )
    for row in walk:
        if seen:
            seen.end_epoch()
        task.on_epoch(row, networks * epochs)
    return learner


def probabilities(task: Task, learner: Learner) -> Tensor:
    """Log-probabilities of all examples [K, N]. Raises UserError where training diverged."""
    log_p_KN = evaluate.log_probabilities(learner, task.split.x_N)
    if not torch.isfinite(log_p_KN).all():
        rate = task.params.train.lr
        raise UserError(f"early, seed {task.seed}: training diverged at train.lr={rate:g}; lower it")
    return log_p_KN


def keep(folder: Path, seed: int, found: Ensemble) -> None:
    """Write a replicate's into its (unfinished) folder."""
    artifacts.write_arrays(folder / artifacts.SCORES, found.arrays())
    artifacts.write_json(
        folder / artifacts.RECORD, {"seed": seed, "epochs": found.epochs, "accuracy": found.accuracy_M}
    )


def read(seed: int, count: int) -> tuple[dict[str, NDArray[np.float32]], dict[str, Any]]:
    """What a replicate's ensemble left, each [M, N] but `probability` [K, N]; and its record.

    Raises UserError that names the file.

    Args:
        seed: the replicate.
        count: N.
    """
    folder = artifacts.replicate(artifacts.EARLY, seed)
    path = folder / artifacts.SCORES
    found = artifacts.read_arrays(path, ("el2n", "probability", *record.KINDS))
    with artifacts.reading(path):
        for name, values in found.items():
            if values.ndim != 2 or values.shape[1] != count or not np.issubdtype(values.dtype, np.floating):
                raise ValueError(f"{name} is {values.dtype} {values.shape}, not floats for each of {count} examples")
            if not len(values) or not np.isfinite(values).all():
                raise ValueError(f"{name} is empty, or holds NaN or infinity")
    told = artifacts.read_json(folder / artifacts.RECORD, ("seed", "epochs"))
    with artifacts.reading(folder / artifacts.RECORD):
        if told["seed"] != seed or type(told["epochs"]) is not int:
            raise ValueError(f"is that of seed {told['seed']!r:.40}, epochs {told['epochs']!r:.40}")
    return {name: values.astype(np.float32) for name, values in found.items()}, told
