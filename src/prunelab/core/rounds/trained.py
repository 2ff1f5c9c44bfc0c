"""One network of a round, trained to a plan and measured: what every kind of round ends with."""

from collections.abc import Callable
from math import isfinite

from prunelab.core import machine, networks, streams
from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds import distance
from prunelab.core.rounds.task import Outcome, Row, Task
from prunelab.core.training import evaluate, loop, schedule
from prunelab.core.training.augment import AUGMENTATIONS, Augment
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import OPTIMIZERS
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


def run(
    task: Task,
    round_number: int,
    start: State,
    masks: Masks,
    to_do: loop.Plan,
    *,
    init: State,
    origin: State | None = None,
    sparsity_of: Masks | None = None,
    keep_at: int | None = None,
    sparse: bool = False,
) -> Outcome:
    """Train from `start` and measure; `origin` (default: start) is where distances are measured from."""
    split = task.split
    network = task.network(start)
    engine = Engine(**dict.fromkeys(task.params.engine, True))
    learner = engine.learner(network, masks, sparse=sparse)
    measure = evaluate.Measure(learner, split)
    over_epochs = Record(split.given_N, split.num_classes)
    history, kept = _train(task, round_number, learner, measure, over_epochs, to_do, keep_at)
    assert measure.log_p_KN is not None
    loss_N, _ = evaluate.outcomes(measure.log_p_KN, split.given_N)
    end = learner.state()
    counted = masks if sparsity_of is None else sparsity_of
    best = max(history, key=lambda row: row["test_accuracy"])
    remaining = mask.survivors(counted) / mask.prunable(counted)
    record = {
        "round": f"r{round_number:02d}",
        "seed": task.seed,
        "sparsity": 1 - remaining,
        "remaining": remaining,
        "survivors": mask.survivors(counted),
        "prunable": mask.prunable(counted),
        "last": history[-1],
        "best": {
            "epoch": best["epoch"],
            "test_accuracy": best["test_accuracy"],
            "fitted_test_accuracy": float(measure.best_right_T.double().mean()),
        },
        "distance": distance.from_start_and_init(
            end, start if origin is None else origin, init, networks.layer_parameters(network)
        ),
        "made_with": machine.description(),
    }
    predicted_N = measure.log_p_KN.argmax(dim=0)
    return Outcome(
        masks=masks,
        start=start,
        weights=end,
        history=history,
        predicted_N=predicted_N.cpu(),
        loss_N=loss_N.cpu(),
        over_epochs=over_epochs.means(),
        right_T=measure.test_right_T.cpu(),
        best_right_T=measure.best_right_T.cpu(),
        record=record,
        rewind=kept,
    )


def _train(
    task: Task,
    round_number: int,
    learner: Learner,
    measure: evaluate.Measure,
    over_epochs: Record,
    to_do: loop.Plan,
    keep_at: int | None,
) -> tuple[list[Row], State | None]:
    """Train and measure: a row for each epoch, and the state just before iteration `keep_at`."""
    train, split = task.params.train, task.split
    optimizer = OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)
    walk = loop.Run(learner, optimizer, split.x_N, split.given_N, to_do)
    history, kept = [], None
    for epoch in walk.epochs:
        for iteration in walk.steps(epoch):
            if iteration == keep_at:
                kept = learner.state()
        row = walk.row(epoch) | measure()
        check_finite(task, f"round r{round_number:02d}", row)
        assert measure.log_p_KN is not None
        over_epochs.epoch(measure.log_p_KN)
        task.on_epoch(row, len(walk.epochs))
        history.append(row)
    return history, kept
