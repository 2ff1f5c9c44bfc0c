"""Ask networks about examples that they were not trained on: how many labels are wrong?"""

import torch

from prunelab import config, progress
from prunelab.core import artifacts, images
from prunelab.core.rounds import early, replicates
from prunelab.core.rounds.run import split_of
from prunelab.core.rounds.task import Task
from prunelab.studies.labels import crossfit, places
from stages import run


def main() -> None:
    """Write data/labels/crossfit."""
    params = config.read("crossfit")
    pictures = images.read(artifacts.RAW)
    epochs = early.epochs_of(params.early.share, params.train.epochs)

    def work(seed: int, device: torch.device, on_epoch: replicates.OnEpoch) -> None:
        task = Task(seed, split_of(pictures, seed, device, everything=True), params, on_epoch)
        crossfit.keep(
            artifacts.replicate(unfinished, seed), seed, crossfit.answers(task, params.suspects.folds, epochs)
        )

    with artifacts.writing(places.CROSSFIT) as unfinished, progress.Bar("crossfit", params.seeds) as bar:
        replicates.run(work, params.seeds, params.device, params.threads, bar.step)


if __name__ == "__main__":
    run(main)
