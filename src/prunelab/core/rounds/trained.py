"""One network of a round, trained to a plan and measured: what every kind of round ends with."""

from collections.abc import Callable
from math import isfinite

from prunelab.core import machine, streams
from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.rounds import distance
from prunelab.core.rounds.task import Job, Outcome, Row, Task
from prunelab.core.training import evaluate, loop, schedule
from prunelab.core.training.augment import AUGMENTATIONS, Augment
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner, Measured
from prunelab.core.training.optimizers import OPTIMIZERS, Optimizer
from prunelab.core.training.record import Record
from prunelab.errors import UserError


def steps(task: Task) -> int:
    """Iterations of an epoch."""
    return loop.steps_per_epoch(len(task.split.x_N), task.params.train.batch_size)


def check_batches(task: Task, start: State) -> None:
    """Raises UserError where batch norm would see a batch of one image."""
    size, count = task.params.train.batch_size, len(task.split.x_N)
    if count % size == 1 and any("running_mean" in name for name in start):
        raise UserError(
            f"train.batch_size={size}: must not leave a last batch of one image (of {count}), which batch norm cannot "
            "be trained on"
        )


def check_finite(task: Task, what: str, row: Row) -> None:
    """Raises UserError where training diverged: a measured number of an epoch's row is none."""
    odd = next((name for name, value in row.items() if value is not None and not isfinite(value)), None)
    if odd:
        raise UserError(
            f"{what}, seed {task.seed}: training diverged, {odd} is {row[odd]} after epoch {row['epoch']} at learning "
            f"rate {row['learning_rate']:g}; lower the learning rate"
        )


def original_schedule(task: Task) -> list[float]:
    """The dense run's learning rates, one per iteration."""
    train = task.params.train
    return schedule.stepped(train.epochs, steps(task), train.lr, train.milestones, train.gamma, train.warmup_epochs)


def plan(
    task: Task,
    rates: list[float],
    first_iteration: int = 0,
    epoch_offset: int = 0,
    own: tuple[int, ...] = (),
    purpose: str = "",
) -> loop.Plan:
    """What a run does; `own` is the round, if its order and augmentation are its own (restart.py).

    `purpose` is that of another network, whose order and augmentation are no round's.
    """
    named = f"{purpose} " if purpose else ""
    return loop.Plan(
        learning_rates=rates,
        batch_size=task.params.train.batch_size,
        # Where a round starts anew, an epoch has the order it has in the dense run: what differs is the mask alone,
        # and rewinding with nothing pruned repeats the dense run exactly.
        order=lambda epoch: streams.generator(task.seed, f"{named}order", epoch, *own),
        augment=_augment(task, f"{named}augment", own),
        first_iteration=first_iteration,
        epoch_offset=epoch_offset,
    )


def _augment(task: Task, stream: str, own: tuple[int, ...]) -> Callable[[int], Augment] | None:
    kind, x = AUGMENTATIONS[task.params.train.augment], task.split.x_N
    if kind is None:
        return None
    if tuple(x.sample_shape[1:]) == (1, 1):
        raise UserError(
            f"train.augment={task.params.train.augment!r}: must be none, examples are features and no pictures"
        )
    return lambda epoch: kind.epoch(len(x), x.black, streams.generator(task.seed, stream, epoch, *own))


def run(job: Job) -> Outcome:
    """Train one network and measure it after each epoch."""
    task = job.task
    engine = Engine(**dict.fromkeys(task.params.engine, True))
    learner = engine.learner(task.network(job.start), job.masks, sparse=job.sparse)
    watched = Watch(job, learner)
    walk = loop.Run(learner, optimizer(task, learner), task.split.x_N, task.split.given_N, job.plan)
    kept = None
    for epoch in walk.epochs:
        for iteration in walk.steps(epoch):
            if iteration == job.keep_at:
                kept = learner.state()
        watched.epoch(walk.row(epoch), len(walk.epochs))
    return watched.outcome(learner.state(), kept)


def optimizer(task: Task, learner: Learner) -> Optimizer:
    """As `train` says."""
    train = task.params.train
    return OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)


class Watch:
    """What is measured of a network after each epoch, and all that its round leaves behind.

    Args:
        job: how it is trained.
        learner: the network while it is trained.
    """

    def __init__(self, job: Job, learner: Measured) -> None:
        split = job.task.split
        self._job, self._history = job, list[Row]()
        self._measure = evaluate.Measure(learner, split)
        self._over_epochs = Record(split.given_N, split.num_classes)

    def epoch(self, row: Row, epochs: int) -> None:
        """Measure after one of the epochs, of which `row` says the number and the rate; and tell who follows.

        Raises UserError where training diverged.
        """
        job, measure = self._job, self._measure
        row = row | measure()
        check_finite(job.task, f"round r{job.round_number:02d}", row)
        assert measure.log_p_KN is not None
        self._over_epochs.epoch(measure.log_p_KN)
        job.task.on_epoch(row, epochs)
        self._history.append(row)

    def outcome(self, end: State, kept: State | None) -> Outcome:
        """All of it; `end` is the network's state, `kept` that at the rewind point."""
        job, measure = self._job, self._measure
        assert measure.log_p_KN is not None
        return Outcome(
            masks=job.masks,
            start=job.start,
            weights=end,
            history=self._history,
            predicted_N=evaluate.largest(measure.log_p_KN).cpu(),
            loss_N=evaluate.losses(measure.log_p_KN, job.task.split.given_N).cpu(),
            over_epochs=self._over_epochs.means(),
            right_T=measure.test_right_T.cpu(),
            best_right_T=measure.best_right_T.cpu(),
            record=self._record(end),
            rewind=kept,
        )

    def _record(self, end: State) -> Row:
        job = self._job
        counted = job.masks if job.sparsity_of is None else job.sparsity_of
        best = max(self._history, key=lambda row: row["test_accuracy"])
        remaining = mask.survivors(counted) / mask.prunable(counted)
        origin = job.start if job.origin is None else job.origin
        return {
            "round": f"r{job.round_number:02d}",
            "seed": job.task.seed,
            "sparsity": 1 - remaining,
            "remaining": remaining,
            "survivors": mask.survivors(counted),
            "prunable": mask.prunable(counted),
            "last": self._history[-1],
            "best": {
                "epoch": best["epoch"],
                "test_accuracy": best["test_accuracy"],
                "fitted_test_accuracy": float(self._measure.best_right_T.double().mean()),
            },
            "distance": distance.from_start_and_init(end, origin, job.init, job.task.layer_parameters()),
            "made_with": machine.description(),
        }
