"""What a task does on a worker: commands, in a clone of the project, whose words are kept."""

import hashlib
import re
import shutil
import subprocess
import threading
from collections.abc import Iterable, Mapping
from dataclasses import astuple
from pathlib import Path
from types import MappingProxyType

from distributed import get_worker

from prunelab.programs import without_secrets
from prunelab.sweeps.remotes import GIT_REMOTE, Origin

TOPIC = "prunelab"
# How DVC says that it has dealt with a stage.
STAGE = re.compile(r"Running stage '([^']+)'|Stage '([^']+)' (?:is cached|didn't change)")
one_at_a_time = threading.Lock()  # a worker has one clone, whatever number of threads it was started with


class FailedError(Exception):
    """A task that did not end well; holds what its commands printed."""


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

    def __call__(
        self, *command: str, cwd: Path, check: bool = True, env: Mapping[str, str] = MappingProxyType({})
    ) -> None:
        """Run one, with these variables in its environment too.

        Raises FailedError with the log if it fails, unless that does not matter.
        """
        self._printed.append(f"$ {' '.join(command)}\n")
        process = subprocess.Popen(
            command,
            cwd=cwd,
            env={**self._env, **env},
            text=True,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            bufsize=1,
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


def gpu(number: int) -> dict[str, str]:
    """What makes this worker see one of a machine's GPUs, by its own number; where there are 0, all."""
    own = int(re.sub(r"\D", "", str(get_worker().name)) or 0)  # 3, or SLURMCluster-3
    return {"CUDA_VISIBLE_DEVICES": str(own % number)} if number else {}


def clone(folder: Path, origin: Origin, shell: Shell) -> Path:
    """The project in a clone in this folder at the sweep's commit, which is made where it is not there yet.

    A worker that runs on from sweep to sweep may have one of another commit, or with another remote: it is made anew.
    """
    there = folder / "clone"
    done = there / ".git" / "ready"
    of = hashlib.sha256(repr(astuple(origin)).encode()).hexdigest()
    if done.is_file() and done.read_text() == of:
        return there / origin.folder
    folder.mkdir(parents=True, exist_ok=True)
    shutil.rmtree(there, ignore_errors=True)
    shell("git", "clone", "-q", "--no-checkout", origin.url, str(there), cwd=folder)
    shell("git", "checkout", "-q", "--detach", origin.commit, cwd=there)
    for key, value in (("user.name", origin.name), ("user.email", origin.email)):
        shell("git", "config", key, value, cwd=there)
    _configure(there / origin.folder, origin)
    done.write_text(of)
    return there / origin.folder


def _configure(project: Path, origin: Origin) -> None:
    """The DVC remote and cache in .dvc/config.local; not by commands, whose arguments all users of the machine see."""
    from dvc.config import Config

    local = project / ".dvc" / "config.local"
    local.touch(mode=0o600)
    with Config(str(project / ".dvc")).edit("local") as settings:
        settings["remote"][origin.storage] = dict(origin.options)
        settings["core"]["remote"] = origin.storage
        if Path(origin.cache).is_dir():
            settings["cache"]["dir"] = origin.cache


def push(name: str, origin: Origin, shell: Shell, project: Path) -> None:
    """Bring an experiment of a clone, what it computed and what DVC remembers of its stages to both remotes.

    Forced: a killed attempt may have pushed the same results in a commit of another second.
    """
    shell("dvc", "exp", "push", "--force", "--run-cache", "-r", origin.storage, GIT_REMOTE, name, cwd=project)
