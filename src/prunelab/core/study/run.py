"""What the three training stages have in common: every replicate's data in, every replicate's outcome out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prunelab.core import artifacts, images, split
from prunelab.core.study import checkpoint, live, replicates
from prunelab.core.study.rounds import Outcome, Task
from prunelab.core.training.loop import OnEpoch, Row

if TYPE_CHECKING:
    from prunelab.config import Config


def train_replicates(
    params: "Config", folder: Path, on_epoch: Callable[[int, Row, int], None], work: Callable[[Task], Outcome]
) -> None:
    """Do `work` for every seed, side by side, and store the outcomes in `folder`, all or none.

    Args:
        params: the stage's settings.
        folder: the stage's output; one folder per replicate is written in it.
        on_epoch: called as on_epoch(seed, row, number of epochs) after each (a progress bar).
        work: from a replicate's task to its outcome.
    """
    with artifacts.writing(folder) as unfinished:

        def replicate(seed: int, device: torch.device, report: OnEpoch) -> None:
            labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
            data = split.make(images.read(artifacts.RAW), labels, device)
            outcome = work(Task(seed, data, params, report))
            checkpoint.save(artifacts.replicate(unfinished, seed), outcome)

        with live.Log(unfinished) as log:

            def note(seed: int, row: Row, epochs: int) -> None:
                log.epoch(seed, row, epochs)
                on_epoch(seed, row, epochs)

            replicates.run(replicate, params.seeds, params.device, note)
