"""One pruning round: score an earlier round's weights, remove the lowest, retrain the survivors."""

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.rounds import checkpoint, jobs
from prunelab.core.rounds.run import train_replicates
from prunelab.core.rounds.task import Job, Task
from stages import round_name, run


def main() -> None:
    """Write data/rounds/rNN/replicates."""
    params = config.read("prune")
    parents = config.rounds_of("prune")
    key = round_name(__doc__, parents)

    def describe(task: Task) -> Job:
        parent = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, parents[key]), task.seed)
        origin = artifacts.replicate(artifacts.ORIGIN, task.seed)
        masks = checkpoint.load_masks(parent, task.layout)
        checkpoint.load_record(artifacts.ROUNDS, parents[key], task.seed, masks)
        return jobs.prune(
            task,
            int(key[1:]),
            (checkpoint.load_state(parent, artifacts.WEIGHTS, masks, task.layout), masks),
            rewind=checkpoint.load_state(origin, artifacts.REWIND, {}, task.layout),
            init=checkpoint.load_state(origin, artifacts.INIT, {}, task.layout),
            parent_number=int(parents[key][1:]),
        )

    with progress.Bar(f"prune {progress.of_all(key)}", params.seeds) as bar:
        train_replicates(params, artifacts.of_round(artifacts.ROUNDS, key), bar.step, describe)


if __name__ == "__main__":
    run(main)
