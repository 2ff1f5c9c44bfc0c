"""What every benchmark shares: timing both sides in turn, and a table whose last column is their ratio."""

import argparse
import os
import statistics
import time
from collections.abc import Callable, Sequence

import torch

Side = Callable[[], object]


def seconds(work: Side) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def medians(sides: Sequence[Side], repeats: int) -> list[float]:
    """Median seconds of each side, taken in turn so that a slow moment of the machine slows all."""
    for side in sides:
        side()
    times = [[seconds(side) for side in sides] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


class Table:
    """Markdown, printed row by row as it is measured."""

    def __init__(self) -> None:
        print("| measured | first | second | ratio |\n|---|---|---|---|", flush=True)

    def add(self, what: str, first: str, second: str, ratio: float) -> None:
        """One row: two things timed (or counted) in one run, and first / second."""
        digits = 3 if ratio < 0.1 else 2
        print(f"| {what} | {first} | {second} | {ratio:.{digits}f} |", flush=True)

    @staticmethod
    def command(description: str | None, measure: "Callable[[Table, int], None]") -> None:
        """The command line of one benchmark."""
        arguments = argparse.ArgumentParser(
            description=description, formatter_class=argparse.RawDescriptionHelpFormatter
        )
        arguments.add_argument("--repeats", type=int, default=5, help="timings of each side; medians are printed")
        arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
        args = arguments.parse_args()
        torch.set_num_threads(args.threads)
        measure(Table(), args.repeats)
