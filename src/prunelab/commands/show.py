"""`prunelab show`: `dvc exp show` with the columns that matter, and the rows that are the runs' own."""

import argparse
import contextlib
import io
import sys
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from prunelab import config
from prunelab.comparison import provenance, runs
from prunelab.errors import UserError

ABOUT = "The table of experiments: what differs, and last test accuracy at the named models."
# Dependencies and stages' hashes are columns too, and every figure of metrics/sdd.json, labels.json and stability.json.
DROPPED = (
    rf"(State|Executor|{'|'.join(config.DERIVED)}|conf|data|src|stages|plots)\b|"
    r"(ranked_by|examples|disagreeing|out_of_sample_accuracy|early_margin)\b|(random|zeroing|gaussian|restore)-.*|"
    r".*\.(how|missed|round|sparsity|stability|train|permuted|restored|test_best|test_last_std)$"
)
Said = dict[str, str]


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.epilog = "Takes the options of `dvc exp show` too, e.g. --sort-by sweet_spot.test_last --md"
    parser.set_defaults(more=[])


def run(options: argparse.Namespace) -> None:
    """Let DVC collect and print it, but for what is another run's."""
    from dvc.exceptions import DvcException
    from dvc.ui import ui
    from scmrepo.exceptions import SCMError

    asked = _parsed(["exp", "show", "--only-changed", "--hide-workspace", "--drop", DROPPED, *options.more])
    ui.enable()
    try:
        command = asked.func(asked)
        command.repo.experiments.show = _own(command.repo.experiments.show)
        status = command.do_run()
    except (DvcException, SCMError) as error:
        raise UserError(" ".join(str(error).split())) from None
    if status:
        sys.exit(1)


def _parsed(given: list[str]) -> argparse.Namespace:
    """As DVC reads it. It logs what it does not understand, in one line; its whole usage after it is left out."""
    from dvc.cli import DvcParserError, parse_args

    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            return parse_args(given)
    except DvcParserError:
        sys.exit(1)


def _own(collect: Callable[..., list[Any]]) -> Callable[..., list[Any]]:
    """DVC's collection of what to show, less what is not the runs' own; says on stderr what that was."""

    def collected(**wanted: Any) -> list[Any]:
        lacking: Said = {}
        states = collect(**wanted)
        whole = sum(_only_own(baseline, lacking) for baseline in states)
        for line in provenance.told(lacking, whole):
            print(f"note: {line}", file=sys.stderr)
        return states

    return collected


def _only_own(baseline: Any, lacking: Said) -> int:
    """Take out of a commit's experiments, in place, those that are not whole; how many runs remain.

    The commit's own row stays, for the experiments below it, without its numbers. Queued experiments have none.
    """
    kept = []
    whole = 0
    for one in baseline.experiments or []:
        state = one.revs[0]
        if one.executor and one.executor.state == "queued":
            kept.append(one)
        elif _is_whole(state, lacking):
            kept.append(one)
            whole += 1
    baseline.experiments = kept
    if _is_whole(baseline, lacking):
        return whole + 1
    if baseline.data:
        baseline.data = replace(baseline.data, metrics={})
    return whole


def _is_whole(state: Any, lacking: Said) -> bool:
    commit = "" if state.rev == runs.WORKSPACE else state.rev
    what = provenance.lacks(runs.tree(commit))
    if what:
        lacking[state.name or state.rev[:7]] = what
    return not what
