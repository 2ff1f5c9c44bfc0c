"""One pruning round: score an earlier round's weights, remove the lowest, retrain the survivors."""

import argparse

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.study import checkpoint, rounds
from prunelab.core.study.run import train_replicates
from stages import run


def main() -> None:
    """Write data/rounds/rNN."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--round", required=True, help="the round to make, e.g. r07")
    arguments.add_argument("--parent", required=True, help="the round it prunes, e.g. r06")
    args = arguments.parse_args()
    params = config.read("prune")

    def work(task: rounds.Task) -> rounds.Outcome:
        parent = artifacts.replicate(artifacts.ROUNDS / args.parent, task.seed)
        origin = artifacts.replicate(artifacts.ORIGIN, task.seed)
        masks = checkpoint.load_masks(parent)
        return rounds.prune(
            task,
            int(args.round[1:]),
            (checkpoint.load_state(parent, artifacts.WEIGHTS, masks), masks),
            rewind=checkpoint.load_state(origin, artifacts.REWIND, {}),
            init=checkpoint.load_state(origin, artifacts.INIT, {}),
            parent_number=int(args.parent[1:]),
        )

    with progress.Bar(f"prune {progress.of_all(args.round)}", params.seeds) as bar:
        train_replicates(params, artifacts.ROUNDS / args.round, bar.step, work)


if __name__ == "__main__":
    run(main)
