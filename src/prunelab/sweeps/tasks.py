"""A grid of DVC experiments on many machines: each a task of a Dask cluster, in the worker's own clone.

DVC does the computing and the pushing; Dask decides where, and runs the task of a dead worker elsewhere. A task that is
repeated goes on from the stages that were finished where it can see them: in the cache of its own machine, or, for
what several tasks share, in the DVC remote.
"""

import os
import subprocess
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, Future, WorkerPlugin, as_completed, get_worker

from prunelab.programs import environment
from prunelab.sweeps import merging
from prunelab.sweeps.clones import TOPIC, FailedError, Shell, clone, gpu, one_at_a_time, push
from prunelab.sweeps.plan import Point, Shared, options
from prunelab.sweeps.remotes import Origin, reference
from prunelab.sweeps.replicates import Study

RETRIES = 1


@dataclass(frozen=True)
class Task:
    """One experiment for one worker; with `targets`, only the stages up to these."""

    name: str
    overrides: tuple[str, ...]
    targets: tuple[str, ...] = ()


class OwnGroup(WorkerPlugin):
    """Each worker leads a process group, and takes what it started with it when it is closed."""

    name = "own-group"

    def setup(self, worker: Any) -> None:
        """Start a group, unless this process leads one already."""
        with suppress(PermissionError):
            os.setpgid(0, 0)

    def teardown(self, worker: Any) -> None:
        """End the commands that are still running."""
        for child in psutil.Process().children(recursive=True):
            child.kill()


def compute(task: Task, origin: Origin, gpus: int, after: object = None) -> str:
    """Run one experiment here and push it, and what it computed, to both remotes; on a worker.

    Args:
        task: what to run.
        origin: what to clone.
        gpus: of this machine, handed out by the worker's number; 0: all are left visible.
        after: ignored; something that had to come first.

    Returns:
        What the commands printed.

    Raises:
        FailedError: with that, if one of them failed.
    """
    with one_at_a_time:
        shell = Shell(task.name, environment(**gpu(gpus)), origin.secrets())
        here = clone(Path(get_worker().local_directory), origin, shell)
        # An attempt that was cut off after its commit may have left it here.
        shell("dvc", "exp", "remove", "-q", task.name, cwd=here, check=False)
        given = options(task.overrides)
        shell("dvc", "exp", "run", "--temp", "--pull", "-n", task.name, *given, *task.targets, cwd=here)
        push(task.name, origin, shell, here)
    return shell.log


def run(
    client: Client,
    points: Sequence[Point],
    studies: Sequence[Study],
    shared: Sequence[Shared],
    origin: Origin,
    gpus: int,
    show: Callable[[Mapping[str, Any]], None],
) -> dict[str, tuple[bool, str]]:
    """Run everything, shared stages first; whether each experiment ended well, and its log, by name.

    `points` are computed as they are, those that are parts of one of `studies` only as far as they go; then these
    studies, whose other parts are on the remotes, are merged.

    `show` is called with an event for each task and stage a worker begins (name, where: the worker, stage or None) and
    for each task that ended (name, ended).
    """
    client.subscribe_topic(TOPIC, lambda event: show(event[1]))
    client.register_plugin(OwnGroup())
    first: list[Future] = []
    for i, one in enumerate(shared):
        task = Task(shared_name(i, one), one.members[0].overrides, (one.target,))
        after = None if one.parent is None else first[one.parent]
        first.append(client.submit(_or_log, task, origin, gpus, after, key=task.name, pure=False))
    before = {p.name: first[i] for i, one in enumerate(shared) for p in one.members}  # the narrowest group comes last
    targets = {part.name: study.targets for study in studies for part in study.parts}
    found: dict[str, Future] = {}
    for point in points:
        task = Task(point.name, point.overrides, targets.get(point.name, ()))
        after = before.get(point.name)
        found[point.name] = client.submit(
            compute, task, origin, gpus, after, key=point.name, pure=False, retries=RETRIES
        )
    for study in studies:
        parts = [found[part.name] for part in study.parts if part.name in found]
        name = study.whole.name
        found[name] = client.submit(merging.merge, study, origin, gpus, parts, key=name, pure=False, retries=RETRIES)
    futures = {future: name for name, future in found.items()}
    results = {}
    for future in as_completed([*first, *futures]):
        error = future.exception()
        log = str(future.result()) if error is None else str(error)
        show({"name": future.key, "ended": error is None})
        if future in futures:
            results[futures[future]] = (error is None, log)
            future.release()  # else a worker that dies later takes this result along, and it is computed again
    return results


def _or_log(task: Task, origin: Origin, gpus: int, after: object) -> str:
    """`compute`, but a failure holds nobody up: who needed it computes it, and says then what is wrong.

    Asked for again, because the worker that remembered it died, it looks at the git remote first.
    """
    there = ["git", "ls-remote", origin.url, reference(task.name, origin.commit)]
    if subprocess.run(there, capture_output=True).stdout:
        return f"{task.name}: there already\n"
    try:
        return compute(task, origin, gpus, after)
    except FailedError as failed:
        return str(failed)


def shared_name(number: int, one: Shared) -> str:
    """Of the experiment that computes shared stages; it is removed when all is done."""
    return f"shared-{number}-{one.target}-{one.members[0].name}"
