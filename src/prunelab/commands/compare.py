"""`prunelab compare`: a grid of curves, a table, tests of difference, and the claims that need several runs."""

import argparse
from importlib import import_module
from pathlib import Path

from prunelab.comparison import runs

ABOUT = "Draw runs as a grid, tabulate and test their differences, judge the claims that compare runs."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "names",
        nargs="*",
        help="experiments (patterns in quotes: 'noise-*'), branches, tags, commits, or workspace; "
        "default: HEAD and all experiments on it",
    )
    for role, default in (
        ("rows", "data set or setting"),
        ("columns", "noise"),
        ("colours", "criterion or retraining scheme"),
    ):
        shown = f"of the grid of sdd; by default what differs: {default}"
        parser.add_argument(f"--{role}", metavar="PARAMETER", help=shown)
    parser.add_argument("--study", choices=runs.compared(), help="which; default: the one that most of the runs ran")
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="folder; default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Write the folder and print what a reader needs of it."""
    found, left_out = runs.read(options.names, options.study)
    side_by_side = import_module(f"prunelab.comparison.{found[0].study}")
    print(side_by_side.compare(found, left_out, options))
