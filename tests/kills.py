"""Kills at any file operation of a command, then the doctor and the same command again, until it has ended well.

What it ends with is held against the same commands unbroken. test_kills.py runs a few, `python -m benchmarks.kills`
hundreds. killing/ counts the operations of all processes of a run, and kills.
"""

import contextlib
import hashlib
import io
import os
import random
import re
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from prunelab.commands import doctor
from prunelab.doctor import examine

HERE = Path(__file__).resolve().parent / "killing"
RECORD = 192  # bytes that killing/ writes for each operation
LONGEST = 300  # seconds that a command, or what outlives it, may take
MOST = 12  # kills of a command, then it may end
AT_WORK = "look again when it has ended"
QUEUE_AGAIN = re.compile(r"`dvc queue remove ([^`]+)`, and queue it again")
# What the doctor says, in short.
KINDS = {
    "process": r"^process \d+ (computes|is a stage)",
    "git lock": r"git refuses to work beside it",
    "git's stash": r"git's stash",
    "HEAD": r"HEAD is detached",
    "EXEC_MERGE": r"EXEC_MERGE .* holds your changes",
    "exps/exec": r"refs/exps/exec: ",
    "exps/stash": r"refs/exps/stash: ",
    "rwlock": r"rwlock: ",
    "dvc.lock": r"^dvc\.lock: ",
    "params.yaml": r"^params\.yaml: ",
    "record": r"cut off while DVC wrote it$|would obey",
    "queue task": r"is shown as running",
    "killed task": r"failed in the queue",
    "reflog": r"its last line was cut off",
    "unfinished": r"data/unfinished: ",
    "clone": r"in which an experiment ran",
    "options": r"the options of a killed",
    "run-cache": r"unfinished entries of the run-cache",
    "copies": r"copies that broke off",
}


class WrongError(Exception):
    """Something is not as it should be after a kill."""


@dataclass(frozen=True)
class Step:
    """A command, as the user gives it."""

    kind: str  # a row of the table
    command: tuple[str, ...]
    before: Callable[[Path], None] = lambda root: None  # once, before its first start
    queues: tuple[str, ...] = ()  # names of experiments


@dataclass(frozen=True)
class End:
    """Of an unbroken run."""

    operations: int
    telling: list[int]  # those of them on other files than DVC's databases, which it can do without
    state: dict[str, object]


@dataclass
class Tally:
    """One row of the table."""

    operations: int = 0  # of the unbroken run
    kills: int = 0
    mended: Counter[str] = field(default_factory=Counter)
    ended: int = 0  # commands that ended well after kills
    failures: list[str] = field(default_factory=list)


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

    def git(self, *command: str) -> str:
        return subprocess.run(["git", *command], cwd=self.root, check=True, capture_output=True, text=True).stdout


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


def look(case: Case, as_command: bool) -> str:
    """What the doctor says and does; it is asked again as long as it says so. Afterwards it has nothing to say."""
    said = ""
    deadline = time.monotonic() + LONGEST
    with _environment(case):
        while True:
            text = _command(case) if as_command else _in_process(case)
            said += text
            if AT_WORK not in text:
                break
            if time.monotonic() > deadline:
                raise WrongError(f"the doctor waits for ever: {text}")
            time.sleep(0.5)
        more = [finding.text for finding in examine(case.root) if not finding.harmless]
    if more:
        raise WrongError(f"the doctor said {said!r}, and then found {more}")
    return said


@contextlib.contextmanager
def _environment(case: Case) -> Iterator[None]:
    before = dict(os.environ)
    os.environ.update(case.env)
    try:
        yield
    finally:
        os.environ.clear()
        os.environ.update(before)


def _command(case: Case) -> str:
    done = subprocess.run(["prunelab", "doctor"], cwd=case.root, env=case.env, capture_output=True, text=True)
    if done.returncode or done.stderr:
        raise WrongError(f"prunelab doctor: status {done.returncode}: {done.stdout}{done.stderr}")
    return done.stdout


def _in_process(case: Case) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        _, left = doctor.mended(case.root)
    if left:
        raise WrongError(f"the doctor leaves {[finding.text for finding in left]}")
    return printed.getvalue()


def files(root: Path) -> dict[str, str]:
    """Digests of all files but git's and DVC's own."""
    found = {}
    for path in sorted(root.rglob("*")):
        name = path.relative_to(root)
        own = name.parts[0] == ".git" or name.parts[:2] in ((".dvc", "tmp"), (".dvc", "cache"))
        if path.is_file() and not own and "__pycache__" not in name.parts:
            found[str(name)] = hashlib.sha256(path.read_bytes()).hexdigest()
    return found


def state(case: Case) -> dict[str, object]:
    """All that has to be as after an unbroken run: files, what is staged, branch, stash, experiments' trees."""
    experiments = case.git("for-each-ref", "--format=%(refname) %(tree)", "refs/exps").splitlines()
    named = [line.split() for line in experiments if re.match(r"refs/exps/[0-9a-f]{2}/", line)]
    return {
        "files": files(case.root),
        "status": case.git("status", "--porcelain"),
        "branch": case.git("branch", "--show-current"),
        "commit": case.git("rev-parse", "main"),
        "stash": case.git("stash", "list"),
        "experiments": sorted({tree for _, tree in named}),
    }


