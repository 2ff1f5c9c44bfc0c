"""`prunelab compare`: a grid of curves, a table, tests of difference, and the claims that need several runs."""

import argparse
from pathlib import Path

from prunelab import style
from prunelab.comparison import differences, figure, grid, judging, runs, tabulate
from prunelab.core import artifacts
from prunelab.judging import page as pages

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
        parser.add_argument(f"--{role}", metavar="PARAMETER", help=f"of the grid; by default what differs: {default}")
    parser.add_argument("--out", type=Path, default=Path("comparison"), help="folder; default: %(default)s")


def run(options: argparse.Namespace) -> None:
    """Write the folder and print what a reader needs of it."""
    found, left_out = runs.read(options.names)
    laid_out = grid.layout(found, {role: getattr(options, role) for role in grid.ROLES}, left_out)
    models, tests = tabulate.models(laid_out), differences.table(laid_out)
    judged = judging.judged(found, laid_out)
    page = pages.page(judged, f"The papers' claims, checked on {', '.join(one.name for one in found)}")
    drawn = figure.draw(laid_out, grid.common(found))
    options.out.mkdir(parents=True, exist_ok=True)
    style.save(drawn, options.out / "grid")
    artifacts.write_table(options.out / "models.csv", models)
    artifacts.write_table(options.out / "differences.csv", tests, tabulate.TESTS)
    artifacts.write_text(options.out / "claims.md", page)
    print(tabulate.text(models, tests, judged))
    print("\n".join([*(f"note: {note}" for note in laid_out.notes), f"figure: {options.out / 'grid.png'}"]))
    print(f"tables and claims: {options.out}/models.csv, differences.csv, claims.md")
