"""`prunelab COMMAND`: what is asked of several experiments at once. One page each; ideas live in
comparison/ and sweeps/.

To add one: a file with `ABOUT`, `arguments(parser)` and `run(options)`, named in COMMANDS. It runs in the repository's
root, wherever the user stands; paths that are given to it are made to fit. One that sets a default for `more` finds
there what its parser does not know. One with `ANYWHERE = True` needs no repository, and runs where the user stands.
"""

import argparse
import contextlib
import os
import sys
from collections.abc import Iterator, Sequence
from importlib import import_module, metadata
from pathlib import Path

from prunelab.errors import UserError

COMMANDS = ("show", "queue", "sweep", "compare", "report", "suspects", "export", "predict", "speed", "doctor")
OUTSIDE = "not inside a prunelab repository: no folder with dvc.yaml and conf/, here or above"


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what the user did wrong ends in one line and status 1."""
    parser = argparse.ArgumentParser(prog="prunelab", description="Ask something of several experiments at once.")
    parser.add_argument("--version", action="version", version=f"prunelab {_version()}")
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        page = import_module(f"prunelab.commands.{name}")
        one = choices.add_parser(name, help=page.ABOUT.splitlines()[0], description=page.ABOUT)
        page.arguments(one)
        one.set_defaults(run=page.run, anywhere=getattr(page, "ANYWHERE", False))
    options, more = parser.parse_known_args(arguments)
    if more and "more" not in options:
        choices.choices[options.command].error(f"unrecognized arguments: {' '.join(more)}")
    options.more = more
    try:
        with contextlib.nullcontext() if options.anywhere else _in_root(options):
            options.run(options)
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # a folder that cannot be written to, a program that is not there
        sys.exit(f"error: {error.filename or options.command}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("stopped")


def root(here: Path) -> Path:
    """The repository that a folder is in. Raises UserError if it is in none."""
    for folder in (here, *here.parents):
        if (folder / "dvc.yaml").is_file() and (folder / "conf").is_dir():
            return folder
    raise UserError(OUTSIDE)


@contextlib.contextmanager
def _in_root(options: argparse.Namespace) -> Iterator[None]:
    """Stand in the repository's root meanwhile; paths among the options mean what they did where the user stands."""
    here = Path.cwd()
    there = root(here)
    if there != here:
        for name, value in vars(options).items():
            if isinstance(value, Path):
                setattr(options, name, here / value)
    os.chdir(there)
    try:
        yield
    finally:
        os.chdir(here)


def _version() -> str:
    try:
        return metadata.version("prunelab")
    except metadata.PackageNotFoundError:  # run from a clone that is not installed
        return "(not installed)"
