"""Which runs are replicates of one study: those on the same data, whatever its path; the longest of a seed counts."""

import json

import pytest
from test_compare import run

from prunelab.comparison import grid


def own(name, content, path="mine.npz", **more):
    """A run on a user's own file, whose hash DVC recorded."""
    one = run(name, dataset="npz", data_root=path, **more)
    deps = [{"path": path, "md5": content * 32}, {"path": "stages/fetch.py", "md5": "0" * 32}]
    lock = json.dumps({"stages": {"fetch": {"deps": deps}}}).encode()
    tables_of = one.files.read_bytes
    one.files.read_bytes = lambda wanted: lock if wanted == "dvc.lock" else tables_of(wanted)
    return one


@pytest.mark.parametrize("path", ["mine.npz", "/elsewhere/other.npz"])
def test_other_data_is_another_study_whatever_its_path(path):
    """Not replicates of one, and none that is counted once: the same file may have been edited, too."""
    found = grid.layout([own("a", "1"), own("b", "2", path, seeds=(3, 4)), own("c", "2", path)])
    assert [study.names for study in found.studies.values()] == [["a"], ["b", "c"]]
    assert found.notes == []
    assert found.axes["colours"] == "data"


def test_the_same_data_at_another_place_is_the_same_study():
    found = grid.layout([own("a", "1", "/here/mine.npz"), own("b", "1", "/there/mine.npz", seeds=(3, 4))])
    assert [study.names for study in found.studies.values()] == [["a", "b"]]


@pytest.mark.parametrize("order", [(0, 1), (1, 0)])
def test_of_the_same_seeds_the_longer_run_counts_in_any_order(order):
    two = [run("long"), run("short", rounds=2)]
    found = grid.layout([two[i] for i in order])
    assert [study.names for study in found.studies.values()] == [["long"]]
    assert found.notes == ["short is a shorter run of the same as long (seeds 0, 1, 2): counted once"]
