"""EL2N: how far from its label a briefly trained network's answer is, for each example (Paul et al.; Lens B.3).

N examples, K classes, M networks.
"""

from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score
from torch import Tensor

from prunelab.core import artifacts
from prunelab.core.pruning import mask
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Task
from prunelab.core.split import Split
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.errors import UserError
from prunelab.studies.lens import places


def epochs_of(share: float, epochs: int) -> int:
    """For how many epochs each network is trained; one at least."""
    return max(1, round(share * epochs))


def scores(task: Task, networks: int, epochs: int) -> tuple[Tensor, list[float]]:
    """Train M dense networks for the first epochs of the usual schedule on the labels as given, and score examples.

    None of them is the replicate's own dense network: each has an initialisation and an order of its own, so that a
    score shares no accident with the losses it is held against.

    Args:
        task: the replicate.
        networks: M.
        epochs: of each, of `train.epochs`; warm-up and milestones fall where they do in the whole run.

    Returns:
        Scores [M, N] float32, each between 0 and sqrt(2); and each network's accuracy on the given labels.

    Raises:
        UserError: training diverged.
    """
    rates = trained.original_schedule(task)[: epochs * trained.steps(task)]
    each, right = [], []
    for number in range(networks):
        learner = _train(task, number, rates, networks * epochs)
        log_p_KN = evaluate.log_probabilities(learner, task.split.x_N)
        if not torch.isfinite(log_p_KN).all():
            raise UserError(f"el2n, seed {task.seed}: training diverged at train.lr={task.params.train.lr:g}; lower it")
        each.append(score(log_p_KN, task.split.given_N).cpu())
        right.append(float((log_p_KN.argmax(dim=0) == task.split.given_N).double().mean()))
    return torch.stack(each), right


def score(log_p_KN: Tensor, given_N: Tensor) -> Tensor:
    """The length of a network's probabilities minus one at the given label [N]."""
    error_KN = log_p_KN.exp()
    error_KN[given_N, torch.arange(len(given_N), device=given_N.device)] -= 1
    return error_KN.norm(dim=0)


def _train(task: Task, number: int, rates: list[float], epochs_of_all: int) -> Learner:
    train, split = task.params.train, task.split
    start = task.fresh(number, "el2n")
    engine = Engine(**dict.fromkeys(task.params.engine, True))
    learner = engine.learner(task.network(start), mask.dense(start, task.prunable()), sparse=False)
    optimizer = OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)
    to_do = trained.plan(task, rates, own=(number,), purpose="el2n")
    for row in loop.Run(learner, optimizer, split.x_N, split.given_N, to_do):
        task.on_epoch(row, epochs_of_all)
    return learner


def keep(folder: Path, seed: int, epochs: int, each_MN: NDArray[np.float32], right: list[float], split: Split) -> None:
    """EL2N scores of M networks for N examples, their mean, and how good and how reproducible it is."""
    mean_N = each_MN.mean(axis=0, dtype=np.float64).astype(np.float32)
    wrong_N = (split.given_N != split.original_N).cpu().numpy()
    artifacts.write_arrays(folder / places.SCORES, {"score": mean_N, "each": each_MN.astype(np.float16)})
    record = {
        "seed": seed,
        "networks": len(each_MN),
        "epochs": epochs,
        "mean_accuracy": float(np.mean(right)),
        "auc": auc(mean_N, wrong_N),
        "agreement": agreement(each_MN),
    }
    artifacts.write_json(folder / artifacts.RECORD, record)


def auc(score_N: NDArray[np.floating[Any]], wrong_N: NDArray[np.bool_]) -> float | None:
    """How well a score tells wrong labels from right ones; None where there are not both."""
    return None if wrong_N.all() or not wrong_N.any() else float(roc_auc_score(wrong_N, score_N))


def agreement(each_MN: NDArray[np.float32]) -> float | None:
    """Rank correlation of the even networks' mean score and the odd ones'; None of one network."""
    if len(each_MN) < 2:
        return None
    found = stats.spearmanr(each_MN[::2].mean(axis=0), each_MN[1::2].mean(axis=0)).statistic
    return 0.0 if np.isnan(found) else float(found)
