"""What the three training stages have in common: every replicate's data in, every replicate's outcome out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prunelab.core import artifacts, images, split
from prunelab.core.study import checkpoint, replicates
from prunelab.core.study.rounds import Outcome, Task
from prunelab.core.training.loop import OnEpoch
from prunelab.progress import Watch

if TYPE_CHECKING:
    from prunelab.config import Config


def train_replicates(params: "Config", folder: Path, label: str, work: Callable[[Task], Outcome]) -> None:
    """Do `work` for every seed, side by side, and store the outcomes in `folder`, all or none.

    Args:
        params: the stage's settings.
        folder: the stage's output; one folder per replicate is written in it.
        label: for the progress bar.
        work: from a replicate's task to its outcome.
    """
    with artifacts.writing(folder) as unfinished:

        def replicate(seed: int, device: torch.device, on_epoch: OnEpoch) -> None:
            labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
            data = split.make(images.read(artifacts.RAW), labels, device)
            outcome = work(Task(seed, data, params, on_epoch))
            checkpoint.save(artifacts.replicate(unfinished, seed), outcome)

        with Watch(label, unfinished, params.seeds) as watch:
            replicates.run(replicate, params.seeds, params.device, watch.epoch)
