"""`prunelab predict`: what a ticket makes of pictures, arrays or rows, as a table. Anywhere, without a repository."""

import argparse
import sys
from pathlib import Path

from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.tickets import file, predict, samples

ABOUT = "Classify a folder of pictures, an npz file or a table with an exported ticket; a table of probabilities."
ANYWHERE = True
PLACE = "pictures; arrays x (and y); or, for a network trained on a table, a table with its columns"
PART = f"where both are; default: {samples.PARTS[0]}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("ticket", type=Path, metavar="TICKET", help="a file that `prunelab export --to` wrote")
    parser.add_argument("place", type=Path, metavar="FOLDER|NPZ|TABLE", help=PLACE)
    parser.add_argument("--part", choices=samples.PARTS, default=samples.PARTS[0], help=PART)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table there; default: print it")


def run(options: argparse.Namespace) -> None:
    """Print or write the table; how many are right goes beside it."""
    if options.csv:
        _check(options.csv, (options.ticket, options.place))
    ticket = file.read(options.ticket)
    found = samples.read(options.place, ticket, options.part)
    rows, columns = predict.rows(ticket, found), predict.columns(ticket, found)
    if found.note:
        print(f"note: {found.note}", file=sys.stderr)
    said = f"{len(rows)} samples"
    if found.labels is not None:
        right = sum(row["right"] for row in rows)
        said += f", {right} predicted as labelled ({right / len(rows):.1%})"
    if options.csv:
        artifacts.write_table(options.csv, rows, columns)
        print(f"{options.csv}: {said}")
        return
    artifacts.print_table(sys.stdout, rows, columns)
    print(said, file=sys.stderr)


def _check(target: Path, given: tuple[Path, ...]) -> None:
    """Raises UserError for a folder, a place in none, and what is read, which stays as it is."""
    if target.is_dir() or not target.parent.is_dir():
        raise UserError(f"--csv {target}: must be a file in a folder that exists")
    there = target.resolve()
    for path in given:
        if path.resolve() in (there, *there.parents):
            raise UserError(f"--csv {target}: must not be {path}, which is read, nor lie in it")
