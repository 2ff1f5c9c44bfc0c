"""One wrong change at a time, in a copy of the repository: which test sees it? `uv run python -m benchmarks.mutations`.

A test suite that passes with one of them would not have noticed the mistake. The files wrong_*.py list them; a new
line there needs no more than a text that is unique in its file.
"""

import argparse
import importlib
import multiprocessing
import os
import re
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from multiprocessing.connection import wait
from multiprocessing.context import ForkProcess
from pathlib import Path

import pytest

from benchmarks import wrong_labels, wrong_lens, wrong_measures, wrong_stability, wrong_theory, wrong_training

ROOT = Path(__file__).resolve().parent.parent
SOURCES = ROOT / "src" / "prunelab"
# Files of fast tests that can see a change, by where it is; the ones that know the answer before the golden numbers.
TESTS = {
    "core/pruning/filters": ("filters", "stability_arms"),
    "core/pruning/rectified": ("filters",),
    "scores": ("filters",),
    "core/training/record": ("early",),
    "core/rounds/early": ("early",),
    "studies/labels": ("labels", "label_counts"),
    "core/training/stack": ("stack",),
    "core/training/loop": ("training", "stack", "split", "wiring", "rounds"),
    "core/rounds/together": ("stack",),
    "core/training": (
        *("training", "remask", "split", "wiring", "scoring", "rounds", "sparse", "compiled", "stages", "golden"),
    ),
    "core": ("split", "early", "wiring", "scoring", "rounds", "pruning", "stages", "golden"),
    "criteria": ("pruning", "scoring", "golden"),
    "corruption": ("corruption", "stages", "golden"),
    "studies/stability/flatness": ("stability_flatness",),
    "studies/stability/claims": ("stability_claims",),
    "studies/stability/gather": ("stability_arms", "stability_study"),
    "studies/stability": ("stability_arms", "stability_schemes", "filters"),
    "judging/within": ("within",),
    "studies/lens": ("lens_examples", "lens_claims"),
    "comparison/similarity": ("lens_across",),
    "studies/theory": ("theory_descent", "theory_measures", "theory_claims"),
    "landscape": ("landscape", "spectrum", "stages", "golden"),
    "studies/sdd/landscape": ("landscape", "stages", "golden"),
    "studies/sdd": ("tables", "effects", "analysis", "claims", "golden"),
    "regimes": ("effects", "analysis", "golden"),
    "byround": ("tables", "analysis", "golden"),
    "judging": ("effects", "claims", "golden"),
    "stages": ("stages", "tables", "golden"),
}


@dataclass(frozen=True)
class Mutation:
    """`old`, which is found exactly once in a file, is replaced."""

    file: str  # under src/prunelab, or stages/NAME.py
    old: str
    new: str
    meaning: str

    @property
    def path(self) -> Path:
        """From the root."""
        return Path(self.file) if self.file.startswith("stages/") else Path("src/prunelab") / self.file

    def changed(self, root: Path) -> str:
        """The file's content with the change. Raises ValueError where `old` is not found exactly once."""
        content = (root / self.path).read_text(encoding="utf-8")
        found = content.count(self.old)
        if found != 1 or self.old == self.new:
            raise ValueError(f"{self.file}: {self.old!r} is found {found} times, must be once and change")
        return content.replace(self.old, self.new)

    def tests(self) -> list[str]:
        """The test files to run."""
        names = next(names for folder, names in TESTS.items() if self.file.startswith(folder))
        return [f"tests/test_{name}.py" for name in names]


