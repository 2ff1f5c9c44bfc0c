"""Train one arm: the network with filters pruned, or disturbed, while it trains."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.stability import places
from prunelab.studies.stability.arms import arm as arms
from prunelab.studies.stability.arms import keeping, names
from stages import round_name, run


def main() -> None:
    """Write data/stability/arms/ARM/replicates."""
    params = config.read("disturb")
    every = config.rounds_of("disturb")
    arm = names.arm(round_name(__doc__, every))
    pictures = images.read(artifacts.RAW)
    rankings = {name: names.ranking(code) for name, code in every.items()}

    def work(seed: int, device: torch.device, on_epoch: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device), params, on_epoch)
        # All arms: what the last cannot be is said before the first is trained.
        arms.check(task, rankings, params.stability)
        found = arms.Training(task, arm, params.stability, rankings[arm.name]).run()
        keeping.keep(artifacts.replicate(unfinished, seed), found)

    with (
        artifacts.writing(artifacts.of_round(places.ARMS, arm.name)) as unfinished,
        progress.Bar(f"arm {arm.name}", params.seeds) as bar,
    ):
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
