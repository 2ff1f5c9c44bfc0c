"""Re-dense one round: its pruned weights come back at zero and the whole network trains on."""

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.rounds import checkpoint, jobs
from prunelab.core.rounds.run import train_replicates
from prunelab.core.rounds.task import Job, Task
from prunelab.studies.sdd import places
from stages import round_name, run


def main() -> None:
    """Write data/redense/rNN/replicates."""
    params = config.read("redense")
    key = round_name(__doc__, config.rounds_of("redense"))

    def describe(task: Task) -> Job:
        sparse = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), task.seed)
        origin = artifacts.replicate(artifacts.ORIGIN, task.seed)
        masks = checkpoint.load_masks(sparse, task.layout)
        record = checkpoint.load_record(artifacts.ROUNDS, key, task.seed, masks, ["last.epoch"])
        return jobs.redense(
            task,
            int(key[1:]),
            (checkpoint.load_state(sparse, artifacts.WEIGHTS, masks, task.layout), masks),
            sparse_start=checkpoint.load_state(sparse, artifacts.START, masks, task.layout),
            init=checkpoint.load_state(origin, artifacts.INIT, {}, task.layout),
            epochs_before=record["last"]["epoch"],
        )

    with progress.Bar(f"re-dense {progress.of_all(key)}", params.seeds) as bar:
        train_replicates(params, artifacts.of_round(places.REDENSE, key), bar.step, describe)


if __name__ == "__main__":
    run(main)
