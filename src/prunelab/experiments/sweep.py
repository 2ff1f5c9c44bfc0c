"""A grid of DVC experiments on many machines: each a task of a Dask cluster, in the worker's own clone.

DVC does the computing and the pushing; Dask decides where, and runs the task of a dead worker elsewhere. A task that is
repeated goes on from the stages that were finished where it can see them: in the cache of its own machine, or, for
what several tasks share, in the DVC remote.
"""

import re
import subprocess
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from distributed import Client, Future, WorkerPlugin, as_completed, get_worker

from prunelab.experiments.dvc_command import environment
from prunelab.experiments.plan import Point, Shared
from prunelab.experiments.remotes import GIT_REMOTE, Origin

TOPIC = "prunelab"
# How DVC says that it has dealt with a stage.
STAGE = re.compile(r"Running stage '([^']+)'|Stage '([^']+)' (?:is cached|didn't change)")
RETRIES = 1
one_at_a_time = threading.Lock()  # a worker has one clone, whatever number of threads it was started with


class Failed(Exception):
    """A task that did not end well; holds what its commands printed."""


@dataclass(frozen=True)
class Task:
    """One experiment for one worker; with `target`, only the stages up to it."""

    name: str
    overrides: tuple[str, ...]
    target: str | None = None


class OwnGroup(WorkerPlugin):
    """Each worker leads a process group, and takes what it started with it when it is closed."""

    name = "own-group"

    def setup(self, worker: Any) -> None:
        """Start a group, unless this process leads one already."""
        import os
        from contextlib import suppress

        with suppress(PermissionError):
            os.setpgid(0, 0)

    def teardown(self, worker: Any) -> None:
        """End the commands that are still running."""
        import psutil

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
        Failed: with that, if one of them failed.
    """
    worker = get_worker()
    log: list[str] = []
    with one_at_a_time:
        worker.log_event(TOPIC, {"name": task.name, "where": str(worker.name), "stage": None})
        env = environment(**({"CUDA_VISIBLE_DEVICES": str(int(worker.name) % gpus)} if gpus else {}))

        def call(*command: str, cwd: Path) -> None:
            process = subprocess.Popen(
                command, cwd=cwd, env=env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=1
            )
            log.append(f"$ {' '.join(command)}\n")
            for line in process.stdout or ():
                log.append(line)
                if found := STAGE.search(line):
                    stage = found[1] or found[2]
                    worker.log_event(TOPIC, {"name": task.name, "where": str(worker.name), "stage": stage})
            if process.wait():
                raise Failed("".join(log))

        clone = _clone(Path(worker.local_directory), origin, call)
        sets = [part for override in task.overrides for part in ("-S", override)]
        # An attempt that was cut off after its commit, or a task that this worker had before, may have left it.
        subprocess.run(["dvc", "exp", "remove", "-q", task.name], cwd=clone, env=env, capture_output=True)
        target = [task.target] if task.target else []
        call("dvc", "exp", "run", "--temp", "--pull", "-n", task.name, *sets, *target, cwd=clone)
        # Forced: a killed attempt may have pushed the same results in a commit of another second.
        call("dvc", "exp", "push", "--force", "--run-cache", "-r", origin.storage, GIT_REMOTE, task.name, cwd=clone)
    return "".join(log)


def _clone(folder: Path, origin: Origin, call: Callable[..., None]) -> Path:
    """This worker's clone at the sweep's commit, made at its first task."""
    clone = folder / "clone"
    done = clone / ".git" / "ready"
    if done.exists():
        return clone
    folder.mkdir(parents=True, exist_ok=True)
    call("rm", "-rf", str(clone), cwd=folder)
    call("git", "clone", "-q", "--no-checkout", origin.url, str(clone), cwd=folder)
    call("git", "checkout", "-q", "--detach", origin.commit, cwd=clone)
    for key, value in (("user.name", origin.name), ("user.email", origin.email)):
        call("git", "config", key, value, cwd=clone)
    options = dict(origin.options)
    call("dvc", "remote", "add", "--local", "-f", "-d", origin.storage, options.pop("url"), cwd=clone)
    for key, value in options.items():
        call("dvc", "remote", "modify", "--local", origin.storage, key, value, cwd=clone)
    if Path(origin.cache).is_dir():
        call("dvc", "cache", "dir", "--local", origin.cache, cwd=clone)
    done.touch()
    return clone


def run(
    client: Client,
    points: Sequence[Point],
    shared: Sequence[Shared],
    origin: Origin,
    gpus: int,
    show: Callable[[Mapping[str, Any]], None],
) -> dict[str, tuple[bool, str]]:
    """Run everything, shared stages first; whether each experiment ended well, and its log, by name.

    `show` is called with an event for each stage a worker begins (name, where: the worker, stage) and for each task that ended
    (name, ended).
    """
    client.subscribe_topic(TOPIC, lambda event: show(event[1]))
    client.register_plugin(OwnGroup())
    first: list[Future] = []
    for i, one in enumerate(shared):
        task = Task(shared_name(i, one), one.members[0].overrides, one.target)
        after = None if one.parent is None else first[one.parent]
        first.append(client.submit(_or_log, task, origin, gpus, after, key=task.name, pure=False))
    before = {p.name: i for i, one in enumerate(shared) for p in one.members}  # the narrowest group comes last
    futures = {}
    for point in points:
        after = first[before[point.name]] if point.name in before else None
        task = Task(point.name, point.overrides)
        future = client.submit(compute, task, origin, gpus, after, key=point.name, pure=False, retries=RETRIES)
        futures[future] = point.name
    results = {}
    for future in as_completed([*first, *futures]):
        error = future.exception()
        log = str(future.result()) if error is None else str(error)
        show({"name": future.key, "ended": error is None})
        if future in futures:
            results[futures[future]] = (error is None, log)
    return results


def _or_log(task: Task, origin: Origin, gpus: int, after: object) -> str:
    """`compute`, but a failure holds nobody up: who needed it computes it, and says then what is wrong."""
    try:
        return compute(task, origin, gpus, after)
    except Failed as failed:
        return str(failed)


def shared_name(number: int, one: Shared) -> str:
    """Of the experiment that computes shared stages; it is removed when all is done."""
    return f"shared-{number}-{one.target}-{one.members[0].name}"
