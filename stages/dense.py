"""Train the dense network: round r00, and the origin that later rounds go back to."""

from prunelab import config, meanwhile, progress
from prunelab.core import artifacts
from prunelab.core.rounds import checkpoint, jobs
from prunelab.core.rounds.run import train_replicates
from prunelab.core.rounds.task import Outcome
from stages import run


def main() -> None:
    """Write data/rounds/r00/replicates and data/common/origin."""
    params = config.read("dense")
    with (
        artifacts.writing(artifacts.ORIGIN) as origin,
        progress.Bar(f"dense {progress.of_all('r00')}", params.seeds) as bar,
    ):

        def keep(seed: int, outcome: Outcome) -> None:
            checkpoint.save_origin(artifacts.replicate(origin, seed), outcome)

        train_replicates(params, artifacts.of_round(artifacts.ROUNDS, "r00"), bar.step, jobs.dense, keep)
        artifacts.write_json(origin / artifacts.GIVEN, meanwhile.given("dense"))


if __name__ == "__main__":
    run(main)