def copy(destination: Path) -> None:
    """The working tree as a repository of its own: tests read files as last committed."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True, text=True).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file():
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    identity = ("-c", "user.name=mutations", "-c", "user.email=mutations@example.org")
    for arguments in (("init", "-q"), ("add", "-A"), ("commit", "-q", "-m", "snapshot")):
        subprocess.run(["git", *identity, *arguments], cwd=destination, check=True)


def tested(root: Path, names: Sequence[str], output: Path) -> None:
    """Run tests in a copy, in this (forked) process, which ends with pytest's exit code."""
    os.chdir(root)
    sys.path[:] = [place for place in sys.path if Path(place).resolve() not in (ROOT, ROOT / "src")]
    sys.dont_write_bytecode = True  # it is told apart by whole seconds and sizes, which two changes may share
    with open(output, "w", encoding="utf-8") as file:
        for descriptor in (1, 2):
            os.dup2(file.fileno(), descriptor)
        code = pytest.main(["-x", "-q", "-n", "0", "-p", "no:randomly", "-p", "no:cacheprovider", *names])
        sys.stdout.flush()
    os._exit(int(code))


def killers(places: list[Path], mutations: Sequence[Mutation]) -> Iterator[str | None]:
    """For each change the first test that fails with it, None if none does; a copy each for changes side by side."""
    fork = multiprocessing.get_context("fork")
    # Loaded once, not by each of many processes; nothing of the project's own may be.
    for name in (
        "torch",
        "numba",
        "torch._dynamo",
        "torchvision.models",
        "scipy.stats",
        "sklearn.datasets",
        "pydantic",
    ):
        importlib.import_module(name)
    waiting = list(enumerate(mutations))
    running: list[tuple[ForkProcess, int, Path, str]] = []
    found: dict[int, str | None] = {}
    for number in range(len(mutations)):
        while number not in found:
            while waiting and places:
                place, (which, mutation) = places.pop(), waiting.pop(0)
                original = (place / mutation.path).read_text(encoding="utf-8")
                (place / mutation.path).write_text(mutation.changed(place), encoding="utf-8")
                process = fork.Process(target=tested, args=(place, mutation.tests(), place / "output.txt"))
                process.start()
                running.append((process, which, place, original))
            wait([process.sentinel for process, *_ in running])
            for ended in [one for one in running if one[0].exitcode is not None]:
                running.remove(ended)
                process, which, place, original = ended
                (place / mutations[which].path).write_text(original, encoding="utf-8")
                found[which] = verdict(process.exitcode, (place / "output.txt").read_text(encoding="utf-8"))
                places.append(place)
        yield found[number]


def verdict(code: int | None, output: str) -> str | None:
    """The first failure that pytest names."""
    first = re.search(r"^(?:FAILED|ERROR) tests/(\S+)", output, re.MULTILINE)
    return None if code == 0 else first.group(1) if first else f"pytest ended with {code}"


def main(mutations: Sequence[Mutation]) -> None:
    """Print a table: what was wrong, and which test saw it. Ends with exit code 1 if something survived."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--only", type=int, nargs="+", help="numbers of the table")
    arguments.add_argument("--jobs", type=int, default=2, help="copies side by side")
    options = arguments.parse_args()
    for mutation in mutations:  # a text that is not there, or twice, ends it before anything runs
        mutation.changed(ROOT)
    numbers = options.only or range(1, len(mutations) + 1)
    chosen = [mutations[number - 1] for number in numbers]
    with tempfile.TemporaryDirectory() as folder:
        places = [Path(folder) / str(number) for number in range(options.jobs)]
        for place in places:
            place.mkdir()
            copy(place)
        print("| | change | killed by |\n|---|---|---|")
        survived = 0
        for number, mutation, found in zip(numbers, chosen, killers(places, chosen), strict=True):
            where = mutation.file.removesuffix(".py")
            print(f"| {number} | {where}: {mutation.meaning} | {found or '**SURVIVED**'} |", flush=True)
            survived += found is None
    print(f"\n{survived} of {len(numbers)} survived")
    sys.exit(survived > 0)


LISTS = (wrong_training, wrong_measures, wrong_theory, wrong_lens, wrong_labels, wrong_stability)
MUTATIONS = [Mutation(file, *one) for some in LISTS for file, changes in some.CHANGES.items() for one in changes]

if __name__ == "__main__":
    main(MUTATIONS)
