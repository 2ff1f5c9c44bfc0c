"""Train the dense network on a part of the training set, which one round's losses choose."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.lens import places, stored
from prunelab.studies.lens.parts import keeping
from prunelab.studies.lens.parts.retrain import retrain
from stages import round_name, run


def main() -> None:
    """Write data/lens/trained/leave_out/PART/replicates."""
    params = config.read("leave_out")
    rounds = config.rounds_of("leave_out")
    key = round_name(__doc__, rounds)
    pictures = images.read(artifacts.RAW)

    def work(seed: int, device: torch.device, on_epoch: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device), params, on_epoch)
        given_N = task.split.given_N.cpu().numpy()
        found = retrain(task, *stored.part(key), stored.seen(rounds[key], seed, given_N), params.leave_out)
        keeping.part(artifacts.replicate(unfinished, seed), key, found, task.split)

    with (
        artifacts.writing(artifacts.of_round(places.LEAVE_OUT, key)) as unfinished,
        progress.Bar(f"leave out {key}", params.seeds) as bar,
    ):
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
