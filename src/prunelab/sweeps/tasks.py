"""A grid of DVC experiments on many machines: each a task of a Dask cluster, in the worker's own clone.

DVC does the computing and the pushing; Dask decides where, and runs the task of a dead worker elsewhere. A task that is
repeated goes on from the stages that were finished where it can see them: in the cache of its own machine, or, for
what several tasks share, in the DVC remote.
"""

import os
import re
import shutil
import subprocess
import threading
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil
from distributed import Client, Future, WorkerPlugin, as_completed, get_worker

from prunelab.programs import environment, without_secrets
from prunelab.sweeps.plan import Point, Shared, options
from prunelab.sweeps.remotes import GIT_REMOTE, Origin

TOPIC = "prunelab"
# How DVC says that it has dealt with a stage.
STAGE = re.compile(r"Running stage '([^']+)'|Stage '([^']+)' (?:is cached|didn't change)")
RETRIES = 1
one_at_a_time = threading.Lock()  # a worker has one clone, whatever number of threads it was started with


class FailedError(Exception):
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
        with suppress(PermissionError):
            os.setpgid(0, 0)

    def teardown(self, worker: Any) -> None:
        """End the commands that are still running."""
        for child in psutil.Process().children(recursive=True):
            child.kill()


class Shell:
    """Runs commands and keeps what they print; tells everybody which stage DVC has come to.

    Args:
        task: the name to tell.
        env: for the commands.
        secrets: what is not kept.
    """

    def __init__(self, task: str, env: Mapping[str, str], secrets: Iterable[str]) -> None:
        self._task, self._env, self._secrets = task, env, secrets
        self._printed: list[str] = []
        self._tell(None)

    @property
    def log(self) -> str:
        """All that was printed so far, without secrets."""
        return without_secrets("".join(self._printed), self._secrets)

    def __call__(self, *command: str, cwd: Path, check: bool = True) -> None:
        """Run one. Raises FailedError with the log if it fails, unless that does not matter."""
        self._printed.append(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command, cwd=cwd, env=self._env, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, bufsize=1
        )
        for line in process.stdout or ():
            self._printed.append(line)
            if found := STAGE.search(line):
                self._tell(found[1] or found[2])
        if process.wait() and check:
            raise FailedError(self.log)

    def _tell(self, stage: str | None) -> None:
        worker = get_worker()
        worker.log_event(TOPIC, {"name": self._task, "where": str(worker.name), "stage": stage})


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
    worker = get_worker()
    with one_at_a_time:
        number = int(re.sub(r"\D", "", str(worker.name)) or 0)  # 3, or SLURMCluster-3
        gpu = {"CUDA_VISIBLE_DEVICES": str(number % gpus)} if gpus else {}
        shell = Shell(task.name, environment(**gpu), origin.secrets())
        clone = _clone(Path(worker.local_directory), origin, shell)
        # An attempt that was cut off after its commit may have left it here.
        shell("dvc", "exp", "remove", "-q", task.name, cwd=clone, check=False)
        target = [task.target] if task.target else []
        shell("dvc", "exp", "run", "--temp", "--pull", "-n", task.name, *options(task.overrides), *target, cwd=clone)
        # Forced: a killed attempt may have pushed the same results in a commit of another second.
        shell("dvc", "exp", "push", "--force", "--run-cache", "-r", origin.storage, GIT_REMOTE, task.name, cwd=clone)
    return shell.log


def _clone(folder: Path, origin: Origin, shell: Shell) -> Path:
    """The project in this worker's clone at the sweep's commit, which is made at its first task."""
    clone = folder / "clone"
    done = clone / ".git" / "ready"
    if done.exists():
        return clone / origin.folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(clone, ignore_errors=True)
    shell("git", "clone", "-q", "--no-checkout", origin.url, str(clone), cwd=folder)
    shell("git", "checkout", "-q", "--detach", origin.commit, cwd=clone)
    for key, value in (("user.name", origin.name), ("user.email", origin.email)):
        shell("git", "config", key, value, cwd=clone)
    _configure(clone / origin.folder, origin)
    done.touch()
    return clone / origin.folder


def _configure(clone: Path, origin: Origin) -> None:
    """The DVC remote and cache in .dvc/config.local; not by commands, whose arguments all users of the machine see."""
    from dvc.config import Config

    local = clone / ".dvc" / "config.local"
    local.touch(mode=0o600)
    with Config(str(clone / ".dvc")).edit("local") as settings:
        settings["remote"][origin.storage] = dict(origin.options)
        settings["core"]["remote"] = origin.storage
        if Path(origin.cache).is_dir():
            settings["cache"]["dir"] = origin.cache


def run(
    client: Client,
    points: Sequence[Point],
    shared: Sequence[Shared],
    origin: Origin,
    gpus: int,
    show: Callable[[Mapping[str, Any]], None],
) -> dict[str, tuple[bool, str]]:
    """Run everything, shared stages first; whether each experiment ended well, and its log, by name.

    `show` is called with an event for each task and stage a worker begins (name, where: the worker, stage or None) and
    for each task that ended (name, ended).
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
            future.release()  # else a worker that dies later takes this result along, and it is computed again
    return results


def _or_log(task: Task, origin: Origin, gpus: int, after: object) -> str:
    """`compute`, but a failure holds nobody up: who needed it computes it, and says then what is wrong.

    Asked for again, because the worker that remembered it died, it looks at the git remote first.
    """
    reference = f"refs/exps/{origin.commit[:2]}/{origin.commit[2:]}/{task.name}"
    if subprocess.run(["git", "ls-remote", origin.url, reference], capture_output=True).stdout:
        return f"{task.name}: there already\n"
    try:
        return compute(task, origin, gpus, after)
    except FailedError as failed:
        return str(failed)


def shared_name(number: int, one: Shared) -> str:
    """Of the experiment that computes shared stages; it is removed when all is done."""
    return f"shared-{number}-{one.target}-{one.members[0].name}"
