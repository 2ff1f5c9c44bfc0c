"""What is lost when the filters that a temporary scheme targeted are removed at the end."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.stability import places
from prunelab.studies.stability.arms import arm as arms
from prunelab.studies.stability.arms import keeping, names, removed
from stages import round_name, run


def main() -> None:
    """Write data/stability/measured/reliance/ARM/replicates."""
    params = config.read("reliance")
    arm = round_name(__doc__, config.rounds_of("reliance"))
    pictures = images.read(artifacts.RAW)

    def work(seed: int, device: torch.device, report: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device), params, report)
        structure = arms.structure_of(task, task.network(task.fresh(0)), params.stability)
        units = keeping.units(arm, seed, dict(structure.counts()))
        end, none = (keeping.weights(name, seed, task.layout) for name in (arm, names.NONE))
        found = {"arm": arm, "seed": seed} | removed.reliance(task, end, none, structure, units)
        artifacts.write_json(artifacts.replicate(unfinished, seed) / artifacts.RECORD, found)
        report({}, 1)

    with (
        artifacts.writing(artifacts.of_round(places.RELIANCE, arm)) as unfinished,
        progress.Bar(f"reliance {arm}", params.seeds, "replicate") as bar,
    ):
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
