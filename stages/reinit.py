"""One round's mask once more, from a new random initialisation."""

import argparse

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.study import checkpoint, rounds
from prunelab.core.study.run import train_replicates
from stages import run


def main() -> None:
    """Write data/rounds/reinit/rNN."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--round", required=True, help="the round whose mask is trained, e.g. r06")
    args = arguments.parse_args()
    params = config.read("reinit")

    def work(task: rounds.Task) -> rounds.Outcome:
        sparse = artifacts.replicate(artifacts.ROUNDS / args.round, task.seed)
        return rounds.reinit(task, int(args.round[1:]), checkpoint.load_masks(sparse))

    with progress.Bar(f"re-initialise {progress.of_all(args.round)}", params.seeds) as bar:
        train_replicates(params, artifacts.REINIT / args.round, bar.step, work)


if __name__ == "__main__":
    run(main)
