"""Re-dense one round: its pruned weights come back at zero and the whole network trains on."""

import argparse

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.study import checkpoint, rounds
from prunelab.core.study.run import train_replicates
from stages import run


def main() -> None:
    """Write data/redense/rNN."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--round", required=True, help="the round to re-dense, e.g. r06")
    args = arguments.parse_args()
    params = config.read("redense")

    def work(task: rounds.Task) -> rounds.Outcome:
        sparse = artifacts.replicate(artifacts.ROUNDS / args.round, task.seed)
        origin = artifacts.replicate(artifacts.ORIGIN, task.seed)
        masks = checkpoint.load_masks(sparse)
        return rounds.redense(
            task,
            int(args.round[1:]),
            (checkpoint.load_state(sparse, artifacts.WEIGHTS, masks), masks),
            sparse_start=checkpoint.load_state(sparse, artifacts.START, masks),
            init=checkpoint.load_state(origin, artifacts.INIT, {}),
            epochs_before=artifacts.read_json(sparse / artifacts.RECORD)["last"]["epoch"],
        )

    with progress.Bar(f"re-dense {progress.of_all(args.round)}", params.seeds) as bar:
        train_replicates(params, artifacts.REDENSE / args.round, bar.step, work)


if __name__ == "__main__":
    run(main)
