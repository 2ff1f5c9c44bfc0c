"""`prunelab suspects`: the most suspected labels of a finished run, and its data without them."""

import argparse
import sys
from pathlib import Path

from prunelab.comparison import runs, suspects
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.studies.labels import summary
from prunelab.studies.labels.tables import COLUMNS

ABOUT = "The most suspected labels of a finished run of the study labels; the data without them. Trains nothing."
SHOWN = 200


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "name", nargs="?", default=runs.WORKSPACE, help="experiment, branch, tag or commit; default: %(default)s"
    )
    few = f"how many; default: {SHOWN}, or with --write as many as are estimated to be wrong"
    parser.add_argument("--top", type=int, metavar="K", help=few)
    parser.add_argument("--seed", type=int, help="of a replicate with labels of its own; default: the first")
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write them as a table")
    parser.add_argument("--write", type=Path, metavar="FILE", help="the data without them: .npz, or .csv of a table")


def run(options: argparse.Namespace) -> None:
    """Print, or write."""
    (found,), _ = runs.read([options.name], "labels")
    if options.write:
        suspects.check_target(found, options.write)
    if options.csv:
        suspects.check_place(found, options.csv, "--csv")
    rows = suspects.read(found, options.seed)
    most = len(rows) - bool(options.write)
    if options.top is not None and not 1 <= options.top <= most:
        raise UserError(f"--top {options.top}: must be from 1 to {most}")
    if options.write:
        top = options.top if options.top is not None else suspects.estimated(found, rows)
        if top is None:
            raise UserError(f"{found.name}: it was not decidable how many labels are wrong; say how many with --top")
        if not top:
            raise UserError(f"{found.name}: no label is estimated to be wrong; say how many to leave out with --top")
        print(suspects.write(found, options.write, rows[:top]))
    some = rows[: options.top or SHOWN]
    if options.csv:
        artifacts.write_table(options.csv, some, COLUMNS["suspects"])
        print(f"{options.csv}: {len(some)} rows")
    if not options.csv and not options.write:
        print(summary.listed(some))
        if len(rows) > len(some):
            print(f"note: {len(rows) - len(some)} more; --top shows them", file=sys.stderr)
