"""What becomes of damaged artefacts: `uv run python -m benchmarks.flips`, two minutes.

In a tiny whole study (tests/damage.py) one bit of one file is flipped, or a file is replaced by another thing
(tests/replaced.py), and a stage that reads it is run. Prints how often the damage was harmless (not read: the same
outputs), named in one line before anything was written, used silently, or ended otherwise, for each kind of file.
"""

import argparse
import importlib
import random
import sys
from collections.abc import Iterable
from typing import Any

from tqdm import tqdm

from benchmarks.odd_files import ROOT


def aligned(rows: list[list[str]]) -> str:
    """Rows of cells as lines: the first column to the left, numbers to the right."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return "\n".join(
        f"{row[0]:<{widths[0]}}"
        + "".join(f"  {cell:>{width}}" for cell, width in zip(row[1:], widths[1:], strict=True))
        for row in rows
    )


def main() -> None:
    """Run both campaigns; ends with status 1 where damage was used or was not named."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--flips", type=int, default=600)
    parser.add_argument("--replaced", type=int, default=1000)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    damage: Any = importlib.import_module("damage")
    replaced: Any = importlib.import_module("replaced")
    terminal = sys.stderr  # the stages' own words go nowhere

    def all_of(trials: Iterable[Any], what: str, count: int | None) -> list[Any]:
        return list(tqdm(trials, what, count, unit="trial", file=terminal, mininterval=1))

    rng = random.Random(options.seed)
    with damage.study() as study:
        found = {
            f"One flipped bit (seed {options.seed})": all_of(
                damage.flips(study, options.flips, rng), "flips", options.flips
            ),
            "Another thing in a file's place, its digest brought up to date": all_of(
                replaced.trials(study, options.replaced, rng), "replaced", options.replaced
            ),
            "Another round's or replicate's file or folder": all_of(replaced.anothers(study, rng), "anothers", None),
        }
    wrong = []
    for title, trials in found.items():
        print(f"\n{title}\n{aligned(damage.table(trials))}")
        wrong += [trial for trial in trials if trial.outcome in (damage.SILENT, damage.OTHER)]
    for trial in wrong:
        step = "" if trial.step is None else f"{trial.step.stage}@{trial.step.key}"
        print(f"{trial.outcome}: {trial.path}: {trial.what}: {step}: {trial.said}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
