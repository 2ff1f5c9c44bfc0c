"""`prunelab predict`: what a ticket makes of pictures or arrays, as a table. Anywhere, without a repository."""

import argparse
import csv
import sys
from pathlib import Path

from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.tickets import file, predict, samples

ABOUT = "Classify a folder of pictures or an npz file with an exported ticket; a table of probabilities."
ANYWHERE = True
PART = f"where both are; default: {samples.PARTS[0]}"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("ticket", type=Path, metavar="TICKET", help="a file that `prunelab export --to` wrote")
    parser.add_argument("place", type=Path, metavar="FOLDER|NPZ", help="pictures, or arrays x (and y)")
    parser.add_argument("--part", choices=samples.PARTS, default=samples.PARTS[0], help=PART)
    parser.add_argument("--csv", type=Path, metavar="FILE", help="write the table there; default: print it")


def run(options: argparse.Namespace) -> None:
    """Print or write the table; how many are right goes beside it."""
    if options.csv and (options.csv.is_dir() or not options.csv.parent.is_dir()):
        raise UserError(f"--csv {options.csv}: must be a file in a folder that exists")
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
    table = csv.DictWriter(sys.stdout, columns, lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({k: f"{v:.7g}" if isinstance(v, float) else v for k, v in row.items()})
    print(said, file=sys.stderr)
