"""Train the early ensemble: what dense networks make of each example before they learn wrong labels by heart."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import early, replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from stages import run


def main() -> None:
    """Write data/early."""
    params = config.read("early")
    pictures = images.read(artifacts.RAW)
    epochs = early.epochs_of(params.early.share, params.train.epochs)

    def work(seed: int, device: torch.device, on_epoch: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device, everything=True), params, on_epoch)
        early.keep(artifacts.replicate(unfinished, seed), seed, early.ensemble(task, params.early.networks, epochs))

    with artifacts.writing(artifacts.EARLY) as unfinished, progress.Bar("early", params.seeds) as bar:
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
