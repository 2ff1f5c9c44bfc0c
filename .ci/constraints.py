"""Pins everything that pyproject.toml leads to, so that the same versions install later.

    uv run --no-project python .ci/constraints.py

writes constraints.txt, every package with the hashes of its files, for `uv pip install --require-hashes`, and the two
lists of versions in pyproject.toml that `uv run` and `uv sync` go by. What is pinned already keeps its version unless
--upgrade is given. It needs uv and the package index, and nothing of the project.
"""

import argparse
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterable
from itertools import chain
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
PROJECT = ROOT / "pyproject.toml"
PINS = ROOT / "constraints.txt"
HEADER = """\
# Every package of this project, its extras and its development, on Python 3.11 or newer, with the SHA-256 of its files.
# Made by .ci/constraints.py; README.md says how to install from it.
"""
WIDTH = 120
# What builds too: setuptools antlr4-python3-runtime, which has no wheel; editables an editable install of the project.
ALSO_BUILDS = ["setuptools", "editables"]


def name_of(requirement: str) -> str:
    """The package that a requirement asks for, as indexes spell it."""
    return re.sub(r"[-_.]+", "-", re.split(r"[^\w.-]", requirement, maxsplit=1)[0]).lower()


def pinned(text: str) -> list[tuple[str, str, str]]:
    """Name, version and marker ('' if none) of every requirement in a file of pins."""
    return [(name_of(n), v, m) for n, v, m in re.findall(r"^([\w.-]+)==([^\s;]+)(?: ; (.*?))? \\$", text, re.M)]


def direct(project: dict) -> list[str]:
    """What pyproject.toml itself asks for: dependencies, extras and groups."""
    more = [*project["project"]["optional-dependencies"].values(), *project["dependency-groups"].values()]
    return [*project["project"]["dependencies"], *chain.from_iterable(more)]


def compiled(project: dict, upgrade: bool) -> str:
    """constraints.txt, made anew by uv; what builds the project itself is in it too."""
    PINS.touch()
    command = ["uv", "pip", "compile", "--quiet", PROJECT.name, "-", "--no-config", "--universal", "--all-extras"]
    command += [part for group in project["dependency-groups"] for part in ("--group", group)]
    command += ["--generate-hashes", "--no-annotate", "--no-header", "--no-emit-index-url", "--no-emit-find-links"]
    command += ["--output-file", PINS.name, *(["--upgrade"] if upgrade else [])]
    build = "\n".join([*project["build-system"]["requires"], *ALSO_BUILDS])
    subprocess.run(command, cwd=ROOT, input=build, text=True, check=True, stdout=subprocess.DEVNULL)
    return PINS.read_text()


def building(project: dict) -> set[str]:
    """Names of all packages that building the project needs."""
    command = ["uv", "pip", "compile", "--quiet", "-", "--no-config", "--universal", "--no-annotate", "--no-header"]
    command += ["--constraint", PINS.name]
    build = "\n".join([*project["build-system"]["requires"], *ALSO_BUILDS])
    done = subprocess.run(command, cwd=ROOT, input=build, text=True, check=True, stdout=subprocess.PIPE)
    return {name_of(line) for line in done.stdout.splitlines() if line}


def listed(key: str, pins: Iterable[tuple[str, str, str]]) -> str:
    """A list of pyproject.toml; markers stand only where a package has several versions."""
    pins = list(pins)
    names = [name for name, _, _ in pins]
    words = [
        f'"{name}=={version}{f" ; {marker}" if names.count(name) > 1 else ""}",'.replace(" ", "\0")
        for name, version, marker in pins
    ]
    lines = textwrap.wrap(" ".join(words), WIDTH - 4, break_long_words=False, break_on_hyphens=False)
    return "\n".join([f"{key} = [", *(f"    {line}" for line in lines), "]"]).replace("\0", " ")


def main() -> None:
    """Write constraints.txt and the lists in pyproject.toml."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--upgrade", action="store_true", help="to the newest versions that pyproject.toml allows")
    options = parser.parse_args()
    project = tomllib.loads(PROJECT.read_text())
    text = compiled(project, options.upgrade)
    PINS.write_text(HEADER + re.sub(r"\A(#.*\n)+", "", text))
    pins = pinned(text)
    own, for_building = {name_of(one) for one in direct(project)}, building(project)
    lists = {
        "constraint-dependencies": [pin for pin in pins if pin[0] not in own],
        "build-constraint-dependencies": [pin for pin in pins if pin[0] in for_building],
    }
    text = PROJECT.read_text()
    for key, some in lists.items():
        written = listed(key, some).replace("\\", r"\\")
        text, times = re.subn(rf"^{key} = \[.*?\]$", written, text, flags=re.M | re.S)
        if times != 1:
            sys.exit(f"{PROJECT.name}: {key} = [] must stand there once")
    PROJECT.write_text(text)
    print(f"{len(pins)} packages pinned")


if __name__ == "__main__":
    main()
