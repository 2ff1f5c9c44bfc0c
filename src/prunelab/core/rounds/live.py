"""DVCLive's logs of replicates that train: a few curves, where DVC's own tools look for them; history.csv has all."""

import os
from contextlib import ExitStack
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any

from prunelab.core import artifacts
from prunelab.core.training.loop import Row

# DVCLive syncs files to disk at every step, 2 ms each: for runs of hundreds of epochs, each itself a few
# milliseconds, that would be a third of the time. So at most about this many steps are logged to it.
LIVE_STEPS = 25
# A file each.
LOGGED = ("train_accuracy", "test_accuracy")


class Log:
    """A DVCLive logger for each replicate, for the length of a `with` block; does nothing where there is no DVCLive.

    Args:
        folder: the stage's output; each replicate's log lies under the same path in data/live.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = artifacts.LIVE / folder.relative_to(folder.parts[0])
        self._there = find_spec("dvclive") is not None  # not where stages are run by hand without DVC
        self._loggers: dict[int, Any] = {}
        self._seen: dict[int, int] = {}
        self._stack = ExitStack()

    def __enter__(self) -> "Log":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def epoch(self, seed: int, row: Row, epochs: int) -> None:
        """Take note of a finished epoch of one replicate, one of so many."""
        self._seen[seed] = self._seen.get(seed, 0) + 1
        due = self._seen[seed] % ceil(epochs / LIVE_STEPS) == 0 or self._seen[seed] == epochs
        if not (self._there and due):
            return
        if seed not in self._loggers:
            self._loggers[seed] = self._stack.enter_context(_logger(artifacts.replicate(self._folder, seed)))
        logger = self._loggers[seed]
        logger.step = row["epoch"]
        for name in LOGGED:
            logger.log_metric(name.replace("_", "/"), row[name])
        logger.next_step()


def _logger(folder: Path) -> Any:
    """One that only writes its own files: dvc.yaml and experiments are DVC's business here."""
    # Queued experiments have a folder each but would share one signal file, and lose a race for it.
    os.environ["DVC_ROOT"] = os.getcwd()
    from dvclive import Live  # here: it may not be installed, and takes a second to load

    return Live(
        str(folder),
        save_dvc_exp=False,
        dvcyaml=None,
        report=None,
        cache_images=False,
        monitor_system=False,
    )
