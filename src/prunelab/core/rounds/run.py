"""What the three training stages have in common: every replicate's data in, every replicate's outcome out."""

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prunelab.core import artifacts, given, images, split
from prunelab.core.images import Images
from prunelab.core.rounds import checkpoint, live, replicates
from prunelab.core.rounds.replicates import OnEpoch, Row
from prunelab.core.rounds.task import Outcome, Task
from prunelab.core.split import Split

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
    data = images.read(artifacts.RAW)  # once: forked processes share it
    with artifacts.writing(folder) as unfinished:

        def replicate(seed: int, device: torch.device, report: OnEpoch) -> None:
            outcome = work(Task(seed, split_of(data, seed, device), params, report))
            checkpoint.save(artifacts.replicate(unfinished, seed), outcome)

        with live.Log(folder) as log:

            def note(seed: int, row: Row, epochs: int) -> None:
                log.epoch(seed, row, epochs)
                on_epoch(seed, row, epochs)

            replicates.run(replicate, params.seeds, params.device, params.threads, note)


def split_of(data: Images, seed: int, device: torch.device, *, everything: bool = False) -> Split:
    """A replicate's data on a device, with what is held out for validation among what is trained on if `everything`.

    Raises UserError if its labels are damaged, or not those of the images.
    """
    labels = given.labels(seed, len(data.y_train), data.num_classes)
    return split.make(data, labels, device, everything=everything)
