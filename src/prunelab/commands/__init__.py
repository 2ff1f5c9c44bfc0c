"""`prunelab COMMAND`: what is asked of several experiments at once. One page each; ideas live in experiments/.

To add one: a file with `ABOUT`, `arguments(parser)` and `run(options)`, named in COMMANDS. One that sets a default for
`more` finds there what its parser does not know.
"""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module

from prunelab.errors import UserError

COMMANDS = ("show", "queue", "sweep", "compare", "report", "doctor")


def main(arguments: Sequence[str] | None = None) -> None:
    """Run one command; what the user did wrong ends in one line and status 1."""
    parser = argparse.ArgumentParser(prog="prunelab", description="Ask something of several experiments at once.")
    choices = parser.add_subparsers(dest="command", required=True, metavar="COMMAND")
    for name in COMMANDS:
        page = import_module(f"prunelab.commands.{name}")
        one = choices.add_parser(name, help=page.ABOUT.splitlines()[0], description=page.ABOUT)
        page.arguments(one)
        one.set_defaults(run=page.run)
    options, more = parser.parse_known_args(arguments)
    if more and "more" not in options:
        choices.choices[options.command].error(f"unrecognized arguments: {' '.join(more)}")
    options.more = more
    try:
        options.run(options)
    except UserError as error:
        sys.exit(f"error: {error}")
    except OSError as error:  # a folder that cannot be written to, a program that is not there
        sys.exit(f"error: {error.filename or options.command}: {error.strerror or error}")
    except KeyboardInterrupt:
        sys.exit("stopped")
