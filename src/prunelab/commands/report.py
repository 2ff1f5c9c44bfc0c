"""`prunelab report`: one page on one or several runs, to send to somebody."""

import argparse
from pathlib import Path

from prunelab.comparison import grid, report, runs
from prunelab.core import artifacts

ABOUT = "Write one HTML page on one or several runs that opens anywhere, without network."


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "names",
        nargs="*",
        default=["HEAD"],
        help="experiments (patterns in quotes), branches, tags, commits, or workspace; default: %(default)s",
    )
    parser.add_argument("--out", type=Path, default=Path("report.html"), help="file; default: %(default)s")
    parser.add_argument("--all-figures", action="store_true", help="of every run, however many there are")


def run(options: argparse.Namespace) -> None:
    """Write the page."""
    found, left_out = runs.read(options.names, "sdd")
    laid_out = grid.layout(found, left_out=left_out)
    page = report.build(found, laid_out, all_figures=options.all_figures)
    artifacts.write_text(options.out, page)
    for note in laid_out.notes:
        print(f"note: {note}")
    print(f"{options.out}: {len(found)} run(s), {len(page) / 1e6:.1f} MB")
