"""The training loop. It knows a network, data and a plan, and no experiment."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor

from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training.augment import Augment
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import SGD, Maker

Row = dict[str, Any]
OnEpoch = Callable[[Row, int], None]


@dataclass(frozen=True)
class Plan:
    """What a run does, iteration by iteration."""

    learning_rates: Sequence[float]  # one per iteration of the whole schedule
    batch_size: int
    order: Callable[[int], torch.Generator]  # epoch (from 0, `epoch_offset` included) -> its shuffle
    optimizer: Maker = SGD
    momentum: float = 0.0
    weight_decay: float = 0.0
    augment: Callable[[int], Augment] | None = None  # epoch, as in `order` -> what happens to its batches
    first_iteration: int = 0  # rewound runs skip what came before
    epoch_offset: int = 0  # epochs already trained when this schedule begins; they are counted on


@dataclass(frozen=True)
class Trained:
    """History, one row per finished epoch, and the state at the iteration that was asked for."""

    history: list[Row]
    kept: State | None


def steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """Iterations in an epoch; the last batch may be smaller."""
    return ceil(num_examples / batch_size)


def train(
    learner: Learner,
    x: Inputs | Tensor,
    y: Tensor,
    plan: Plan,
    measure: Callable[[], Row],
    on_epoch: OnEpoch,
    keep_at: int | None = None,
) -> Trained:
    """Train in place by a masked optimiser on the mean cross-entropy of each batch.

    Args:
        learner: starts as it is.
        x: N inputs, on the learner's device.
        y: labels [N], int64.
        plan: learning rates, batches, order.
        measure: called after each epoch; what it returns joins that epoch's row.
        on_epoch: is handed each row, and how many there will be (a progress bar, a logger).
        keep_at: keep a copy of the state just before this iteration.
    """
    optimizer = plan.optimizer(learner.parameters, learner.masks, plan.momentum, plan.weight_decay)
    read = learner.reader(x)
    steps = steps_per_epoch(len(x), plan.batch_size)
    history: list[Row] = []
    kept = None
    iteration = plan.first_iteration
    epochs = range(iteration // steps, len(plan.learning_rates) // steps)
    for epoch in epochs:
        shuffle = plan.order(plan.epoch_offset + epoch)
        augment = plan.augment(plan.epoch_offset + epoch) if plan.augment else None
        batches = torch.randperm(len(x), generator=shuffle).to(x.device).split(plan.batch_size)
        for batch in batches[iteration - epoch * steps :]:
            if iteration == keep_at:
                kept = learner.state()
            optimizer.step(learner.gradients(read(batch, augment), y[batch]), plan.learning_rates[iteration])
            iteration += 1
        rate = plan.learning_rates[iteration - 1]
        row = {"epoch": plan.epoch_offset + epoch + 1, "learning_rate": rate, **measure()}
        history.append(row)
        on_epoch(row, len(epochs))
    return Trained(history, kept)
