"""A finished network with some of its units removed: as pruned arms end, and what temporary schemes relied on."""

import torch
from torch import nn

from prunelab.core.networks import State
from prunelab.core.pruning import mask
from prunelab.core.pruning.filters import Gates
from prunelab.core.rounds.task import Task
from prunelab.core.training import evaluate
from prunelab.core.training.engine import Engine
from prunelab.studies.stability.arms.select import Structure, Units


def network(task: Task, state: State, structure: Structure, gone: Units) -> nn.Module:
    """The network with this state, on the replicate's device, without these units: their parameters are zero.

    Where a shortcut would add to a filter that is gone, the block's output is zero there (filters.Gates).
    """
    found = task.network(mask.applied(state, structure.masks(gone)))
    if not structure.weights:
        Gates(found, structure.layers).set({name: ~units for name, units in gone.items()})
    return found


def test_accuracy(task: Task, state: State, structure: Structure, gone: Units) -> float:
    """Of that network, a fraction."""
    found = network(task, state, structure, gone)
    learner = Engine(**dict.fromkeys(task.params.engine, True)).learner(found, {}, sparse=False)
    log_p_KT = evaluate.log_probabilities(learner, task.split.x_test_T)
    _, right_T = evaluate.outcomes(log_p_KT, task.split.y_test_T)
    return float(right_T.double().mean())


def reliance(task: Task, state: State, none: State, structure: Structure, targeted: Units) -> dict[str, float]:
    """How many fractions of accuracy are lost when units are removed at the end (Stability D.1).

    Args:
        task: the replicate.
        state: the end of an arm whose targets came back.
        none: the end of the arm `none`, which was left alone: what the same places are worth in any network.
        structure: the pruned layers.
        targeted: the units.
    """
    nothing = {name: torch.zeros_like(units) for name, units in targeted.items()}
    found = {}
    for name, one in (("reliance", state), ("reliance_of_none", none)):
        whole, without = (test_accuracy(task, one, structure, gone) for gone in (nothing, targeted))
        found[name] = whole - without
    return found
