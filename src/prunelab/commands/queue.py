"""`prunelab queue`: a grid of experiments in DVC's own queue, named and ordered."""

import argparse
import shlex
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from prunelab.comparison import provenance, runs
from prunelab.errors import UserError
from prunelab.programs import output
from prunelab.sweeps import checks, plan

ABOUT = "Queue a grid of experiments, with readable names, each checked first; what all share is computed at once."
SHARED = "shared-by-all"


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("overrides", nargs="+", metavar="NAME=VALUE[,VALUE...]", help="as `dvc exp run -S` takes them")
    parser.add_argument("--name", default="", help="goes before each experiment's name")


def run(options: argparse.Namespace) -> None:
    """Queue every combination, neighbours sharing as little as possible: see plan.spread."""
    checks.identity()
    checks.path(Path())
    points = plan.points(options.overrides, options.name)
    for point in points:
        checks.in_git(point.params)
    todo = to_queue(points)
    by_all = [one for one in plan.shared(todo) if len(one.members) == len(todo)]
    for one in by_all:
        print(f"first what all {len(todo)} share: up to {one.target}", flush=True)
        with suppress(UserError):  # left behind by a queueing that was cut off
            output("dvc", "exp", "remove", SHARED)
        output("dvc", "exp", "run", "--temp", "-n", SHARED, *plan.options(one.members[0].overrides), one.target)
        output("dvc", "exp", "remove", SHARED)
    for point in tqdm(plan.spread(todo), desc="queueing", unit="experiment"):
        output("dvc", "exp", "run", "--queue", "-n", point.name, *plan.options(point.overrides))
    print("\n".join(["", *(f"  {point.name}" for point in points), ""]))
    if todo:
        print("start them:  uv run dvc queue start -j 2")
    print("watch them:  uv run dvc queue status\nthen:        uv run prunelab show; uv run prunelab compare")


def to_queue(points: list[plan.Point]) -> list[plan.Point]:
    """Those that are neither there, nor queued, nor being computed, as after something was cut off; says which are.

    Raises UserError with one line for a name that another experiment on HEAD has.
    """
    from dvc.repo import Repo

    with Repo() as repo:
        done = {name: commit for found in repo.experiments.ls().values() for name, commit in found}
        queue = repo.experiments.celery_queue
        queued = {entry.name: entry.stash_rev for entry in queue.iter_queued()}
        active = {entry.name: entry.stash_rev for entry in queue.iter_active()}
    todo = []
    for point in points:
        commit = active.get(point.name) or queued.get(point.name) or done.get(point.name)
        if commit is None:
            todo.append(point)
        elif plan.recorded(commit) != point.params:
            raise _taken(point, "other parameters")
        elif point.name in active:
            print(f"{point.name}: being computed; if its worker was killed, `prunelab doctor` first")
        elif point.name in queued:
            print(f"{point.name}: queued already")
        elif lacking := provenance.lacks(runs.tree(commit)):
            raise _taken(point, f"these parameters, which {lacking}")
        else:
            print(f"{point.name}: there already")
    return todo


def _taken(point: plan.Point, what: str) -> UserError:
    remove = shlex.join(["dvc", "exp", "remove", point.name])
    return UserError(f"{point.name}: there is such an experiment, with {what}; `{remove}`, or --name PREFIX")
