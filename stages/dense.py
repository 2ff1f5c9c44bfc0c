"""Train the dense network: round r00, its initialisation and its rewind point."""

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.study import rounds
from prunelab.core.study.run import train_replicates
from stages import run


def main() -> None:
    """Write data/rounds/r00."""
    params = config.read("dense")
    label = f"dense {progress.of_all('r00')}"
    train_replicates(params, artifacts.ROUNDS / "r00", label, rounds.dense)


if __name__ == "__main__":
    run(main)
