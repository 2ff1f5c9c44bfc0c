"""What the training stages have in common: every replicate's data in, every replicate's outcome out."""

from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from prunelab.core import artifacts, given, images, split
from prunelab.core.images import Images
from prunelab.core.rounds import checkpoint, live, replicates, together, trained
from prunelab.core.rounds.replicates import OnEpoch, Row
from prunelab.core.rounds.task import Job, Outcome, Task
from prunelab.core.split import Split

if TYPE_CHECKING:
    from prunelab.config import Config


def train_replicates(
    params: "Config",
    folder: Path,
    on_epoch: Callable[[int, Row, int], None],
    describe: Callable[[Task], Job],
    keep: Callable[[int, Outcome], None] | None = None,
) -> None:
    """Train every seed's network, side by side or stacked, and store the outcomes in `folder`, all or none.

    Args:
        params: the stage's settings.
        folder: the stage's output; one folder per replicate is written in it.
        on_epoch: called as on_epoch(seed, row, number of epochs) after each (a progress bar).
        describe: from a replicate's task to what is to be done.
        keep: called as keep(seed, outcome) in the process that trained it, to store more of it.
    """
    data = images.read(artifacts.RAW)  # once: forked processes share it
    with artifacts.writing(folder) as unfinished:

        def store(seed: int, outcome: Outcome) -> None:
            checkpoint.save(artifacts.replicate(unfinished, seed), outcome)
            if keep:
                keep(seed, outcome)

        def replicate(seed: int, device: torch.device, report: OnEpoch) -> None:
            store(seed, trained.run(describe(Task(seed, split_of(data, seed, device), params, report))))

        with live.Log(folder) as log:

            def note(seed: int, row: Row, epochs: int) -> None:
                log.epoch(seed, row, epochs)
                on_epoch(seed, row, epochs)

            if "stacked" in params.engine:
                for seed, outcome in zip(params.seeds, _stacked(params, data, describe, note), strict=True):
                    store(seed, outcome)
            else:
                replicates.run(replicate, params.seeds, params.device, params.threads, note)


def _stacked(
    params: "Config",
    data: Images,
    describe: Callable[[Task], Job],
    note: Callable[[int, Row, int], None],
) -> list[Outcome]:
    """All seeds' networks trained as one, here."""
    device = replicates.choose_device(params.device)
    replicates.limit_threads(params.threads)
    jobs: list[Job] = []
    for seed in params.seeds:
        shared = jobs[0].task.split if jobs else None
        split = split_of(data, seed, device, like=shared)
        jobs.append(describe(Task(seed, split, params, partial(note, seed))))
    return together.run(jobs)


def split_of(
    data: Images, seed: int, device: torch.device, *, everything: bool = False, like: Split | None = None
) -> Split:
    """A replicate's data on a device, with what is held out for validation among what is trained on if `everything`;
    images are those of `like`, which has the same.

    Raises UserError if its labels are damaged, or not those of the images.
    """
    labels = given.labels(seed, len(data.y_train), data.num_classes)
    return split.make(data, labels, device, everything=everything, like=like)
