"""Shared fixtures: tiny data with known answers, and a real clone of this repository to run DVC in."""

import io
import os
import re
import shutil
import subprocess
import sys
import tarfile
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml

from prunelab.core import split
from prunelab.core.images import Images

ROOT = Path(__file__).resolve().parent.parent
# Files that take longest go first, so that no core is left waiting for one at the end.
LONGEST = ("repro", "stability_study", "sweep", "partial", "labels_study", "lens_study", "why", "interrupted")
LONGEST += ("own_data", "kills", "same_bytes", "house", "damage", "theory_study")


def pytest_collection_modifyitems(items):
    names = [f"test_{name}" for name in LONGEST]
    items.sort(key=lambda item: names.index(item.path.stem) if item.path.stem in names else len(names))


def make_images(n_train=40, n_test=20, classes=4, shape=(1, 4, 4), seed=0):
    """Random images whose first pixels reveal the class."""
    rng = np.random.default_rng(seed)

    def part(n):
        y = np.arange(n, dtype=np.int64) % classes
        x = rng.integers(0, 8, size=(n, *shape), dtype=np.uint8)
        x.reshape(n, -1)[np.arange(n), y] = 16
        return x, y

    return Images(*part(n_train), *part(n_test), num_classes=classes, max_value=16)


def make_split(images=None, permuted=(), validation=0):
    """A split in which the examples of these positions were given the next class."""
    images = images or make_images()
    n = len(images.y_train)
    given, chosen, held_out = images.y_train.copy(), np.zeros(n, bool), np.zeros(n, bool)
    chosen[list(permuted)] = True
    given[chosen] = (given[chosen] + 1) % images.num_classes
    held_out[n - validation :] = validation > 0
    labels = {"given": given, "permuted": chosen, "validation": held_out}
    return split.make(images, labels, torch.device("cpu"))


def same(a, b):
    """Whether two states have the same tensors, to the bit."""
    return list(a) == list(b) and all(torch.equal(a[k], b[k]) for k in a)


@pytest.fixture(autouse=True)
def _single_thread():
    torch.set_num_threads(1)


def committed(name):
    """A file as last committed: experiments rewrite params.yaml, plots/ and metrics/ in the working tree."""
    return subprocess.run(["git", "show", f"HEAD:{name}"], cwd=ROOT, capture_output=True, check=True, text=True).stdout


def run(*command, cwd, check=True, env=None):
    """Run a command of this environment and return what it printed."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [str(part) for part in command],
        cwd=cwd,
        env={**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", **(env or {})},
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        timeout=280,
    )
    assert not check or done.returncode == 0, done.stdout
    return done


OF_A_RUN = ("params.yaml", "dvc.lock", "metrics", "plots")


def clone(destination, *, lock=False):
    """A git repository of its own with the working tree's files, so that uncommitted changes are tested too.

    What a run writes is as last committed: an experiment may have left another one in the working tree. There is no
    dvc.lock unless asked for: for each stage that it runs, DVC reads and writes the whole of it, those of others too.
    """
    archive = ["git", "archive", "HEAD", "--", *(name for name in OF_A_RUN if lock or name != "dvc.lock")]
    with tarfile.open(
        fileobj=io.BytesIO(subprocess.run(archive, cwd=ROOT, capture_output=True, check=True).stdout)
    ) as tar:
        tar.extractall(destination, filter="data")
    listed = run("git", "ls-files", "-z", "--cached", "--others", "--exclude-standard", cwd=ROOT).stdout
    for name in filter(None, listed.split("\0")):
        if (ROOT / name).is_file() and not _of_a_run(name):
            (destination / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, destination / name)
    run("git", "init", "-q", "-b", "main", cwd=destination)
    run("git", "config", "user.name", "test", cwd=destination)
    run("git", "config", "user.email", "test@example.org", cwd=destination)
    run("git", "add", "-A", cwd=destination)
    run("git", "commit", "-q", "-m", "snapshot", cwd=destination)
    return destination


def _of_a_run(name):
    return name.split("/")[0] in OF_A_RUN and not name.startswith("plots/not_chosen/")  # which are code


# The study as small as it goes.
TINY = ["setting=digits_quick", "n_rounds=2", "seeds=[0,1]", "train.epochs=2", "redense.epochs=2", "redense.every=2"]


def exp_run(where, *changes, check=True):
    options = [part for change in [*TINY, *changes] for part in ("-S", change)]
    return run("dvc", "exp", "run", *options, cwd=where, check=check).stdout


def ran(output):
    return re.findall(r"Running stage '([^']+)'", output)


def edit_params(where, **values):
    file = where / "params.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values, sort_keys=False))
