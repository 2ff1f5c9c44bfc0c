"""The kinds of round, each for one replicate: dense (r00), pruned (r01, r02, ...), re-dense and re-initialised.

Each describes what is to be trained, a `Job`; kinds.py trains it at once. None of them touches a file.
"""

from prunelab.core import streams
from prunelab.core.networks import State
from prunelab.core.pruning import mask, select, subject
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Job, Task
from prunelab.core.training import restart, schedule
from prunelab.errors import UserError


def dense(task: Task) -> Job:
    """The dense network (r00), keeping its state at `rewind_iteration`.

    Raises:
        UserError: the run is not that long, or batch norm would see a batch of one image.
    """
    start, train = task.fresh(0), task.params.train
    trained.check_batches(task, start)
    masks = mask.dense(start, task.prunable())
    rates, keep_at = trained.original_schedule(task), train.rewind_iteration
    if keep_at >= len(rates):
        raise UserError(
            f"train.rewind_iteration={keep_at}: must be less than the {len(rates)} iterations of the dense run"
        )
    return Job(task, 0, start, masks, trained.plan(task, rates), init=start, keep_at=keep_at)


def prune(
    task: Task,
    round_number: int,
    parent: tuple[State, Masks],
    rewind: State,
    init: State,
    parent_number: int | None = None,
) -> Job:
    """An earlier round's network pruned, and its survivors retrained.

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
        plan = trained.plan(task, trained.original_schedule(task), first_iteration=start.first_iteration, own=own)
    else:
        rates = schedule.constant(finetune.epochs, trained.steps(task), finetune.lr)
        plan = trained.plan(task, rates, epoch_offset=train.epochs, own=own)
    first = mask.applied(start.weights, masks)
    return Job(task, round_number, first, masks, plan, init=init, sparse=task.params.sparse)


def redense(
    task: Task, round_number: int, sparse: tuple[State, Masks], sparse_start: State, init: State, epochs_before: int
) -> Job:
    """The pruned weights come back at zero, and the whole network is trained on (SDD 3.3).

    Args:
        task: the replicate.
        round_number: the round this follows.
        sparse: weights and masks at the end of that round.
        sparse_start: where that round's training began; distances are measured from there.
        init: the dense initialisation.
        epochs_before: the number of that round's last epoch; epochs (and their order of the data) are counted on.

    The masks are dense; the record keeps the sparsity of the round it followed.
    """
    state, masks = sparse
    redense = task.params.redense
    rates = schedule.constant(redense.epochs, trained.steps(task), redense.lr)
    plan = trained.plan(task, rates, epoch_offset=epochs_before)
    everything = mask.dense(state, list(masks))
    return Job(task, round_number, state, everything, plan, init=init, origin=sparse_start, sparsity_of=masks)


def reinit(task: Task, round_number: int, masks: Masks) -> Job:
    """A round's mask from a new random initialisation: do winning tickets always win? (SDD poster).

    Args:
        task: the replicate.
        round_number: the round whose mask it is.
        masks: that mask.

    The whole schedule, as for the dense run; distances are from the new initialisation.
    """
    fresh = task.fresh(round_number, "reinit")
    plan = trained.plan(task, trained.original_schedule(task))
    start = mask.applied(fresh, masks)
    return Job(task, round_number, start, masks, plan, init=fresh, sparse=task.params.sparse)
