"""Score how hard each training example is, by networks that are trained for a short time."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.lens import places, scoring
from stages import run


def main() -> None:
    """Write data/lens/trained/el2n."""
    params = config.read("el2n")
    pictures = images.read(artifacts.RAW)
    epochs = scoring.epochs_of(params.el2n.share, params.train.epochs)

    def work(seed: int, device: torch.device, on_epoch: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device), params, on_epoch)
        each_MN, right = scoring.scores(task, params.el2n.networks, epochs)
        scoring.keep(artifacts.replicate(unfinished, seed), seed, epochs, each_MN.numpy(), right, task.split)

    with artifacts.writing(places.EL2N) as unfinished, progress.Bar("el2n", params.seeds) as bar:
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
