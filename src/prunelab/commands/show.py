"""`prunelab show`: `dvc exp show` with the columns that matter."""

import argparse
import sys

from prunelab.sweeps.dvc_command import passed_through

ABOUT = "The table of experiments: what differs, and last test accuracy at the named models."
# Dependencies and stages' hashes are columns too, and every figure of metrics/summary.json.
DROPPED = (
    r"(State|Executor|rounds|redense_rounds|reinit_rounds|landscape_rounds|data|src|stages|plots|metrics/claims)\b|"
    r".*\.(round|sparsity|train|permuted|restored|test_best|test_last_std)$"
)


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument(
        "more", nargs=argparse.REMAINDER, help="options of `dvc exp show`, e.g. --sort-by sweet_spot.test_last --md"
    )


def run(options: argparse.Namespace) -> None:
    """Let DVC print it."""
    status = passed_through(
        "dvc", "exp", "show", "--only-changed", "--hide-workspace", "--drop", DROPPED, *options.more
    )
    if status:
        sys.exit(status)
