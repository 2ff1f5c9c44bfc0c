"""`prunelab sweep`: a grid of experiments on the workers of a Dask cluster."""

import argparse
import shlex
import sys
from pathlib import Path
from typing import Any

from prunelab import programs
from prunelab.comparison import provenance, runs
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.programs import output
from prunelab.sweeps import checks, plan, remotes, replicates

ABOUT = "Compute a grid of experiments on many workers; every result ends on the git and the DVC remote."
SCRATCH = Path(".dvc/tmp/sweep")


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("overrides", nargs="+", metavar="NAME=VALUE[,VALUE...]", help="as `dvc exp run -S` takes them")
    parser.add_argument("--name", default="", help="goes before each experiment's name")
    parser.add_argument(
        "--replicates",
        type=int,
        metavar="K",
        help="how many a task trains of one study's seeds (seeds=0,1,2 or seeds=range(0,20)); "
        "default: so many that there is a task for each worker",
    )
    help_ = "how many tasks at once, unless a scheduler is running; default: %(default)s"
    parser.add_argument("--workers", type=int, default=2, help=help_)
    parser.add_argument(
        "--cluster",
        default="local",
        help="local (processes here), slurm (a job a worker), or the address of a running Dask scheduler",
    )
    parser.add_argument(
        "--option",
        action="append",
        default=[],
        metavar="NAME=VALUE",
        help="of dask-jobqueue's SLURMCluster, e.g. queue=long, walltime=08:00:00, memory=8GB, job_cpu=4",
    )
    parser.add_argument("--gpus", type=int, default=0, help="of each machine: its workers take one each, in turn")


def run(options: argparse.Namespace) -> None:
    """Check, compute, verify; what is missing at the end is named with its log, and the exit status is 1."""
    checks.identity()
    points = plan.points(options.overrides, options.name, apart=True)
    replicates.studies(points, options)
    for point in points:
        checks.in_git(point.params)
    origin = remotes.origin()
    todo = _not_there_yet(points, origin)
    results: dict[str, tuple[bool, str]] = {}
    if todo:
        results = _computed(todo, origin, options)
    problems = _verified(points, origin, results)
    merged = [point.name for point in points if point.name not in problems]
    remotes.forget([part for name in merged for part in _parts(name, origin)], origin.commit)
    print(
        f"\n{len(points) - len(problems)} of {len(points)} experiments are on {remotes.GIT_REMOTE} and {origin.storage}"
    )
    for name, problem in problems.items():
        print(f"missing: {problem}")
        if kept := _parts(name, origin):
            print(f"kept, for the same command again: {', '.join(kept)}")
    names = shlex.join(point.name for point in points)
    print(f"bring home what is not here:  uv run dvc exp pull {remotes.GIT_REMOTE} {names}")
    if problems:
        sys.exit(1)


def _not_there_yet(points: list[plan.Point], origin: remotes.Origin) -> list[plan.Point]:
    """Those that no earlier sweep of the same commit has left whole on both remotes.

    Raises UserError with one line if one did under the same name with other parameters.
    """
    there = remotes.references([point.name for point in points], origin.commit)
    remotes.fetch(list(there), origin.commit)
    todo = []
    for point in points:
        if point.name not in there:
            todo.append(point)
            continue
        if plan.recorded(there[point.name]) != point.params:
            raise UserError(f"{point.name}: is on {remotes.GIT_REMOTE} with other parameters; use --name PREFIX")
        unfinished = provenance.lacks(runs.tree(there[point.name]))
        lacking = remotes.missing_data(there[point.name], origin.storage)
        but = f", but {unfinished}" if unfinished else f", but for {', '.join(lacking)}" if lacking else ""
        print(f"{point.name}: there already{but}")
        todo += [point] if but else []
    return todo


def _computed(
    points: list[plan.Point], origin: remotes.Origin, options: argparse.Namespace
) -> dict[str, tuple[bool, str]]:
    try:
        from prunelab.sweeps import board, clusters, tasks
    except ModuleNotFoundError as error:
        raise UserError(f"{error.name} is not installed: `uv sync --extra sweep` (or `--extra slurm`)") from None
    shared: list[plan.Shared] = []
    try:
        with clusters.client(options.cluster, options.workers, options.option, SCRATCH) as client:
            workers = clusters.workers(client, options.cluster, options.workers)
            studies = replicates.studies(points, options, workers)
            merged = [study for study in studies if study.parts]
            parts = [part for study in merged for part in _parts_to_do(study, origin)]
            todo = [*(study.whole for study in studies if not study.parts), *parts]
            shared = plan.shared(todo)
            totals = {study.whole.name: plan.num_stages(study.whole.params) for study in studies}
            totals |= {part.name: len(replicates.stages(part.params, of=replicates.UP_TO)) for part in parts}
            with board.Board(totals) as seen:
                return tasks.run(client, todo, merged, shared, origin, options.gpus, seen.show)
    finally:
        for i, one in enumerate(shared):
            _forget(tasks.shared_name(i, one))


def _parts_to_do(study: replicates.Study, origin: remotes.Origin) -> list[plan.Point]:
    """Those of a study's parts that no earlier sweep has left on both remotes."""
    there = remotes.references([part.name for part in study.parts], origin.commit)
    remotes.fetch(list(there), origin.commit, keep=False)
    todo = []
    for part in study.parts:
        stages = replicates.stages(part.params, of=replicates.UP_TO)
        if (
            part.name not in there
            or plan.recorded(there[part.name]) != part.params
            or provenance.lacks(runs.tree(there[part.name]), replicates.UP_TO)
            or remotes.missing_data(there[part.name], origin.storage, [stage.name for stage in stages])
        ):
            todo.append(part)
        else:
            print(f"{part.name}: there already")
    return todo


def _forget(name: str) -> None:
    """Remove an experiment from the git remote, if it is there; its data stay, for those who share them."""
    try:
        output("dvc", "exp", "remove", "-q", "-g", remotes.GIT_REMOTE, name)
    except UserError:
        return


def _parts(name: str, origin: remotes.Origin) -> list[str]:
    """Of a study, those that are on the git remote."""
    return sorted(remotes.beginning(replicates.prefix(name), origin.commit))


def _verified(points: list[plan.Point], origin: remotes.Origin, results: dict[str, tuple[bool, str]]) -> dict[str, str]:
    """By name, one line for each experiment that is not whole on both remotes; logs of all are kept."""
    for name, (_, log) in results.items():
        artifacts.write_text(_log(name), log)
    there = remotes.references([point.name for point in points], origin.commit)
    remotes.fetch(list(there), origin.commit)
    problems = {}
    for point in points:
        lacking: Any = ["its commit, on the git remote"]
        if point.name in there:
            unfinished = provenance.lacks(runs.tree(there[point.name]))
            lacking = [unfinished] if unfinished else remotes.missing_data(there[point.name], origin.storage)
        if lacking:
            ended_well, log = results.get(point.name, (True, ""))
            last_command = log.rpartition("\n$ ")[2]
            why = "" if ended_well else f"; {programs.cause(last_command)}"
            problems[point.name] = f"{point.name}: {', '.join(lacking[:3])}{why} (log: {_log(point.name)})"
    return problems


def _log(name: str) -> Path:
    return SCRATCH / f"{name}.log"
