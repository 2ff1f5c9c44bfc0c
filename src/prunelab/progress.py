"""What one sees while a stage trains: a progress bar, and DVCLive's logs. The library itself imports neither."""

import os
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from importlib.util import find_spec
from math import ceil
from pathlib import Path
from types import TracebackType
from typing import Any

import yaml
from tqdm import tqdm

from prunelab.core import artifacts

# DVCLive syncs files to disk at every step, 2 ms each: for runs of hundreds of epochs, each itself a few
# milliseconds, that would be a third of the time. So at most about this many steps are logged to it;
# history.csv has every epoch.
LIVE_STEPS = 50
LOGGED = (
    "train_accuracy",
    "train_loss",
    "test_accuracy",
    "test_loss",
    "permuted_accuracy",
    "restored_accuracy",
    "validation_accuracy",
)


class Watch:
    """A progress bar and one DVCLive logger per replicate, for the length of a `with` block.

    Args:
        label: what is being done, e.g. "prune r07".
        folder: the stage's unfinished output folder; DVCLive writes into seedN/live inside it.
        seeds: the replicates.
    """

    def __init__(self, label: str, folder: Path, seeds: Sequence[int]) -> None:
        self._label, self._folder, self._seeds = label, folder, seeds
        self._live: dict[int, Any] = {}
        self._seen = dict.fromkeys(seeds, 0)
        self._test = dict.fromkeys(seeds, 0.0)
        self._stack = ExitStack()

    def __enter__(self) -> "Watch":
        tqdm.monitor_interval = 0  # its thread would be one too many for the processes forked meanwhile
        interactive = sys.stderr.isatty()
        self._bar = self._stack.enter_context(
            tqdm(
                desc=self._label,
                unit="epoch",
                mininterval=0.2 if interactive else 10,
                dynamic_ncols=interactive,
                file=sys.stderr,
            )
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._stack.close()

    def epoch(self, seed: int, row: dict[str, Any], epochs: int) -> None:
        """Take note of a finished epoch of one replicate, one of so many."""
        self._bar.total = epochs * len(self._seeds)
        self._seen[seed] += 1
        self._test[seed] = row["test_accuracy"]
        if self._seen[seed] % ceil(epochs / LIVE_STEPS) == 0 or self._seen[seed] == epochs:
            self._log(seed, row)
            self._bar.set_postfix_str(f"test {sum(self._test.values()) / len(self._seeds):.3f}", refresh=False)
        self._bar.update()

    def _log(self, seed: int, row: dict[str, Any]) -> None:
        if find_spec("dvclive") is None:  # stages run by hand where there is no DVC: history.csv has it all
            return
        if seed not in self._live:
            self._live[seed] = self._stack.enter_context(_live(artifacts.replicate(self._folder, seed)))
        live = self._live[seed]
        live.step = row["epoch"]
        for name in LOGGED:
            if row.get(name) is not None:
                live.log_metric(name.replace("_", "/"), row[name])
        live.next_step()


class Bar:
    """A progress bar alone: so many steps of each of so many replicates, for the length of a `with` block."""

    def __init__(self, label: str, replicates: int, unit: str) -> None:
        self._label, self._replicates, self._unit = label, replicates, unit

    def __enter__(self) -> "Bar":
        tqdm.monitor_interval = 0  # as above
        self._bar = tqdm(desc=self._label, unit=self._unit, file=sys.stderr, dynamic_ncols=sys.stderr.isatty())
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def step(self, steps: int) -> None:
        """One more step of some replicate, which has so many."""
        self._bar.total = steps * self._replicates
        self._bar.update()


def _live(folder: Path) -> Any:
    """A DVCLive logger that only writes its own files: dvc.yaml and experiments are DVC's business here."""
    # Queued experiments have a folder each but would share one signal file, and lose a race for it.
    os.environ["DVC_ROOT"] = os.getcwd()
    from dvclive import Live  # here: it may not be installed, and takes a second to load

    return Live(
        str(folder / artifacts.LIVE),
        save_dvc_exp=False,
        dvcyaml=None,
        report=None,
        cache_images=False,
        monitor_system=False,
    )


def of_all(round_name: str) -> str:
    """ "r07" -> "r07 of r35", for the eye only.

    The last round is looked up past the stage's declared parameters on purpose: no output depends on it, and a
    round that did would be run again whenever the study grows.
    """
    try:
        rounds = yaml.safe_load(Path("params.yaml").read_text(encoding="utf-8"))["rounds"]
        return f"{round_name} of {max(rounds)}"
    except (OSError, yaml.YAMLError, KeyError, TypeError, ValueError):
        return round_name
