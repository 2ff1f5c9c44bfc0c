"""The kinds of round, each for one replicate: dense (r00), pruned (r01, r02, ...), re-dense and re-initialised.

Each returns an `Outcome`, which checkpoint.py stores; none of them touches a file.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from math import isfinite
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from prunelab.core import machine, networks, streams
from prunelab.core.networks import State
from prunelab.core.pruning import mask, select, subject
from prunelab.core.pruning.mask import Masks
from prunelab.core.split import Split
from prunelab.core.study import distance
from prunelab.core.training import evaluate, loop, restart, schedule
from prunelab.core.training.augment import AUGMENTATIONS, Augment
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.errors import UserError

if TYPE_CHECKING:
    from prunelab.config import Config

Row = dict[str, Any]


@dataclass(frozen=True)
class Outcome:
    """All that one round of one replicate leaves behind. Tensors are on the CPU."""

    masks: Masks
    start: State  # where training began, masked
    weights: State  # where it ended, masked
    history: list[Row]
    predicted_N: Tensor  # class predicted for each training example, int64
    loss_N: Tensor  # its cross-entropy on the given label
    right_T: Tensor  # whether each test example is classified correctly, bool
    best_right_T: Tensor  # the same at the epoch that was best on the other half of the test set (core/halves.py)
    record: Row
    rewind: State | None = None  # dense only: the state at iteration k


@dataclass(frozen=True)
class Task:
    """What every round of a replicate shares."""

    seed: int
    split: Split
    params: "Config"
    on_epoch: Callable[[Row, int], None]  # is handed each epoch's row, and how many there will be

    def fresh(self, round_number: int, purpose: str = "init") -> State:
        """A random initialisation; `init` of round 0 is the dense run's."""
        return networks.state(self._build(round_number, purpose))

    def network(self, state: State) -> nn.Module:
        """A network with this state, on the device."""
        network = self._build(0)
        network.load_state_dict(state)
        return network.to(self.split.x_N.device)

    @cached_property
    def layout(self) -> dict[str, torch.Size]:
        """Name -> shape of every tensor of the network's state."""
        return {name: value.shape for name, value in self._build(0).state_dict().items()}

    def prunable(self) -> list[str]:
        """Names of the prunable weights."""
        return networks.prunable(self.params.model.name, self._build(0))

    def _build(self, round_number: int, purpose: str = "init") -> nn.Module:
        model, split = self.params.model, self.split
        generator = streams.generator(self.seed, purpose, round_number)
        shape, classes = split.x_N.sample_shape, split.num_classes
        return networks.build(model.name, shape, classes, model.width, model.batchnorm_init, generator)


def dense(task: Task) -> Outcome:
    """Train the dense network (r00), keeping its state at `rewind_iteration`.

    Raises:
        UserError: the run is not that long, or batch norm would see a batch of one image.
    """
    start, train = task.fresh(0), task.params.train
    if len(task.split.x_N) % train.batch_size == 1 and any("running_mean" in name for name in start):
        raise UserError(
            f"train.batch_size={train.batch_size}: must not leave a last batch of one image (of "
            f"{len(task.split.x_N)}), which batch norm cannot be trained on"
        )
    masks = mask.dense(start, task.prunable())
    rates, keep_at = _original_schedule(task), train.rewind_iteration
    if keep_at >= len(rates):
        raise UserError(
            f"train.rewind_iteration={keep_at}: must be less than the {len(rates)} iterations of the dense run"
        )
    return _run(task, 0, start, masks, _plan(task, rates), init=start, keep_at=keep_at)


def prune(
    task: Task,
    round_number: int,
    parent: tuple[State, Masks],
    rewind: State,
    init: State,
    parent_number: int | None = None,
) -> Outcome:
    """Prune an earlier round's network and retrain the survivors.

    Args:
        task: the replicate.
        round_number: r of round r.
        parent: weights and masks at the end of the earlier round.
        rewind: the dense run at iteration k.
        init: the dense initialisation, for distances.
        parent_number: of the earlier round; default: the previous one. From 0, the dense model, it is pruned in
            one shot to the sparsity that r rounds reach.
    """
    times = 1 if parent_number is None else round_number - parent_number
    prune, train, finetune = task.params.prune, task.params.train, task.params.finetune
    state, masks = parent
    scored = subject.Subject(
        network=task.network(state).eval(),
        names=list(masks),
        x=task.split.x_N,
        y=task.split.given_N,
        batch_size=train.batch_size,
        generator=streams.generator(task.seed, "score", round_number),
    )
    masks = select.prune(masks, subject.criterion(prune.criterion)(scored), prune.fraction, prune.scope, times)
    sources = restart.Sources(
        rewind_point=lambda: rewind,
        trained=lambda: state,
        fresh=lambda: task.fresh(round_number),
        rewind_iteration=train.rewind_iteration,
    )
    start = restart.SCHEMES[prune.retrain](sources)
    own = (round_number,) if start.trained_on else ()
    if start.original_schedule:
        plan = _plan(task, _original_schedule(task), first_iteration=start.first_iteration, own=own)
    else:
        rates = schedule.constant(finetune.epochs, _steps(task), finetune.lr)
        plan = _plan(task, rates, epoch_offset=train.epochs, own=own)
    first = mask.applied(start.weights, masks)
    return _run(task, round_number, first, masks, plan, init=init, sparse=task.params.sparse)


