"""Pins everything that pyproject.toml leads to, so that the same versions install later.

    uv run --no-project python .ci/constraints.py

writes constraints.txt, every package with the hashes of its files, for `uv pip install --require-hashes`, and the two
lists of versions in pyproject.toml that `uv run` and `uv sync` go by. What is pinned already keeps its version unless
--upgrade is given. It needs uv and the package index, and nothing of the project.
"""

import argparse
import re
import shutil
import subprocess
import sys
import tempfile
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
# Made by .ci/constraints.py; docs/install.md says how to install from it.
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


def uv(project: dict, *command: str) -> str:
    """What `uv pip compile` prints, of the requirements that building takes and of what the command names besides.

    For the oldest Python that the project runs on, and newer ones: uv's own limit is the Python that it runs on.
    """
    oldest = project["project"]["requires-python"].removeprefix(">=")
    common = ["--quiet", "--no-config", "--universal", "--python-version", oldest, "--no-annotate", "--no-header"]
    build = "\n".join([*project["build-system"]["requires"], *ALSO_BUILDS])
    try:
        done = subprocess.run(
            ["uv", "pip", "compile", *common, *command, "-"],
            cwd=ROOT,
            input=build,
            text=True,
            check=True,
            stdout=subprocess.PIPE,
        )
    except FileNotFoundError:
        sys.exit("error: uv is not installed")
    except subprocess.CalledProcessError:
        sys.exit("error: uv found no versions, see above; nothing was changed")
    return done.stdout


def compiled(project: dict, upgrade: bool, pins: Path) -> str:
    """constraints.txt, made anew by uv in this file; what builds the project itself is in it too."""
    if PINS.is_file():
        shutil.copyfile(PINS, pins)
    more = [part for group in project["dependency-groups"] for part in ("--group", group)]
    more += ["--generate-hashes", "--no-emit-index-url", "--no-emit-find-links", *(["--upgrade"] if upgrade else [])]
    uv(project, PROJECT.name, "--all-extras", *more, "--output-file", str(pins))
    return pins.read_text()


def building(project: dict, pins: Path) -> set[str]:
    """Names of all packages that building the project needs."""
    return {name_of(line) for line in uv(project, "--constraint", str(pins)).splitlines() if line}


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
    with tempfile.TemporaryDirectory() as folder:
        made = compiled(project, options.upgrade, Path(folder) / PINS.name)
        for_building = building(project, Path(folder) / PINS.name)
    pins = pinned(made)
    own = {name_of(one) for one in direct(project)}
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
    PINS.write_text(HEADER + re.sub(r"\A(#.*\n)+", "", made))
    PROJECT.write_text(text)
    print(f"{len(pins)} packages pinned")


if __name__ == "__main__":
    main()
