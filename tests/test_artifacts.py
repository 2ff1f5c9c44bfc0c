"""Outputs appear whole or not at all, equal content is equal bytes, damage is named."""

import numpy as np
import pytest
from conftest import make_images

from prunelab.core import artifacts, byname, images, sources
from prunelab.errors import UserError
from prunelab.studies.sdd import places


@pytest.fixture
def _inside(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.usefixtures("_inside")
def test_a_folder_appears_only_when_finished(tmp_path):
    target = artifacts.ROUNDS / "r01"
    with artifacts.writing(target) as folder:
        (folder / "a").write_text("new")
        assert not target.exists()
    assert (target / "a").read_text() == "new"
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["a", "data", "r01", "rounds", "sha256sums.txt"]

    def half_way():
        with artifacts.writing(target) as folder:
            (folder / "b").write_text("half")
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        half_way()
    assert sorted(p.name for p in target.iterdir()) == ["a", "sha256sums.txt"]


@pytest.mark.usefixtures("_inside")
def test_leftovers_of_a_killed_process_are_cleared():
    stale = artifacts.UNFINISHED / "rounds" / "r01"
    stale.mkdir(parents=True)
    (stale / "old").write_text("half-written")
    with artifacts.writing(artifacts.ROUNDS / "r01") as folder:
        (folder / "new").write_text("")
    assert sorted(p.name for p in (artifacts.ROUNDS / "r01").iterdir()) == ["new", "sha256sums.txt"]
    assert not artifacts.UNFINISHED.exists()


@pytest.mark.usefixtures("_inside")
def test_a_folder_however_deep_leaves_no_empty_parents_but_those_in_use(tmp_path):
    deep = [places.LANDSCAPE / "r00", places.REINIT / "r06", artifacts.ROUNDS / "r01", artifacts.ORIGIN]
    for target in deep:
        with artifacts.writing(target) as folder:
            (folder / "a").write_text("")
        assert not artifacts.UNFINISHED.exists(), target
    with artifacts.writing(artifacts.ROUNDS / "r02") as beside:
        for target in deep:
            with artifacts.writing(target):
                pass
        assert [p for p in artifacts.UNFINISHED.rglob("*") if p.is_dir()] == [beside.parent, beside]
    assert not artifacts.UNFINISHED.exists()


ARRAYS = {"a": np.arange(5), "b": np.ones((2, 3), np.float16)}
TABLE = [{"epoch": 1, "x": 0.5, "name": "r01", "none": None}, {"epoch": 2, "x": 1e-9, "name": "r02", "none": 0.25}]
KINDS = {
    "t.safetensors": (artifacts.write_tensors, artifacts.read_tensors, {"w": np.arange(6.0).reshape(2, 3)}),
    "t.npz": (artifacts.write_arrays, artifacts.read_arrays, ARRAYS),
    "t.json": (artifacts.write_json, artifacts.read_json, {"b": 1, "a": [0.1, None]}),
    "t.csv": (artifacts.write_table, artifacts.read_table, TABLE),
}


@pytest.mark.parametrize("name", KINDS)
def test_round_trip_and_equal_bytes(tmp_path, name):
    write, read, value = KINDS[name]
    write(tmp_path / name, value)
    back = read(tmp_path / name)
    if name.endswith(("npz", "safetensors")):
        assert all((back[k] == v).all() and back[k].dtype == v.dtype for k, v in value.items())
    else:
        assert back == value
    write(tmp_path / f"again-{name}", value)
    assert (tmp_path / name).read_bytes() == (tmp_path / f"again-{name}").read_bytes()
    assert len(list(tmp_path.iterdir())) == 2


@pytest.mark.parametrize("name", KINDS)
def test_damage_and_absence_are_named(tmp_path, name):
    write, read, value = KINDS[name]
    with pytest.raises(UserError, match=f"{name}: not found"):
        read(tmp_path / name)
    write(tmp_path / name, value)
    content = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(content[: len(content) - 12])
    with pytest.raises(UserError, match=f"{name}: damaged") as caught:
        read(tmp_path / name)
    assert "\n" not in str(caught.value)


def test_a_pickle_is_never_loaded(tmp_path):
    np.save(tmp_path / "x.npy", np.array([{"a": 1}], dtype=object), allow_pickle=True)
    with pytest.raises(UserError, match=r"x\.npy: damaged"):
        artifacts.read_array(tmp_path / "x.npy")


def test_stored_images_come_back_and_changed_ones_do_not(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    stored = make_images()
    with artifacts.writing(artifacts.RAW) as folder:
        images.store(folder, stored)
    back = images.read(artifacts.RAW)
    assert all((getattr(back, name) == getattr(stored, name)).all() for name in images.ARRAYS)
    changed = bytearray((artifacts.RAW / "x_train.npy").read_bytes())
    changed[-1] ^= 1
    (artifacts.RAW / "x_train.npy").write_bytes(changed)
    with pytest.raises(
        UserError, match=r"x_train\.npy: damaged \(another content than data/common/raw/sha256sums\.txt says"
    ):
        images.read(artifacts.RAW)


def test_wrong_images_are_refused():
    good = make_images()
    for change, message in (
        ({"y_train": good.y_train + 4}, r"y_train spans 4\.\.7, must lie in 0\.\.3"),
        ({"x_test": good.x_test[:, :, :3]}, r"x_test has images of \(1, 3, 4\)"),
        ({"x_train": good.x_train[:5]}, "5 images and 40 labels"),
        ({"x_train": good.x_train.astype(float)}, "float64"),
        ({"max_value": 10}, "reaches 16, must be at most 10"),
    ):
        with pytest.raises(UserError, match=message):
            images.check(images.Images(**(vars(good) | change)), "here")


def test_digits_are_the_stated_counts():
    digits = sources.fetch("digits", artifacts.Path())
    assert np.bincount(digits.y_train).tolist() == [99, 101, 98, 102, 101, 101, 101, 100, 97, 100]
    assert (len(digits.y_train), len(digits.y_test)) == (1000, 797)
    assert not {x.tobytes() for x in digits.x_train} & {x.tobytes() for x in digits.x_test}


def test_an_unknown_variant_lists_what_exists():
    with pytest.raises(UserError, match=r"prune\.criterion='x': must be one of gradient, magnitude, random"):
        byname.load("criteria", "x", "prune.criterion")


def test_tensors_come_back_in_their_shapes(tmp_path):
    """Also a number (batch normalisation counts its batches) and what is not contiguous."""
    tensors = {"number": np.array(7), "none": np.zeros((0, 3), np.float32), "turned": np.arange(6.0).reshape(2, 3).T}
    artifacts.write_tensors(tmp_path / "t.safetensors", tensors)
    back = artifacts.read_tensors(tmp_path / "t.safetensors")
    assert {name: array.shape for name, array in back.items()} == {"number": (), "none": (0, 3), "turned": (3, 2)}
    assert all((back[name] == tensors[name]).all() for name in tensors)
