"""The dense network once more, on a part of the training set."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prunelab.core import split, streams
from prunelab.core.pruning import mask
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Job, Outcome, Task
from prunelab.core.training import evaluate, schedule
from prunelab.core.training.engine import Engine
from prunelab.errors import UserError
from prunelab.studies.lens.parts import choice
from prunelab.studies.lens.parts.choice import Rows, Seen

if TYPE_CHECKING:
    from prunelab.studies.lens.parameters import LeaveOut


@dataclass(frozen=True)
class Retrained:
    """A dense network trained on a part, measured on all N examples of the training set."""

    rows: Rows  # that it was trained on
    outcome: Outcome
    predicted_N: Tensor
    loss_N: Tensor


def retrain(task: Task, which: str, number: int, seen: Seen, settings: "LeaveOut") -> Retrained:
    """Choose a part and train on it from the replicate's own initialisation, in its order; `again` has its own.

    As many updates as on the whole set, and the learning rate of each (Lens E; D and K.2 do not say).

    Args:
        task: the replicate.
        which: one of choice.PARTS.
        number: of the round whose losses choose the part, or of the draw.
        seen: what chooses.
        settings: shares.

    Raises:
        UserError: nothing is left to train on.
    """
    rng = streams.numpy_generator(task.seed, choice.STREAMS.get(which, "leave out"), number)
    rows = choice.PARTS[which](seen, settings, rng)
    if not len(rows):
        raise UserError(f"leave_out {which} of round {number}, seed {task.seed}: leaves no example to train on")
    if any("running_mean" in name for name in task.layout):
        lone = streams.numpy_generator(task.seed, "lone", number)
        rows = split.without_lone(rows, task.params.train.batch_size, lone)
    own, purpose = ((number,), "again") if which == "again" else ((), "")
    start = task.fresh(number, purpose) if purpose else task.fresh(0)
    part = replace(task, split=task.split.part(rows))
    rates = schedule.for_part(trained.original_schedule(task), trained.steps(part))
    masks = mask.dense(start, task.prunable())
    plan = trained.plan(part, rates, own=own, purpose=purpose)
    outcome = trained.run(Job(part, number, start, masks, plan, init=start))
    log_p_KN = _log_probabilities(task, outcome, masks)
    loss_N, _ = evaluate.outcomes(log_p_KN, task.split.given_N)
    return Retrained(rows, outcome, evaluate.largest(log_p_KN).cpu(), loss_N.cpu())


@torch.inference_mode()
def _log_probabilities(task: Task, outcome: Outcome, masks: mask.Masks) -> Tensor:
    engine = Engine(**dict.fromkeys(task.params.engine, True))
    learner = engine.learner(task.network(outcome.weights), masks, sparse=False)
    return evaluate.log_probabilities(learner, task.split.x_N)
