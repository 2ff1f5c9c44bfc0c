"""The training loop, walked from outside. It knows a network, data and a plan, and no experiment."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any

import torch
from torch import Tensor

from prunelab.core.inputs import Inputs
from prunelab.core.training.augment import Augment
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import Optimizer
from prunelab.core.training.stack import Recorded, Stack

Row = dict[str, Any]


@dataclass(frozen=True)
class Plan:
    """What a run does, iteration by iteration."""

    learning_rates: Sequence[float]  # one per iteration of the whole schedule
    batch_size: int
    order: Callable[[int], torch.Generator]  # epoch (from 0, `epoch_offset` included) -> its shuffle
    augment: Callable[[int], Augment] | None = None  # epoch, as in `order` -> what happens to its batches
    first_iteration: int = 0  # rewound runs skip what came before
    epoch_offset: int = 0  # epochs already trained when this schedule begins; they are counted on


def steps_per_epoch(num_examples: int, batch_size: int) -> int:
    """Iterations in an epoch; the last batch may be smaller."""
    return ceil(num_examples / batch_size)


class Run:
    """Training in place, by an optimiser on the mean cross-entropy of each batch.

    `for row in run` trains epoch by epoch; `for epoch in run.epochs: for iteration in run.steps(epoch)` update by
    update. Between two epochs or updates the learner and its optimiser are the caller's: to measure, to keep, to give
    other masks to, or to leave as they are by walking no further.

    Args:
        learner: starts as it is.
        optimizer: the learner's; what it has stored up (momentum) is kept from run to run.
        x: N inputs, on the learner's device.
        y: their labels [N], int64.
        plan: learning rates, batches, order.
        seen: called after each update as seen(positions of its examples [B], outputs before it [K, B]).

    Attributes:
        epochs: of the schedule, from 0, those before `first_iteration` left out.
    """

    def __init__(
        self,
        learner: Learner,
        optimizer: Optimizer,
        x: Inputs | Tensor,
        y: Tensor,
        plan: Plan,
        seen: Callable[[Tensor, Tensor], None] | None = None,
    ) -> None:
        self._learner, self._optimizer, self._plan, self._seen = learner, optimizer, plan, seen
        self._read, self._y = learner.reader(x), y
        self._steps = steps_per_epoch(y.shape[-1], plan.batch_size)
        self.epochs = range(plan.first_iteration // self._steps, len(plan.learning_rates) // self._steps)

    def __iter__(self) -> Iterator[Row]:
        """After each epoch its row."""
        for epoch in self.epochs:
            for _ in self.steps(epoch):
                pass
            yield self.row(epoch)

    def steps(self, epoch: int) -> Iterator[int]:
        """Before each update its iteration; the update is done when the next one is asked for."""
        plan, seen = self._plan, self._seen
        number = plan.epoch_offset + epoch
        augment = plan.augment(number) if plan.augment else None
        first = max(plan.first_iteration, epoch * self._steps)
        for iteration, batch in enumerate(self._batches(number)[first - epoch * self._steps :], start=first):
            yield iteration
            self._update(batch, augment, plan.learning_rates[iteration])
            if seen:
                seen(batch, self._learner.seen())

    def _batches(self, number: int) -> Sequence[Tensor]:
        """Positions of each batch's examples in an epoch."""
        shuffled = torch.randperm(len(self._y), generator=self._plan.order(number))
        return shuffled.to(self._y.device).split(self._plan.batch_size)

    def _update(self, batch: Tensor, augment: Augment | None, rate: float) -> None:
        # Gradients get no name here: kept until the next update, they would take a second place in the cache.
        self._optimizer.step(self._learner.gradients(self._read(batch, augment), self._y[batch]), rate)

    def row(self, epoch: int) -> Row:
        """The number of a finished epoch, from 1, and its last learning rate; what is measured joins it."""
        rate = self._plan.learning_rates[(epoch + 1) * self._steps - 1]
        return {"epoch": self._plan.epoch_offset + epoch + 1, "learning_rate": rate}


class Together(Run):
    """R perceptrons trained at once: as `Run` of each by itself, up to rounding.

    Args:
        learner: of all.
        optimizer: the learner's.
        x: N inputs, the same for all.
        y_RN: the labels of each.
        plans: of each; they differ in the order of examples only, and nothing is augmented.
        graphs: record updates as CUDA graphs.
    """

    def __init__(
        self, learner: Stack, optimizer: Optimizer, x: Inputs, y_RN: Tensor, plans: Sequence[Plan], *, graphs: bool
    ) -> None:
        super().__init__(learner, optimizer, x, y_RN, plans[0])
        self._plans, self._stack = plans, learner
        self._recorded = Recorded(self._eagerly) if graphs and y_RN.is_cuda else self._eagerly

    def _batches(self, number: int) -> Sequence[Tensor]:
        count = self._y.shape[1]
        orders_RN = torch.stack([torch.randperm(count, generator=plan.order(number)) for plan in self._plans])
        return orders_RN.to(self._y.device).split(self._plan.batch_size, dim=1)

    def _update(self, batch: Tensor, augment: Augment | None, rate: float) -> None:
        self._stack.forget()
        self._recorded(batch, rate)

    def _eagerly(self, batch_RB: Tensor, rate: float) -> None:
        labels_RB = self._y.gather(1, batch_RB)
        self._optimizer.step(self._learner.gradients(self._read(batch_RB, None), labels_RB), rate)
