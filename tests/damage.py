"""Damaged artefacts: a tiny whole study, one of its files changed, and what the stage that reads it then does.

A file that is damaged must be named in one line before anything is written, unless what it holds is not read: then
the outputs have the bytes of the undamaged study. test_damage.py tries some, `python -m benchmarks.flips` many.
"""

import contextlib
import hashlib
import os
import random
import re
import shutil
import sys
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import golden.pipeline as pipeline
import yaml
from matplotlib import pyplot

from prunelab import errors, style
from prunelab.core import artifacts, digests
from prunelab.pipeline import stages
from stages import corrupt, dense, fetch, prune
from stages.sdd import analyze, draw, landscape, redense, reinit

MODULES = {m.__name__.rpartition(".")[2]: m for m in (analyze, corrupt, dense, draw, fetch)}
MODULES |= {m.__name__.rpartition(".")[2]: m for m in (landscape, prune, redense, reinit)}
TINY = pipeline.QUICK | {
    "subset.train": 60,
    "subset.test": 40,
    "n_rounds": 2,
    "model.width": 0.05,
    "train.epochs": 2,
    "train.batch_size": 30,
    "train.validation": 10,
    "redense.epochs": 3,
    "redense.every": 1,
    "reinit.every": 1,
    "landscape.every": 1,
    "landscape.examples": 20,
    "landscape.directions": 1,
}
# What may become of damage; the latter two must not.
HARMLESS, NAMED, SILENT, OTHER = OUTCOMES = ("harmless", "named", "used silently", "other")
LONGEST = 300  # letters of a line


@dataclass(frozen=True)
class Step:
    """One stage as DVC runs it."""

    stage: str
    key: str
    deps: tuple[str, ...]
    outs: tuple[str, ...]

    def call(self) -> None:
        """Run it in this process."""
        pipeline.stage(MODULES[self.stage], *(("--round", self.key) if re.fullmatch(r"r\d\d", self.key) else ()))


def steps(params: dict) -> list[Step]:
    """All stages of dvc.yaml in its order, those of a `foreach` one by one."""
    made = yaml.safe_load(Path("dvc.yaml").read_text())
    return [
        Step(stage.kind, stage.name.partition("@")[2], tuple(stage.deps), tuple(stage.outs))
        for stage in stages(made, params)
    ]


def below(path: str, folders: tuple[str, ...]) -> bool:
    """Whether a file is one of these or lies in one of them."""
    return any(path == folder or path.startswith(f"{folder}/") for folder in folders)


def kind(path: str) -> str:
    """A file's path without the number of the round and the seed."""
    path = re.sub(r"figures/\w+\.png", "figures/NAME.png", path)
    return re.sub(r"seed\d+", "seedN", re.sub(r"\br\d\d\b", "rNN", path))


def tree() -> dict[str, bytes]:
    """Every file below the folders of outputs."""
    return {
        str(path): path.read_bytes() for folder in digests.OUTPUTS for path in Path(folder).rglob("*") if path.is_file()
    }


_opened: list[str] | None = None


def _note(event: str, args: tuple) -> None:
    if event == "open" and _opened is not None and isinstance(args[0], (str, os.PathLike)):
        _opened.append(os.path.relpath(args[0]))


sys.addaudithook(_note)


