"""Where the time of the default study goes: `dvc repro` in a clean clone, every stage run under a stopwatch.

A `python` that comes first in PATH runs the stages as benchmarks/stopwatch.py, which notes when PyTorch was loaded,
when each replicate took its first step, and how long it trained and measured; each is then a process of its own
(`PRUNELAB_WARM=0`). DVC's share is what is left of the wall clock when no stage is running. Then the whole study once
more each way, without a stopwatch.

    uv run python -m benchmarks.study             # three times the study: a quarter of an hour
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from benchmarks.growth import size_of
from benchmarks.table import Table, seconds
from prunelab.warm import SWITCH

ROOT = Path(__file__).resolve().parent.parent
Note = dict[str, Any]


def repro(where: Path | str, **environ: str) -> float:
    """Seconds of `dvc repro`."""
    return seconds(
        lambda: subprocess.run(["dvc", "repro"], cwd=where, env=os.environ | environ, check=True, stdout=sys.stderr)
    )


def run(folder: Path) -> tuple[float, float, list[Note]]:
    """Seconds of `dvc repro`, of doing it again, and what the stopwatch noted."""
    subprocess.run(["git", "clone", "-q", ROOT, folder / "clone"], check=True)
    log, shim = folder / "log.jsonl", folder / "bin" / "python"
    shim.parent.mkdir()
    path = f"{folder / 'clone'}:{ROOT}"  # stages of the clone, the stopwatch of this checkout
    shim.write_text(
        f'#!/bin/sh\nexport STARTED=$(date +%s.%N) STOPWATCH="{log}" PYTHONPATH="{path}"\n'
        f'exec "{sys.executable}" -m benchmarks.stopwatch "$@"\n'
    )
    shim.chmod(0o755)
    path = f"{shim.parent}:{os.environ['PATH']}"
    whole, again = (repro(folder / "clone", PATH=path) for _ in range(2))
    return whole, again, [json.loads(line) for line in log.read_text().splitlines()]


def shares(table: Table, whole: float, notes: list[Note]) -> None:
    """The study's seconds by what they were spent on; they add up to the whole."""
    stages = [note for note in notes if note["kind"] == "stage"]
    spent = dict.fromkeys(("start-up", "training", "evaluation", "files, DVCLive, forking", "analysis, figures"), 0.0)
    for stage in stages:
        spent["start-up"] += stage["loaded"]
        rest = stage["ended"] - stage["loaded"]
        replicates = [n for n in notes if n["kind"] == "replicate" and n["parent"] == stage["pid"]]
        if not replicates:
            spent["analysis, figures"] += rest
            continue
        # Replicates run side by side: what the longest was busy with, at the proportions of all.
        longest = max(n["trained"] + n["evaluated"] for n in replicates)
        trained, evaluated = (sum(n[name] for n in replicates) for name in ("trained", "evaluated"))
        spent["training"] += longest * trained / (trained + evaluated)
        spent["evaluation"] += longest * evaluated / (trained + evaluated)
        spent["files, DVCLive, forking"] += rest - longest
    spent["DVC"] = whole - sum(spent.values())
    for what, time in spent.items():
        table.add(f"default study, {len(stages)} stages: {what}", f"{time:.1f} s", f"{whole:.1f} s", time / whole)


def start(table: Table, notes: list[Note], repeats: int) -> None:
    """From process start to the first training step, over a bare `import torch`."""
    bare = [seconds(lambda: subprocess.run([sys.executable, "-c", "import torch"], check=True)) for _ in range(repeats)]
    end = [seconds(lambda: subprocess.run([sys.executable, "-c", QUICK_END], check=True)) for _ in range(repeats)]
    first = statistics.median(note["stepped"] for note in notes if note["kind"] == "replicate")
    for what, times in (("whole process", bare), ("ended at once, as our stages are", end)):
        middle = statistics.median(times)
        name = f"training stage, process start to first step, over `import torch` ({what})"
        table.add(name, f"{first:.2f} s", f"{middle:.2f} s", first / middle)


QUICK_END = "import torch, os; os._exit(0)"


def rounds(table: Table, notes: list[Note], data: Path) -> None:
    """Time and bytes of single rounds over the dense one's."""
    stages = {note["name"]: note for note in notes if note["kind"] == "stage"}
    dense = stages["dense@r00"]
    whole = size_of(data / "rounds" / "r00")
    for number in (5, 10, 15, 20, 25, 30, 35):
        key = f"r{number:02d}"
        stage = stages[f"prune@{key}"]
        took, base = stage["ended"], dense["ended"]
        table.add(f"default study: stage {key} over dense", f"{took:.2f} s", f"{base:.2f} s", took / base)
        size = size_of(data / "rounds" / key)
        what = f"default study: bytes of {key} over r00 ({100 * 0.8**number:.3g}% of the weights)"
        table.add(what, f"{size / 1e3:.0f} kB", f"{whole / 1e3:.0f} kB", size / whole)


def warm(table: Table) -> None:
    """The study with every stage a process of its own, over its stages started warm (src/prunelab/warm.py)."""
    times = []
    for switch in ("0", "1"):
        with tempfile.TemporaryDirectory() as folder:
            subprocess.run(["git", "clone", "-q", ROOT, folder], check=True)
            times.append(repro(folder, **{SWITCH: switch}))
    cold, forked = times
    name = "default study: stages each by itself, over stages started warm"
    table.add(name, f"{cold:.0f} s", f"{forked:.0f} s", cold / forked)


def measure(table: Table, repeats: int) -> None:
    """The whole study three times; what is short, repeatedly."""
    warm(table)
    with tempfile.TemporaryDirectory() as folder:
        whole, again, notes = run(Path(folder))
        shares(table, whole, notes)
        table.add("default study: nothing to do, over all", f"{again:.1f} s", f"{whole:.1f} s", again / whole)
        start(table, notes, repeats)
        rounds(table, notes, Path(folder) / "clone" / "data")
        cache, given = (Path(folder) / "clone" / ".dvc" / "cache", Path(folder) / "clone" / "data" / "rounds" / "r00")
        sizes = size_of(cache), size_of(given)
        what = "default study: DVC's cache over its dense round (3 replicates)"
        table.add(what, f"{sizes[0] / 1e6:.1f} MB", f"{sizes[1] / 1e6:.2f} MB", sizes[0] / sizes[1])


if __name__ == "__main__":
    Table.command(__doc__, measure)
