"""Measure how flat the loss is where an arm ends."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.stability import places
from prunelab.studies.stability.arms import arm as arms
from prunelab.studies.stability.arms import keeping, names, removed
from prunelab.studies.stability.flatness import keeping as kept
from prunelab.studies.stability.flatness import measure
from stages import round_name, run


def main() -> None:
    """Write data/stability/measured/flatness/ARM/replicates."""
    params = config.read("flatness")
    some = config.rounds_of("flatness")
    arm = names.arm(round_name(__doc__, some))
    pictures = images.read(artifacts.RAW)

    def work(seed: int, device: torch.device, report: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device), params, report)
        structure = arms.structure_of(task, task.network(task.fresh(0)), params.stability)
        gone = keeping.units(arm.name, seed, dict(structure.counts())) if arm.removes else structure.none()
        masks = structure.masks(gone) if arm.removes else {}
        network = removed.network(task, keeping.weights(arm.name, seed, task.layout), structure, gone)
        state = {name: value.detach() for name, value in network.state_dict().items()}
        masks = {name: one.to(device) for name, one in masks.items()}
        found = measure.measure(network, task.split, state, masks, params.flatness, seed)
        kept.keep(artifacts.replicate(unfinished, seed), arm.name, seed, found)
        report({}, 1)

    with (
        artifacts.writing(artifacts.of_round(places.FLATNESS, arm.name)) as unfinished,
        progress.Bar(f"flatness {arm.name}", params.seeds, "replicate") as bar,
    ):
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
