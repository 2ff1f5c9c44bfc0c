"""`prunelab speed`: what pruning buys in use: time, operations and bytes at every round of a finished run."""

import argparse
from pathlib import Path

from prunelab import style
from prunelab.comparison import runs, speed, tickets
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.tickets.speed import where

ABOUT = "Measure time per 1,000 samples, FLOPs and bytes of every round beside the dense network. Trains nothing."
OUT = Path("speed")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "name", metavar="RUN", nargs="?", default=runs.WORKSPACE, help="as for export; default: %(default)s"
    )
    parser.add_argument("--seed", type=int, help="of the replicate; default: the first")
    parser.add_argument("--out", type=Path, metavar="FOLDER", default=OUT, help="default: %(default)s/")


def run(options: argparse.Namespace) -> None:
    """Print the table, and write it with the figure."""
    out = options.out
    if out.exists() and not out.is_dir():
        raise UserError(f"--out {out}: must be a folder")
    if not out.parent.is_dir():
        raise UserError(f"--out {out}: there is no folder {out.parent}")
    tickets.check_target(out, "--out")
    (found,), _ = runs.read([options.name])
    seed, keys = tickets.seed_of(found, options.seed), tickets.rounds_of(found)
    with tickets.opened(found, seed, keys) as stored:
        rows = speed.measure(stored, keys)
    print(speed.text(rows))
    model, dataset = found.params["model"]["name"], found.params["dataset"]
    print(f"time: median of repeats in turn, on {where()}\n{speed.said(bool(rows[0]['compact']))}")
    artifacts.write_table(out / "speed.csv", rows, speed.COLUMNS)
    style.save(speed.draw(rows, f"{model} on {dataset}, seed {seed}", where()), out / "speed")
    print(f"{out}: speed.csv, speed.png, speed.svg")