class Study:
    """The undamaged study, in the working directory."""

    def __init__(self, params: dict) -> None:
        global _opened
        self.steps, self.openers = steps(params), {}
        for step in self.steps:
            _opened = []
            step.call()
            opened, _opened = set(_opened), None
            for path in opened:
                self.openers.setdefault(path, []).append(step)
        self.files = tree()

    def kinds(self) -> dict[str, list[str]]:
        """The files by kind."""
        found: dict[str, list[str]] = {}
        for path in sorted(self.files):
            found.setdefault(kind(path), []).append(path)
        return found

    def readers(self, path: str) -> list[Step]:
        """The stages that open a file besides the one that makes it; if there are none, those that depend on it."""
        others = [step for step in self.steps if not below(path, step.outs)]
        return [step for step in others if step in self.openers.get(path, ())] or [
            step for step in others if below(path, step.deps)
        ]

    def sealed(self, path: str, content: bytes) -> dict[str, bytes]:
        """A file's new content, and that of its file of digests if somebody brought that up to date."""
        for sums in (f"{path}.sha256", *(f"{parent}/{digests.SUMS}" for parent in Path(path).parents)):
            text = self.files.get(sums, b"").decode()
            name = os.path.relpath(path, Path(sums).parent)
            old = f"{hashlib.sha256(self.files[path]).hexdigest()}  {name}\n"
            if old in text:
                new = f"{hashlib.sha256(content).hexdigest()}  {name}\n"
                return {path: content, sums: text.replace(old, new).encode()}
        return {path: content}

    def outcome(self, damaged: dict[str, bytes], step: Step | None) -> tuple[str, str]:
        """Change files, keeping their times, run a stage, put everything back.

        Args:
            damaged: path -> new content.
            step: None: nothing reads the file.

        Returns:
            one of OUTCOMES, and what the stage said.
        """
        if step is None:
            return HARMLESS, "no stage depends on it"
        for path, content in damaged.items():
            _overwrite(path, content)
        for out in step.outs:  # as DVC does before it runs a stage
            shutil.rmtree(out) if Path(out).is_dir() else Path(out).unlink()
        line, traceback = "", ""
        try:
            step.call()
        except Exception as error:
            line = errors.line(error) or ""
            traceback = "" if line else f"{type(error).__name__}: {error}"[:300]
        after, expected = tree(), self.files | damaged
        refused = {path: content for path, content in expected.items() if not below(path, step.outs)}
        self._restore(after)
        left_over = Path(artifacts.UNFINISHED).exists()
        if traceback:
            return OTHER, traceback
        if left_over or (after != refused if line else {*after} != {*expected}):
            return OTHER, f"half-written: {sorted({*after} ^ {*(refused if line else expected)})[:5]} {line}"
        if not line:
            changed = sorted(path for path in after if after[path] != expected[path])
            return (SILENT, f"other {', '.join(changed)}"[:300]) if changed else (HARMLESS, "the same outputs")
        if "\n" in line or len(line) > LONGEST or not any(path in line for path in damaged):
            return OTHER, line
        return NAMED, line

    def _restore(self, now: dict[str, bytes]) -> None:
        for path in {*now} - {*self.files}:
            Path(path).unlink()
        for path, content in self.files.items():
            if now.get(path) != content:
                _overwrite(path, content)


def _overwrite(path: str, content: bytes) -> None:
    file = Path(path)
    times = file.stat() if file.exists() else None
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    if times:
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))


def drawn(figure: object, stem: Path) -> None:
    """Instead of pictures, which take seconds: what the axes show."""
    shown = [
        [line.get_xydata().tolist() for line in axes.lines] + [text.get_text() for text in axes.texts]
        for axes in figure.axes
    ]
    stem.with_suffix(".png").write_text(repr(shown))
    pyplot.close(figure)


@contextlib.contextmanager
def study():
    """The undamaged study in a folder of its own, which becomes the working directory."""
    with pipeline.study(TINY), mock.patch.object(style, "save", drawn):
        yield Study(yaml.safe_load(Path("params.yaml").read_text()))


def flipped(content: bytes, bit: int) -> bytes:
    """The same with one bit the other way round."""
    changed = bytearray(content)
    changed[bit // 8] ^= 1 << bit % 8
    return bytes(changed)


@dataclass(frozen=True)
class Trial:
    """One piece of damage and what became of it."""

    path: str
    what: str
    step: Step | None
    outcome: str
    said: str


def flips(found: Study, count: int, rng: random.Random) -> Iterator[Trial]:
    """Flip one random bit at a time, every kind of file in turn."""
    kinds = found.kinds()
    for number in range(count):
        path = rng.choice([*kinds.values()][number % len(kinds)])
        if not found.files[path]:
            continue
        bit = rng.randrange(8 * len(found.files[path]))
        step = rng.choice(found.readers(path) or [None])
        yield Trial(path, f"bit {bit}", step, *found.outcome({path: flipped(found.files[path], bit)}, step))


def table(trials: list[Trial]) -> list[list[str]]:
    """How often what became of which kind of file: a header, a row for each kind, and all."""
    rows: dict[str, Counter] = {}
    for trial in trials:
        rows.setdefault(kind(trial.path), Counter())[trial.outcome] += 1
    total = sum(rows.values(), Counter())
    return [
        ["artefact", "tried", *OUTCOMES],
        *([name, str(row.total()), *(str(row[o]) for o in OUTCOMES)] for name, row in [*rows.items(), ("all", total)]),
    ]
