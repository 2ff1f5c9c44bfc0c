"""What one sees while a stage works: a progress bar, handed to the library, which knows none. Writes no file.

No stage depends on this page in dvc.yaml: what it did to an output, DVC would not notice.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

from tqdm import tqdm

from prunelab import yaml12
from prunelab.errors import UserError


class Bar:
    """A progress bar over all replicates of a stage, for the length of a `with` block.

    Args:
        label: what is being done, e.g. "prune r07".
        seeds: the replicates.
        unit: of what they do step by step.
    """

    def __init__(self, label: str, seeds: Sequence[int], unit: str = "epoch") -> None:
        self._label, self._seeds, self._unit = label, seeds, unit
        self._test = dict.fromkeys(seeds, 0.0)

    def __enter__(self) -> "Bar":
        tqdm.monitor_interval = 0  # its thread would be one too many for the processes forked meanwhile
        interactive = sys.stderr.isatty()
        self._bar = tqdm(
            desc=self._label,
            unit=self._unit,
            mininterval=0.2 if interactive else 10,
            dynamic_ncols=interactive,
            file=sys.stderr,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._bar.close()

    def step(self, seed: int, row: Mapping[str, Any], steps: int) -> None:
        """One more step of one replicate, which has so many; a row with a test accuracy adds to the mean shown."""
        self._bar.total = steps * len(self._seeds)
        if "test_accuracy" in row:
            self._test[seed] = row["test_accuracy"]
            self._bar.set_postfix_str(f"test {sum(self._test.values()) / len(self._seeds):.3f}", refresh=False)
        self._bar.update()


def of_all(round_name: str) -> str:
    """ "r07" -> "r07 of r35", for the eye only.

    The last round is looked up past the stage's declared parameters on purpose: no output depends on it, and a
    round that did would be run again whenever the study grows.
    """
    try:
        rounds = yaml12.parse(Path("params.yaml").read_bytes(), "params.yaml")["rounds"]
        return f"{round_name} of {max(rounds)}"
    except (OSError, UserError, KeyError, TypeError, ValueError):
        return round_name
