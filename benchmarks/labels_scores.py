"""The scores that benchmarks/labels.py compares. N examples, E epochs, K classes; larger is more suspect.

Ours are what the study uses: the early ensemble of core/rounds/early.py, and the margins that dense and pruned rounds
keep. The others: what one dense network, or several, make of each example over epochs (AUM: Pleiss et al.; mean loss;
early stopping; forgetting: Toneva et al.), and cleanlab (confident learning: Northcutt et al.) on five-fold
out-of-sample probabilities of the same network.
"""

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import rankdata

from benchmarks.labels_data import Data
from prunelab.core.pruning import mask
from prunelab.core.rounds import early, kinds, trained
from prunelab.core.rounds.task import Task
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.core.training.record import KINDS, margins

Array = NDArray[np.float64]
Scores = dict[str, tuple[float, Array]]  # compute in dense trainings, score [N]
NETWORKS, FOLDS = 7, 5


def scores(data: Data) -> Scores:
    """All of them."""
    found = _early(data.task) | _chain(data.task)
    found |= _dense([Watched.of(data, number) for number in range(NETWORKS)], data.given_N)
    found |= cleanlab(data, *cross_validated(data))
    ranks = [rankdata(found[name][1]) for name in ("early ensemble", "chain")]
    both = found["early ensemble"][0] + found["chain"][0]
    return found | {"early and chain, ranks": (both, sum(ranks))}


def _early(task: Task) -> Scores:
    found = {}
    for name, networks, share in (("early ensemble", 5, 0.2), ("early ensemble, 4 times as much", 10, 0.4)):
        epochs = early.epochs_of(share, task.params.train.epochs)
        ensemble = early.ensemble(task, networks, epochs)
        compute = networks * epochs / task.params.train.epochs
        mean = {kind: values.double().mean(dim=0).numpy() for kind, values in ensemble.over_epochs.items()}
        found[name] = (compute, mean["error"])
        found[f"{name}, margin"] = (compute, -mean["margin"])
        found[f"{name}, loss"] = (compute, mean["loss"])
        found[f"{name}, EL2N at the end"] = (compute, ensemble.el2n_MN.double().mean(dim=0).numpy())
    return found


def _chain(task: Task) -> Scores:
    """Dense and pruned rounds, rewound to the initialisation, as a study of sdd leaves them."""
    outcome = kinds.dense(task)
    init, rounds = outcome.start, [outcome]
    for number in range(1, task.params.n_rounds + 1):
        outcome = kinds.prune(task, number, (outcome.weights, outcome.masks), init, init)
        rounds.append(outcome)
    mean = {kind: np.mean([one.over_epochs[kind].double().numpy() for one in rounds], axis=0) for kind in KINDS}
    named = {"chain": mean["error"], "chain, margin": -mean["margin"], "chain, loss": mean["loss"]}
    return {name: (len(rounds), score_N) for name, score_N in named.items()}


@dataclass(frozen=True)
class Watched:
    """One dense network, looked at after every epoch."""

    loss_EN: Array
    margin_EN: Array
    probability_KN: Array  # mean over epochs
    best: int  # the epoch that is best on held-out noisy labels

    @classmethod
    def of(cls, data: Data, number: int) -> "Watched":
        """Train one."""
        task, (losses, margin, right) = data.task, ([], [], [])
        probability = torch.zeros(task.split.num_classes, len(task.split.x_N), dtype=torch.float64)
        for learner in epochs(task, number, "watched"):
            log_p_KN = evaluate.log_probabilities(learner, task.split.x_N)
            losses.append(-log_p_KN.gather(0, task.split.given_N[None])[0])
            margin.append(margins(log_p_KN, task.split.given_N))
            probability += log_p_KN.exp() / task.params.train.epochs
            guess_V = evaluate.log_probabilities(learner, data.held_out_V).argmax(dim=0)
            right.append(float((guess_V == data.held_out_given_V).double().mean()))
        loss_EN, margin_EN = (torch.stack(some).double().numpy() for some in (losses, margin))
        return cls(loss_EN, margin_EN, probability.numpy(), int(np.argmax(right)))


