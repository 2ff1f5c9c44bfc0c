"""A replicate's bytes are its seed's: not the machine's cores', nor those of other replicates beside it."""

import hashlib
import os
import subprocess
import sys

import pytest
from by_hand import laid_out

# All stages in one process, as `python -m` would run each: PyTorch is loaded once, with these cores.
STAGES = """
import os, sys
os.sched_setaffinity(0, {cores})
from stages import fetch, corrupt, dense, prune
from stages.sdd import redense
for module, *given in ((fetch,), (corrupt,), (dense,), (prune, "--round", "r01"), (redense, "--round", "r01")):
    sys.argv = ["stage", *given]
    module.main()
"""
# Convolutions and enough threads to share them: it is there that sums are split.
SMALL = {
    "model.name": "resnet20",
    "model.width": 0.25,
    "threads": 2,
    "n_rounds": 1,
    "redense.every": 1,
    "reinit.every": 0,
    "landscape.every": 0,
    "subset.train": 64,
    "subset.test": 20,
    "train.epochs": 1,
    "redense.epochs": 1,
    "train.batch_size": 64,
    "train.rewind_iteration": 0,
}


def made(folder, seeds, cores):
    """SHA-256 of every file of replicate 0, by path, after a study with these seeds on these cores."""
    laid_out(folder, SMALL | {"seeds": seeds})
    done = subprocess.run([sys.executable, "-c", STAGES.format(cores=cores)], cwd=folder, capture_output=True)
    assert done.returncode == 0, done.stderr.decode()
    files = [path for path in (folder / "data").rglob("*") if path.is_file() and "seed0" in path.parts]
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.fixture(scope="module")
def alone(tmp_path_factory):
    return made(tmp_path_factory.mktemp("bytes") / "alone", [0], set(os.sched_getaffinity(0)))


def test_one_core_or_all_of_them(alone, tmp_path):
    if len(os.sched_getaffinity(0)) < 2:
        pytest.skip("one core is all there is")
    assert any(name.endswith("weights.safetensors") for name in alone)
    assert made(tmp_path / "one", [0], {min(os.sched_getaffinity(0))}) == alone


def test_alone_or_beside_others(alone, tmp_path):
    assert made(tmp_path / "several", [0, 1], set(os.sched_getaffinity(0))) == alone
