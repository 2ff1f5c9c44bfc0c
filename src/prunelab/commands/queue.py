"""`prunelab queue`: a grid of experiments in DVC's own queue, named and ordered."""

import argparse
import shlex
from contextlib import suppress
from pathlib import Path

from tqdm import tqdm

from prunelab.errors import UserError
from prunelab.sweeps import checks, plan
from prunelab.sweeps.dvc_command import output

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
    refuse_taken(points)
    by_all = [one for one in plan.shared(points) if len(one.members) == len(points)]
    for one in by_all:
        print(f"first what all {len(points)} share: up to {one.target}", flush=True)
        with suppress(UserError):  # left behind by a queueing that was cut off
            output("dvc", "exp", "remove", SHARED)
        output("dvc", "exp", "run", "--temp", "-n", SHARED, *plan.options(points[0].overrides), one.target)
        output("dvc", "exp", "remove", SHARED)
    for point in tqdm(plan.spread(points), desc="queueing", unit="experiment"):
        output("dvc", "exp", "run", "--queue", "-n", point.name, *plan.options(point.overrides))
    print("\n".join(["", *(f"  {point.name}" for point in points), ""]))
    print("start them:  uv run dvc queue start -j 2\nwatch them:  uv run dvc queue status\nthen:        ", end="")
    print("uv run prunelab show; uv run prunelab compare")


def refuse_taken(points: list[plan.Point]) -> None:
    """Raise UserError with one line for a name that an experiment on HEAD, queued or done, has already."""
    from dvc.repo import Repo

    names = [point.name for point in points]
    with Repo() as repo:
        taken = {name for found in repo.experiments.ls().values() for name, _ in found}
        taken |= {entry.name for entry in repo.experiments.celery_queue.iter_queued()}
    clash = [name for name in names if name in taken]
    if clash:
        remove = shlex.join(["dvc", "exp", "remove", clash[0]])
        raise UserError(f"{clash[0]}: there is such an experiment; `{remove}`, or --name PREFIX")
