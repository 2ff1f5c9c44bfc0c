"""Train the dense network: round r00, and the origin that later rounds go back to."""

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.study import checkpoint, rounds
from prunelab.core.study.run import train_replicates
from stages import run


def main() -> None:
    """Write data/rounds/r00/replicates and data/origin."""
    params = config.read("dense")
    with (
        artifacts.writing(artifacts.ORIGIN) as origin,
        progress.Bar(f"dense {progress.of_all('r00')}", params.seeds) as bar,
    ):

        def work(task: rounds.Task) -> rounds.Outcome:
            outcome = rounds.dense(task)
            checkpoint.save_origin(artifacts.replicate(origin, task.seed), outcome)
            return outcome

        train_replicates(params, artifacts.of_round(artifacts.ROUNDS, "r00"), bar.step, work)


if __name__ == "__main__":
    run(main)
