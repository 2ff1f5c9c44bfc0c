"""What is killed: a pipeline of four quick stages, and the project's own as small as it goes; with a user's edits."""

from pathlib import Path

import yaml
from conftest import clone, edit_params, run
from killed import edit, git
from kills import Step
from watched import files

STAGES = """
import os, sys
from pathlib import Path
import numpy as np
from prunelab import yaml12
from prunelab.core import artifacts, lifetime

def params():
    return yaml12.parse(Path("params.yaml").read_bytes(), "params.yaml")

def run(main):
    if "DVC_STAGE" in os.environ:
        lifetime.end_with(os.getppid())
    main()
"""
MAKE = """
from stages import *

def main():
    with artifacts.writing(Path("data/made")) as folder:
        for name in "abc":
            artifacts.write_arrays(folder / f"{name}.npz", {"x": np.full(3000, params()["noise"])})

run(main)
"""
GROW = """
from stages import *

def main():
    key = os.environ["DVC_STAGE"].partition("@")[2]
    sources = {"r00": "data/made/a.npz", "r01": "data/rounds/r00/x.npz"}
    x = artifacts.read_arrays(Path(sources[key]))["x"]
    with artifacts.writing(Path("data/rounds") / key) as folder:
        artifacts.write_arrays(folder / "x.npz", {"x": x + 1})
        artifacts.write_json(folder / "record.json", {"sum": float(x.sum())})

run(main)
"""
TABLE = """
from stages import *

def main():
    rows = [{"x": float(artifacts.read_arrays(Path(f"data/rounds/{key}/x.npz"))["x"][0])} for key in ("r00", "r01")]
    artifacts.write_table(Path("plots/x.csv"), rows)
    artifacts.write_json(Path("metrics/x.json"), rows[0])

run(main)
"""
CONFIG = "[core]\n    analytics = false\n    autostage = true\n[cache]\n    type = reflink,hardlink,copy\n"
PIPELINE = {
    "make": {"cmd": "python -m stages.make", "params": ["noise"], "outs": ["data/made"]},
    "grow": {
        "foreach": {"r00": "data/made", "r01": "data/rounds/r00"},
        "do": {"cmd": "python -m stages.grow", "deps": ["${item}"], "outs": ["data/rounds/${key}"]},
    },
    "table": {
        "cmd": "python -m stages.table",
        "deps": ["data/rounds/r00", "data/rounds/r01"],
        "outs": [{"plots/x.csv": {"cache": False}}],
        "metrics": [{"metrics/x.json": {"cache": False}}],
    },
}


def quick(root: Path) -> dict[str, str | None]:
    """A repository with a pipeline that takes no time; the user's own files, None for one that is deleted."""
    for name, text in {
        "stages/__init__.py": STAGES,
        "stages/make.py": MAKE,
        "stages/grow.py": GROW,
        "stages/table.py": TABLE,
        "dvc.yaml": yaml.safe_dump({"stages": PIPELINE}),
        "conf/config.yaml": "noise: 0.4\n",
        "params.yaml": "noise: 0.4\n",
        ".gitignore": "/data/*\n__pycache__/\n",
    }.items():
        (root / name).parent.mkdir(parents=True, exist_ok=True)
        (root / name).write_text(text)
    git(root, "init", "-q", "-b", "main")
    run("dvc", "init", "-q", cwd=root)
    (root / ".dvc" / "config").write_text(CONFIG + "[hydra]\n    enabled = true\n")
    return _edited(root)


def real(root: Path) -> dict[str, str | None]:
    """A clone of the project."""
    clone(root)
    return _edited(root)


def _edited(root: Path) -> dict[str, str | None]:
    """Commit what there is and what the user then edits; edit it."""
    for name in ("README.md", "both.md", "gone.md"):
        (root / name).write_text(f"{name}, as committed\n" * 100)
    git(root, "config", "user.name", "t")
    git(root, "config", "user.email", "t@example.org")
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "first")
    edit(root)
    now = files(root)
    return {name: now.get(name) for name in ("README.md", "both.md", "new.md", "gone.md", "untracked.md")}


def _noise(value: float):
    return lambda root: edit_params(root, noise=value)


def quick_steps() -> list[Step]:
    """In one working tree: an experiment, `repro` after an edit by hand, one beside it, two in the queue."""
    return [
        Step("dvc exp run", ("dvc", "exp", "run", "-S", "noise=0.2"), twice=True),
        Step("dvc repro", ("dvc", "repro"), _noise(0.3)),
        Step("dvc exp run --temp", ("dvc", "exp", "run", "--temp", "-S", "noise=0.1")),
        Step("dvc exp run --queue", ("dvc", "exp", "run", "--queue", "-n", "one", "-S", "noise=0.5"), queues=("one",)),
        Step("dvc exp run --queue", ("dvc", "exp", "run", "--queue", "-n", "two", "-S", "noise=0.6"), queues=("two",)),
        Step("dvc queue start", ("dvc", "queue", "start")),
    ]


def real_steps() -> list[Step]:
    """The same with the project, and its own command for the queue."""
    tiny = ["setting=digits_quick", "n_rounds=1", "seeds=[0]", "train.epochs=2", "redense.epochs=2", "redense.every=2"]
    options = [part for change in tiny for part in ("-S", change)]
    return [
        Step("dvc exp run", ("dvc", "exp", "run", *options, "-S", "noise=0.2"), twice=True),
        Step("dvc repro", ("dvc", "repro"), _noise(0.3)),
        Step("dvc exp run --temp", ("dvc", "exp", "run", "--temp", *options, "-S", "noise=0.1")),
        Step(
            "prunelab queue",
            ("prunelab", "queue", *tiny, "noise=0.5,0.6"),
            queues=("noise-0.5", "noise-0.6"),
        ),
        Step("dvc queue start", ("dvc", "queue", "start")),
    ]
