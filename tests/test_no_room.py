"""A machine without room: one line with the path and the reason, status 1, nothing half-written."""

import re
import shutil

import pytest
from by_hand import laid_out, stage

from prunelab.core import artifacts

TINY = {"n_rounds": 1, "redense.every": 9, "train.epochs": 1, "subset.train": 100, "subset.test": 50}


@pytest.fixture(scope="module")
def corrupted(tmp_path_factory):
    folder = laid_out(tmp_path_factory.mktemp("room") / "study", TINY)
    for name in ("fetch", "corrupt"):
        assert stage(folder, name).returncode == 0
    return folder


@pytest.fixture
def study(corrupted, tmp_path):
    shutil.copytree(corrupted, tmp_path / "copy", symlinks=True)
    return tmp_path / "copy"


def without_bar(output):
    return [part for part in re.split(r"[\r\n]+", output) if part.strip() and not re.search("epoch/s|s/epoch", part)]


def as_a_file(path):
    shutil.rmtree(path, ignore_errors=True)
    path.parent.mkdir(exist_ok=True, parents=True)
    path.write_text("")


@pytest.mark.parametrize(
    ("name", "before", "line"),
    [
        ("fetch", "ulimit -f 5; ", r"data/unfinished/common/raw/\w+\.npy: File too large"),
        ("corrupt", "ulimit -f 0; ", r"data/unfinished/common/corrupted/seed0/labels\.npz: File too large"),
        ("dense", "ulimit -f 60; ", r".*(safetensors: File too large|database.*)"),
        ("dense", "ulimit -n 8; ", r".*Too many open files"),
        ("dense", "ulimit -v 1500000; ", r"not enough memory \(.*\)"),
    ],
)
def test_a_limit_ends_in_one_line(study, name, before, line):
    done = stage(study, name, before=before)
    said = without_bar(done.stdout)
    assert done.returncode == 1
    assert len(said) == 1
    assert re.fullmatch(f"error: {line}", said[0]), said[0]
    assert not (study / artifacts.UNFINISHED).exists()
    assert (study / artifacts.CORRUPTED / "seed0" / artifacts.LABELS).exists(), "what was there before stays"


@pytest.mark.parametrize(
    ("name", "path", "line"),
    [
        ("fetch", "data/unfinished", "data/unfinished"),
        ("corrupt", "data/common/raw", "data/common/raw/facts.json: cannot be read (Not a directory)"),
        ("dense", "data/rounds", "data/rounds"),
    ],
)
def test_a_file_where_a_folder_must_be_is_named(study, name, path, line):
    as_a_file(study / path)
    done = stage(study, name)
    said = without_bar(done.stdout)
    assert done.returncode == 1
    assert len(said) == 1
    assert said[0].startswith(f"error: {line}"), said[0]