def redense(
    task: Task, round_number: int, sparse: tuple[State, Masks], sparse_start: State, init: State, epochs_before: int
) -> Outcome:
    """Bring the pruned weights back at zero and train the whole network on (SDD 3.3).

    Args:
        task: the replicate.
        round_number: the round this follows.
        sparse: weights and masks at the end of that round.
        sparse_start: where that round's training began; distances are measured from there.
        init: the dense initialisation.
        epochs_before: the number of that round's last epoch; epochs (and their order of the data) are counted on.

    The outcome's masks are dense; its record keeps the sparsity of the round it followed.
    """
    state, masks = sparse
    redense = task.params.redense
    rates = schedule.constant(redense.epochs, _steps(task), redense.lr)
    plan = _plan(task, rates, epoch_offset=epochs_before)
    everything = mask.dense(state, list(masks))
    return _run(task, round_number, state, everything, plan, init=init, origin=sparse_start, sparsity_of=masks)


def reinit(task: Task, round_number: int, masks: Masks) -> Outcome:
    """Train a round's mask from a new random initialisation: do winning tickets always win? (SDD poster).

    Args:
        task: the replicate.
        round_number: the round whose mask it is.
        masks: that mask.

    The whole schedule, as for the dense run; distances are from the new initialisation.
    """
    fresh = task.fresh(round_number, "reinit")
    plan = _plan(task, _original_schedule(task))
    start = mask.applied(fresh, masks)
    return _run(task, round_number, start, masks, plan, init=fresh, sparse=task.params.sparse)


def _steps(task: Task) -> int:
    return loop.steps_per_epoch(len(task.split.x_N), task.params.train.batch_size)


def _original_schedule(task: Task) -> list[float]:
    train = task.params.train
    return schedule.stepped(train.epochs, _steps(task), train.lr, train.milestones, train.gamma, train.warmup_epochs)


def _plan(
    task: Task, rates: list[float], first_iteration: int = 0, epoch_offset: int = 0, own: tuple[int, ...] = ()
) -> loop.Plan:
    """What a run does; `own` is the round, if its order and augmentation are its own (restart.py)."""
    return loop.Plan(
        learning_rates=rates,
        batch_size=task.params.train.batch_size,
        # Where a round starts anew, an epoch has the order it has in the dense run: what differs is the mask alone,
        # and rewinding with nothing pruned repeats the dense run exactly.
        order=lambda epoch: streams.generator(task.seed, "order", epoch, *own),
        augment=_augment(task, own),
        first_iteration=first_iteration,
        epoch_offset=epoch_offset,
    )


def _augment(task: Task, own: tuple[int, ...]) -> Callable[[int], Augment] | None:
    kind, x = AUGMENTATIONS[task.params.train.augment], task.split.x_N
    if kind is None:
        return None
    if tuple(x.sample_shape[1:]) == (1, 1):
        raise UserError(
            f"train.augment={task.params.train.augment!r}: must be none, examples are features and no pictures"
        )
    return lambda epoch: kind.epoch(len(x), x.black, streams.generator(task.seed, "augment", epoch, *own))


def _run(
    task: Task,
    round_number: int,
    start: State,
    masks: Masks,
    plan: loop.Plan,
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
    history, kept = _train(task, round_number, learner, measure, plan, keep_at)
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
        right_T=measure.test_right_T.cpu(),
        best_right_T=measure.best_right_T.cpu(),
        record=record,
        rewind=kept,
    )


def _train(
    task: Task, round_number: int, learner: Learner, measure: evaluate.Measure, plan: loop.Plan, keep_at: int | None
) -> tuple[list[Row], State | None]:
    """Train and measure: a row for each epoch, and the state just before iteration `keep_at`."""
    train, split = task.params.train, task.split
    optimizer = OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)
    run = loop.Run(learner, optimizer, split.x_N, split.given_N, plan)
    history, kept = [], None
    for epoch in run.epochs:
        for iteration in run.steps(epoch):
            if iteration == keep_at:
                kept = learner.state()
        row = run.row(epoch) | measure()
        odd = next((name for name, value in row.items() if value is not None and not isfinite(value)), None)
        if odd:
            raise UserError(
                f"round r{round_number:02d}, seed {task.seed}: training diverged, {odd} is {row[odd]} after epoch "
                f"{row['epoch']} at learning rate {row['learning_rate']:g}; lower the learning rate"
            )
        task.on_epoch(row, len(run.epochs))
        history.append(row)
    return history, kept
