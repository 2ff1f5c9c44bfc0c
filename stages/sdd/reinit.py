"""One round's mask once more, from a new random initialisation."""

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.rounds import checkpoint, jobs
from prunelab.core.rounds.run import train_replicates
from prunelab.core.rounds.task import Job, Task
from prunelab.studies.sdd import places
from stages import round_name, run


def main() -> None:
    """Write data/rounds/reinit/rNN/replicates."""
    params = config.read("reinit")
    key = round_name(__doc__, config.rounds_of("reinit"))

    def describe(task: Task) -> Job:
        sparse = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), task.seed)
        masks = checkpoint.load_masks(sparse, task.layout)
        checkpoint.load_record(artifacts.ROUNDS, key, task.seed, masks)
        return jobs.reinit(task, int(key[1:]), masks)

    with progress.Bar(f"re-initialise {progress.of_all(key)}", params.seeds) as bar:
        train_replicates(params, artifacts.of_round(places.REINIT, key), bar.step, describe)


if __name__ == "__main__":
    run(main)
