"""What one sees of a sweep: a bar of stages with the time that remains, and a line for what each worker does."""

import sys
import threading
from collections.abc import Mapping
from types import TracebackType
from typing import Any

from tqdm import tqdm


class Board:
    """Shows events (see tasks.run) for the length of a `with` block.

    Args:
        totals: how many stages each experiment has.
    """

    def __init__(self, totals: Mapping[str, int]) -> None:
        self._totals = totals
        self._seen: dict[str, set[str]] = {}
        self._ended: set[str] = set()
        self._lines: dict[str, tqdm] = {}
        self._running: dict[str, str] = {}  # worker -> task
        self._interactive = sys.stderr.isatty()
        self._lock = threading.Lock()  # events come from Dask's thread

    def __enter__(self) -> "Board":
        self._bar = tqdm(
            desc=f"0 of {len(self._totals)} experiments",
            total=sum(self._totals.values()),
            unit="stage",
            file=sys.stderr,
            dynamic_ncols=self._interactive,
            mininterval=0.2 if self._interactive else 30,
        )
        return self

    def __exit__(
        self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None
    ) -> None:
        for line in self._lines.values():
            line.close()
        self._bar.close()

    def show(self, event: Mapping[str, Any]) -> None:
        """A worker began a task or a stage, or a task ended."""
        with self._lock:
            name = event["name"]
            if "ended" in event:
                self._end(name, well=event["ended"])
            else:
                self._begin(event["where"], name, event["stage"])
            self._bar.set_description_str(f"{len(self._ended)} of {len(self._totals)} experiments", refresh=False)
            self._bar.n = sum(min(len(seen), self._totals.get(key, 0)) for key, seen in self._seen.items())
            self._bar.update(0)

    def _begin(self, worker: str, name: str, stage: str | None) -> None:
        if stage is None:
            self._seen[name] = set()  # begun, or begun anew after its worker died
            self._running[worker] = name
            if not self._interactive:
                self._say(f"worker {worker}: {name}")
        else:
            self._seen.setdefault(name, set()).add(stage)
        if self._interactive:
            if worker not in self._lines:
                position = len(self._lines) + 1
                self._lines[worker] = tqdm(bar_format="{desc}", position=position, leave=False, file=sys.stderr)
            self._lines[worker].set_description_str(f"  worker {worker}: {name} {stage or ''}")

    def _end(self, name: str, *, well: bool) -> None:
        if name in self._totals:
            self._ended.add(name)
            self._seen[name] = {str(i) for i in range(self._totals[name])}
        for worker, task in self._running.items():
            if task == name and worker in self._lines:
                self._lines[worker].set_description_str(f"  worker {worker}: idle")
        self._say(f"{'done' if well else 'FAILED'}: {name}")

    def _say(self, text: str) -> None:
        tqdm.write(text, file=sys.stderr)
