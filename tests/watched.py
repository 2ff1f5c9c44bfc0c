"""One run of a command, watched: every operation on a file counted, killed at one of them; and what it has left behind.

killing/ does the counting and the killing, in all processes of the run.
"""

import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

HERE = Path(__file__).resolve().parent / "killing"
RECORD = 192  # bytes that killing/ writes for each operation
LONGEST = 300  # seconds that a command, or what outlives it, may take


class WrongError(Exception):
    """Something is not as it should be after a kill."""


@dataclass(frozen=True)
class Case:
    """A repository, `folder`/repository, with DVC's cache of hashes beside it, and how its commands are watched."""

    folder: Path
    through: dict[str, str]  # environment that loads killing/

    @property
    def root(self) -> Path:
        return self.folder / "repository"

    @property
    def log(self) -> Path:
        return self.folder.with_name(f"{self.folder.name}.log")

    @property
    def env(self) -> dict[str, str]:
        own = {"DVC_SITE_CACHE_DIR": str(self.folder / "site"), "DVC_NO_ANALYTICS": "1", "SHELL": "/bin/sh"}
        return {**os.environ, **own, "PATH": f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"}

    def git(self, *command: str, **environment: str) -> str:
        given = {**os.environ, **environment}
        done = subprocess.run(["git", *command], cwd=self.root, env=given, check=True, capture_output=True, text=True)
        return done.stdout


def through(how: str, folder: Path) -> dict[str, str]:
    """The environment for `libc` (compiled into that folder) or `python`."""
    if how == "python":
        return {"PYTHONPATH": str(HERE)}
    library = folder / "operations.so"
    command = ["cc", "-shared", "-fPIC", "-O1", "-o", str(library), str(HERE / "operations.c"), "-ldl"]
    subprocess.run(command, check=True)
    return {"LD_PRELOAD": str(library)}


def copied(template: Path, folder: Path, how: dict[str, str]) -> Case:
    """A case of its own with the same repository."""
    case = Case(folder, how)
    shutil.copytree(template, case.root, symlinks=True)
    (folder / "site").mkdir()
    case.git("update-index", "-q", "--refresh") if not case.git("status", "--porcelain") else None
    return case


def processes(case: Case) -> list[psutil.Process]:
    """Those of the run, workers of the queue included."""
    found = []
    for process in psutil.process_iter():
        with contextlib.suppress(psutil.Error, OSError):
            if process.environ().get("KILLS_ROOT") == f"{case.folder}/" and process.status() != psutil.STATUS_ZOMBIE:
                found.append(process)
    return found


def start(case: Case, command: tuple[str, ...], at: int = 0, everything: bool = False) -> tuple[int, int, str, str]:
    """Run it, to the end of all its processes, or until it was killed at that operation.

    Returns: its exit status, how many operations there were, the one it was killed at ("" if none), what it printed.
    """
    case.log.write_bytes(b"")
    env = {**case.env, **case.through, "KILLS_ROOT": f"{case.folder}/", "KILLS_LOG": str(case.log), "KILLS_AT": str(at)}
    env |= {"KILLS_ALL": "1"} if everything else {}
    printed = case.log.with_suffix(".out")
    with open(printed, "wb") as out:
        process = subprocess.Popen(
            command, cwd=case.root, env=env, stdout=out, stderr=out, stdin=subprocess.DEVNULL, start_new_session=True
        )
    deadline = time.monotonic() + LONGEST
    while True:
        killed = at and case.log.stat().st_size >= at * RECORD
        if killed and everything:
            for one in processes(case):
                with contextlib.suppress(psutil.Error):
                    one.kill()
        status = process.poll()
        if status is not None and (killed or not processes(case)):
            break
        if time.monotonic() > deadline:
            raise WrongError(f"{' '.join(command)}: does not end: {processes(case)}")
        time.sleep(0.03)
    operations = case.log.stat().st_size // RECORD
    record = case.log.read_bytes()[(at - 1) * RECORD : at * RECORD].decode(errors="replace") if killed else ""
    said = printed.read_text(errors="replace")
    return status, operations, " ".join(record.split()[1:]), said


def files(root: Path) -> dict[str, str]:
    """Digests of all files but git's and DVC's own."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        own = name.parts[0] == ".git" or name.parts[:2] in ((".dvc", "tmp"), (".dvc", "cache"))
        if path.is_file() and not own and "__pycache__" not in name.parts:
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def state(case: Case) -> dict[str, Any]:
    """All that has to be as after an unbroken run: files, what is staged, branch, stash, experiments' trees."""
    experiments = case.git("for-each-ref", "--format=%(refname) %(tree)", "refs/exps").splitlines()
    named = [line.split() for line in experiments if re.match(r"refs/exps/[0-9a-f]{2}/", line)]
    return {
        "files": files(case.root),
        "status": status(case),
        "branch": case.git("branch", "--show-current"),
        "commit": case.git("rev-parse", "main"),
        "stash": case.git("stash", "list"),
        "experiments": sorted({tree for _, tree in named}),
    }


def status(case: Case) -> str:
    """`git status`, of a copy of the index that is older than every file, so that contents are compared.

    libgit2 may note a file's size and times just before the file is written once more: git then takes it for unchanged
    if its size is the same, as that of a file of digests is.
    """
    old = case.root / ".git" / "index.compared"
    shutil.copyfile(case.root / ".git" / "index", old)
    os.utime(old, (1, 1))
    try:
        return case.git("status", "--porcelain", GIT_INDEX_FILE=str(old))
    finally:
        old.unlink()


def differences(case: Case, wanted: dict[str, Any], repeated: set[str]) -> list[str]:
    """In what it differs from that state, and what in DVC's cache is not what its name says.

    DVC leaves a file that was staged as new untracked after any run, whole or failed; an experiment run again after
    that is as the same command given twice makes it.
    """
    now = state(case)
    found = []
    for name in sorted({*wanted["files"], *now["files"]}):
        if wanted["files"].get(name) != now["files"].get(name):
            found.append(name)
    for what in ("status", "branch", "commit", "stash"):
        if now[what] != wanted[what]:
            found.append(f"{what}: {now[what]!r}, unbroken {wanted[what]!r}")
    trees, expected = set(now["experiments"]), set(wanted["experiments"])
    if not expected - repeated <= trees <= expected | repeated or (repeated and not trees & repeated):
        found.append(f"experiments: {trees}, unbroken {expected}, of the same command twice {repeated}")
    for file in (case.root / ".dvc" / "cache" / "files" / "md5").glob("??/*"):
        name = file.parent.name + file.name.removesuffix(".dir")
        if len(name) == 32 and hashlib.md5(file.read_bytes()).hexdigest() != name:
            found.append(f"cache: {name} is damaged")
    return found
