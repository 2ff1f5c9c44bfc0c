"""`prunelab report`: one page on one or several runs, to send to somebody."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from prunelab.comparison import grid, report, runs
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.errors import UserError

ABOUT = "Write one HTML page on one or several runs that opens anywhere, without network."
STUDIES = ("sdd", "labels")  # that have a place on the page


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
    found, notes = read(options.names)
    laid_out = grid.layout(found["sdd"], left_out=notes) if found["sdd"] else None
    page = report.build(found["sdd"], laid_out, labels=found["labels"], all_figures=options.all_figures)
    artifacts.write_text(options.out, page)
    for note in laid_out.notes if laid_out else notes:
        print(f"note: {note}")
    print(
        f"{options.out}: {len({run.name for some in found.values() for run in some})} run(s), {len(page) / 1e6:.1f} MB"
    )


def read(names: Sequence[str]) -> tuple[dict[str, list[Run]], list[str]]:
    """The runs of each study that has a place on the page, and a line on each run that has none.

    Raises UserError if no run has one.
    """
    found: dict[str, list[Run]] = {}
    said: dict[str, list[str]] = {}
    for study in STUDIES:
        try:
            found[study], said[study] = runs.read(names, study)
        except UserError as error:
            found[study], said[study] = [], [str(error)]
    if not any(found.values()):
        raise UserError(said[STUDIES[0]][0])
    shown = {run.name for some in found.values() for run in some}
    lines = dict.fromkeys(line for some in said.values() for line in some)
    return found, [line for line in lines if not any(line.startswith(f"{name} did not run") for name in shown)]