def differences(case: Case, wanted: dict[str, object]) -> list[str]:
    """In what it differs from that state, and what in DVC's cache is not what its name says."""
    now = state(case)
    found = []
    for what, value in wanted.items():
        if isinstance(value, dict):
            mine: dict[str, str] = now[what]  # type: ignore[assignment]
            found += [name for name in sorted({*value, *mine}) if value.get(name) != mine.get(name)]
        elif now[what] != value:
            found.append(f"{what}: {now[what]!r}, unbroken {value!r}")
    for file in (case.root / ".dvc" / "cache" / "files" / "md5").glob("??/*"):
        name = file.parent.name + file.name.removesuffix(".dir")
        if len(name) == 32 and hashlib.md5(file.read_bytes()).hexdigest() != name:
            found.append(f"cache: {name} is damaged")
    return found


def unbroken(case: Case, steps: list[Step]) -> list[End]:
    """For each step how many operations there are, and what it ends with."""
    ends = []
    for step in steps:
        step.before(case.root)
        status, operations, _, said = start(case, step.command)
        if status:
            raise WrongError(f"{step.kind}: status {status} without a kill: {said}")
        names = [line.split()[2] for line in case.log.read_text(errors="replace").splitlines()]
        ends.append(
            End(operations, [i + 1 for i in range(operations) if not names[i].startswith("site/")], state(case))
        )
    return ends


class Campaign:
    """Chains of kills over the same steps."""

    def __init__(self, steps: list[Step], mine: dict[str, str | None], seed: int, tick: Callable[[], object]) -> None:
        self.steps, self.mine, self.tick = steps, mine, tick
        self.draw = random.Random(seed)
        self.tallies = {step.kind: Tally() for step in steps}

    def reference(self, case: Case) -> None:
        """Run the steps unbroken."""
        self.ends = unbroken(case, self.steps)
        for step, end in zip(self.steps, self.ends, strict=True):
            self.tallies[step.kind].operations += end.operations

    def chain(self, case: Case, kills: int) -> int:
        """Kill each step's command several times, `kills` in all at the most; how many there were."""
        total = 0
        for step, end in zip(self.steps, self.ends, strict=True):
            tally, trace = self.tallies[step.kind], []
            try:
                step.before(case.root)
                total += self._step(case, step, end, kills - total, trace)
            except WrongError as error:
                tally.failures.append(f"{step.kind}, {case.folder}: {'; '.join(trace)}: {error}")
                return total + len(trace)
        return total

    def _step(self, case: Case, step: Step, end: End, kills: int, trace: list[str]) -> int:
        tally = self.tallies[step.kind]
        most = min(kills, MOST)
        while True:
            at = self.draw.choice([self.draw.randint(1, end.operations), self.draw.choice(end.telling)])
            everything = self.draw.random() < 0.5
            at = at if len(trace) < most else 0
            status, _, killed, said = start(case, step.command, at, everything)
            if not killed:
                break
            tally.kills += 1
            self.tick()
            trace.append(f"{'all' if everything else 'one'} at {at} ({killed})")
            told = look(case, as_command=self.draw.random() < 0.25)
            tally.mended.update(kind for line in told.splitlines() for kind in kinds(line))
            self._untouched(case)
            for name in dict.fromkeys(QUEUE_AGAIN.findall(told)):
                self._again(case, name)
        if status:
            raise WrongError(f"the same command ends with status {status}: {said[-2000:]}")
        if found := differences(case, end.state):
            raise WrongError(f"not as unbroken: {found}")
        tally.ended += bool(trace)
        return len(trace)

    def _untouched(self, case: Case) -> None:
        """The user's files have the user's content, and HEAD is on its branch."""
        now = files(case.root)
        changed = [name for name, digest in self.mine.items() if now.get(name) != digest]
        if changed or case.git("branch", "--show-current") != "main\n":
            raise WrongError(f"after the doctor, changed: {changed}, branch {case.git('branch', '--show-current')!r}")

    def _again(self, case: Case, name: str) -> None:
        """Do what the doctor says of a task that was killed."""
        (queueing,) = [step for step in self.steps if name in step.queues]
        for command in (("dvc", "queue", "remove", name), queueing.command):
            status, _, _, said = start(case, command)
            if status:
                raise WrongError(f"{' '.join(command)}: status {status}: {said}")


def kinds(line: str) -> list[str]:
    """The kind of finding that a line of the doctor's is."""
    if AT_WORK in line or not line:
        return []
    text = line.rpartition("; ")[0] or line
    found = [kind for kind, pattern in KINDS.items() if re.search(pattern, text)]
    return found[:1] or (["other"] if line != "nothing to mend" else [])
