"""The replicates of a round trained as one stack (training/stack.py), not side by side or one after the other."""

from collections.abc import Sequence

import torch

from prunelab.core.networks import State
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Job, Outcome
from prunelab.core.training import loop, perceptron
from prunelab.core.training.stack import Stack
from prunelab.errors import UserError


def run(jobs: Sequence[Job]) -> list[Outcome]:
    """Train and measure them; outcomes are those of `trained.run`, up to rounding.

    Args:
        jobs: one of each replicate, of the same round. Their splits share the images, and nothing is augmented.

    Raises:
        UserError: the network is no perceptron, or training diverged.
    """
    first = jobs[0].task
    networks = [job.task.network(job.start) for job in jobs]
    if not perceptron.is_one(networks[0]):
        raise UserError(f"engine=[stacked]: must be without it for model.name={first.params.model.name}, only lenet")
    stack = Stack(networks, [job.masks for job in jobs])
    watches = [trained.Watch(job, stack.one(number)) for number, job in enumerate(jobs)]
    y_RN = torch.stack([job.task.split.given_N for job in jobs])
    graphs = "graphs" in first.params.engine
    plans = [job.plan for job in jobs]
    walk = loop.Together(stack, trained.optimizer(first, stack), first.split.x_N, y_RN, plans, graphs=graphs)
    kept: list[State | None] = [None for _ in jobs]
    for epoch in walk.epochs:
        for iteration in walk.steps(epoch):
            if iteration == jobs[0].keep_at:
                kept = [stack.one(number).state() for number in range(len(jobs))]
        for watched in watches:
            watched.epoch(walk.row(epoch), len(walk.epochs))
    return [watched.outcome(stack.one(r).state(), kept[r]) for r, watched in enumerate(watches)]
