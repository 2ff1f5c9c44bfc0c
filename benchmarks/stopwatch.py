"""Runs one stage as `python -m stages.NAME` would, and appends to $STOPWATCH when what happened (see study.py).

All times are in seconds since $STARTED, the start of the process.
"""

import importlib
import json
import os
import sys
import time
from typing import Any


def note(**what: object) -> None:
    """One line; short appends are whole even from several processes."""
    with open(os.environ["STOPWATCH"], "a", encoding="utf-8") as file:
        file.write(json.dumps(what) + "\n")


def now() -> float:
    """Seconds since the process started."""
    return time.time() - float(os.environ["STARTED"])


def wrap() -> None:
    """Let training note its times."""
    from prunelab.core.rounds import trained
    from prunelab.core.training import evaluate

    train, measure = trained.run, evaluate.Measure.__call__
    evaluated = [0.0]

    def timed_measure(self: evaluate.Measure) -> dict[str, float | None]:
        start = time.perf_counter()
        row = measure(self)
        evaluated[0] += time.perf_counter() - start
        return row

    def timed_train(*args: Any) -> trained.Outcome:
        stepped = now()
        result = train(*args)
        trained = now() - stepped - evaluated[0]
        note(kind="replicate", parent=os.getppid(), stepped=stepped, trained=trained, evaluated=evaluated[0])
        return result

    trained.run = timed_train  # type: ignore[assignment]
    evaluate.Measure.__call__ = timed_measure  # type: ignore[method-assign]


def main() -> None:
    """As Python does: -m MODULE ARGUMENTS."""
    name, sys.argv = sys.argv[2], sys.argv[2:]
    stage = importlib.import_module(name)
    loaded = now()
    if "torch" in sys.modules:
        wrap()
    stage.main()
    note(kind="stage", name=os.environ["DVC_STAGE"], pid=os.getpid(), loaded=loaded, ended=now())
    sys.stdout.flush()
    sys.stderr.flush()
    os._exit(0)  # as stages/__init__.py does


if __name__ == "__main__":
    main()