def epochs(task: Task, number: int, purpose: str) -> Any:
    """A dense network of its own, after each epoch of the whole schedule."""
    train, split, start = task.params.train, task.split, task.fresh(number, purpose)
    learner = Engine().learner(task.network(start), mask.dense(start, task.prunable()), sparse=False)
    optimizer = OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)
    plan = trained.plan(task, trained.original_schedule(task), own=(number,), purpose=purpose)
    for _ in loop.Run(learner, optimizer, split.x_N, split.given_N, plan):
        yield learner


def _dense(networks: list[Watched], given_N: NDArray[np.int64]) -> Scores:
    found: Scores = {}
    for count in (1, 4, NETWORKS):
        if count > len(networks):
            break
        some, more = networks[:count], f" x{count}" if count > 1 else ""
        found[f"dense, final loss{more}"] = (count, np.mean([one.loss_EN[-1] for one in some], axis=0))
        found[f"dense, early-stopped loss{more}"] = (count, np.mean([one.loss_EN[one.best] for one in some], axis=0))
        found[f"dense, mean loss{more}"] = (count, np.mean([one.loss_EN.mean(axis=0) for one in some], axis=0))
        found[f"dense, AUM{more}"] = (count, -np.mean([one.margin_EN.mean(axis=0) for one in some], axis=0))
        found[f"dense, mean probability{more}"] = (count, _logit_margin(some, given_N))
    forgotten = [((one.margin_EN[:-1] > 0) & (one.margin_EN[1:] <= 0)).sum(axis=0) for one in networks[:1]]
    never = [(one.margin_EN <= 0).all(axis=0) for one in networks[:1]]
    found["dense, forgetting"] = (1, np.where(never[0], networks[0].margin_EN.shape[0], forgotten[0]).astype(float))
    return found


def _logit_margin(some: list[Watched], given_N: NDArray[np.int64]) -> Array:
    """Of probabilities seen in training, mean over epochs and networks: log-odds of the likeliest other class."""
    p_KN = torch.from_numpy(np.mean([one.probability_KN for one in some], axis=0))
    return -margins((p_KN + 1e-12).log(), torch.from_numpy(given_N)).numpy()


def cross_validated(data: Data) -> tuple[dict[str, Array], float]:
    """Out-of-sample probabilities [N, K] of five folds' networks, at three choices of epoch; and the compute."""
    task, size = data.task, len(data.task.split.x_N)
    fold_N = np.random.default_rng(task.seed).permutation(np.arange(size) % FOLDS)
    p_ENK = np.zeros((task.params.train.epochs, size, task.split.num_classes))
    for fold in range(FOLDS):
        part = replace(task, split=task.split.part(fold_N != fold))
        held_out = task.split.x_N.part(torch.from_numpy(np.flatnonzero(fold_N == fold)))
        for epoch, learner in enumerate(epochs(part, fold, "folds")):
            p_ENK[epoch, fold_N == fold] = evaluate.log_probabilities(learner, held_out).exp().T.double().numpy()
    p_ENK /= p_ENK.sum(axis=2, keepdims=True)
    best = int(np.argmax((p_ENK.argmax(axis=2) == data.given_N).mean(axis=1)))
    return {"last": p_ENK[-1], "best": p_ENK[best], "mean": p_ENK.mean(axis=0)}, FOLDS - 1.0


def cleanlab(data: Data, p_NK_by_epoch: dict[str, Array], compute: float) -> Scores:
    """Its scores with each of these; none where it is not installed."""
    try:
        from cleanlab.rank import get_label_quality_scores  # type: ignore[import-not-found]
    except ImportError:
        return {}
    found = {}
    for which, p_NK in p_NK_by_epoch.items():
        for method in ("self_confidence", "normalized_margin", "confidence_weighted_entropy"):
            adjusted = method != "confidence_weighted_entropy"
            for adjust in (False, True) if adjusted else (False,):
                quality = get_label_quality_scores(data.given_N, p_NK, method=method, adjust_pred_probs=adjust)
                name = f"cleanlab, {which}, {method.replace('_', ' ')}"
                found[name + ", adjusted" * adjust] = (compute, -np.asarray(quality))
    return found
