"""Kills at random file operations, hundreds of them: `uv run python -m benchmarks.kills`, half an hour.

Chains over one working tree with a user's uncommitted edits: after every kill `prunelab doctor`, then the same command
again, until it has ended well; then everything must be as after the same commands unbroken. tests/kills.py does it.
"""

import argparse
import importlib
import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from tqdm import tqdm

ROOT = Path(__file__).resolve().parent.parent
COLUMNS = ("pipeline", "command", "operations", "kills", "carried on", "user's untouched", "same bytes", "mended")


def campaign(
    name: str, kills: int, seed: int, how: str, folder: Path, bar: "tqdm[Any]"
) -> tuple[list[tuple[str, ...]], list[str]]:
    """Rows of the table, and what went wrong, for the pipeline `quick` or `real`."""
    watched: Any = importlib.import_module("watched")
    pipelines: Any = importlib.import_module("killed_pipelines")
    mine = getattr(pipelines, name)(folder / "template")
    through = watched.through(how, folder)
    chains = importlib.import_module("kills").Campaign(getattr(pipelines, f"{name}_steps")(), mine, seed, bar.update)
    chains.reference(watched.copied(folder / "template", folder / "unbroken", through))
    failures: list[str] = []
    done = number = 0
    while done < kills:
        number += 1
        case = watched.copied(folder / "template", folder / f"chain{number}", through)
        done += chains.chain(case, kills - done)
        new = [text for tally in chains.tallies.values() for text in tally.failures if text not in failures]
        failures += new
        for text in new:
            tqdm.write(f"WRONG {name}: {text}\n", file=sys.stderr)
        if not new:
            shutil.rmtree(case.folder)
    rows = []
    for kind, tally in chains.tallies.items():
        mended = ", ".join(f"{what} {count}" for what, count in tally.mended.most_common()) or "nothing"
        counts = (tally.operations, tally.kills, tally.carried_on, tally.untouched)
        rows.append((name, kind, *map(str, counts), f"{tally.same} of {tally.commands}", mended))
    return rows, failures


def main() -> None:
    """Print the table; ends with status 1 if anything went wrong, and leaves those repositories where they are."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--kills", type=int, default=200, help="in all")
    arguments.add_argument("--seed", type=int, default=0, help="of the operations at which to kill")
    arguments.add_argument("--real", type=float, default=0.3, help="share of them in the project itself")
    through = "libc" if shutil.which("cc") else "python"
    arguments.add_argument(
        "--through", choices=("libc", "python"), default=through, help="who counts operations (libc: needs a compiler)"
    )
    options = arguments.parse_args()
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    base = Path(tempfile.mkdtemp(prefix="kills-"))
    real = round(options.kills * options.real)
    rows: list[tuple[str, ...]] = []
    failures: list[str] = []
    with tqdm(total=options.kills, unit="kill") as bar:
        for name, kills in (("quick", options.kills - real), ("real", real)):
            if kills:
                (base / name).mkdir()
                more, wrong = campaign(name, kills, options.seed, options.through, base / name, bar)
                rows, failures = rows + more, failures + wrong
    sums = [str(sum(int(row[i]) for row in rows)) for i in range(2, 6)]
    ends = [[int(row[6].split(" of ")[i]) for row in rows] for i in range(2)]
    total = ("", "all", *sums, f"{sum(ends[0])} of {sum(ends[1])}", "")
    table = [COLUMNS, *rows, total]
    widths = [max(len(row[i]) for row in table) for i in range(len(COLUMNS))]
    for row in table:
        cells = [
            cell.rjust(width) if 1 < i < 7 else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        print("  ".join(cells).rstrip())
    if failures:
        sys.exit(f"\n{len(failures)} went wrong; their repositories are in {base}")
    shutil.rmtree(base)
    print("\nAfter every command: bytes, index, branch, experiments as unbroken; the user's files as they were.")


if __name__ == "__main__":
    main()
