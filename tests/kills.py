"""Kills at any file operation of a command, then the doctor and the same command again, until it has ended well.

What it ends with is held against the same commands unbroken. test_kills.py does a few, `python -m benchmarks.kills`
hundreds.
"""

import contextlib
import io
import os
import random
import re
import shutil
import subprocess
import time
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from watched import LONGEST, Case, WrongError, differences, files, start, state

from prunelab.commands import doctor
from prunelab.doctor import examine

MOST = 5  # kills of a command, then it may end
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
    "reflog": r"its last line was cut off|had not finished making",
    "unfinished": r"data/unfinished: ",
    "clone": r"in which an experiment ran",
    "options": r"the options of a killed",
    "run-cache": r"unfinished entries of the run-cache",
    "copies": r"copies that broke off",
}


@dataclass(frozen=True)
class Step:
    """A command, as the user gives it."""

    kind: str  # a row of the table
    command: tuple[str, ...]
    before: Callable[[Path], None] = lambda root: None  # once, before its first start
    queues: tuple[str, ...] = ()  # names of experiments
    twice: bool = False  # given again, it makes another experiment: the user's staged changes are no longer staged


@dataclass(frozen=True)
class End:
    """Of an unbroken run."""

    operations: int
    telling: list[int]  # those of them on other files than DVC's databases, which it can do without
    state: dict[str, Any]
    repeated: set[str]  # trees of experiments that the same command makes, given again


@dataclass
class Tally:
    """One row of the table."""

    operations: int = 0  # of the unbroken run
    kills: int = 0
    untouched: int = 0  # kills after which the user's files and branch were as they should, once the doctor had looked
    carried_on: int = 0  # kills after which the doctor left nothing to do and the same command went on
    commands: int = 0  # that were run to their end
    same: int = 0  # of these, as unbroken
    mended: Counter[str] = field(default_factory=Counter)
    failures: list[str] = field(default_factory=list)


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


def unbroken(case: Case, steps: list[Step]) -> list[End]:
    """For each step how many operations there are, and what it ends with."""
    ends: list[End] = []
    repeated: set[str] = set()
    for step in steps:
        step.before(case.root)
        status, operations, _, said = start(case, step.command)
        if status:
            raise WrongError(f"{step.kind}: status {status} without a kill: {said}")
        names = [line.split()[2] for line in case.log.read_text(errors="replace").splitlines()]
        telling = [i + 1 for i in range(operations) if not names[i].startswith("site/")]
        if step.twice:
            other = Case(case.folder.with_name("twice"), case.through)
            shutil.copytree(case.folder, other.folder, symlinks=True)
            start(other, step.command)
            repeated = repeated | set(state(other)["experiments"])
            shutil.rmtree(other.folder)
        ends.append(End(operations, telling, state(case), repeated))
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
                self._step(case, step, end, min(kills - total, MOST), trace)
            except WrongError as error:
                tally.carried_on -= bool(trace)
                tally.failures.append(f"{step.kind}, {case.folder}: {'; '.join(trace)}: {error}")
                return total + len(trace)
            total += len(trace)
        return total

    def _step(self, case: Case, step: Step, end: End, most: int, trace: list[str]) -> None:
        """Kill it at most that often, or until it ended before; then it must have ended as an unbroken run does."""
        tally = self.tallies[step.kind]
        while True:
            at = self.draw.choice([self.draw.randint(1, end.operations), self.draw.choice(end.telling)])
            everything = self.draw.random() < 0.5
            status, _, killed, said = start(case, step.command, at if len(trace) < most else 0, everything)
            if not killed:
                break
            trace.append(f"{'all' if everything else 'one'} at {at} ({killed})")
            tally.kills += 1
            tally.carried_on += 1  # until the opposite is seen
            self.tick()
            told = look(case, as_command=self.draw.random() < 0.25)
            tally.mended.update(kind for line in told.splitlines() for kind in kinds(line))
            self._untouched(case)
            tally.untouched += 1
            for name in dict.fromkeys(QUEUE_AGAIN.findall(told)):
                self._again(case, name)
        tally.commands += 1
        if status:
            raise WrongError(f"the same command ends with status {status}: {said[-2000:]}")
        if found := differences(case, end.state, end.repeated):
            raise WrongError(f"not as unbroken: {found}")
        tally.same += 1

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
