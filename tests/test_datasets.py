"""Readers, on small files written in the real formats, whole and damaged; nothing here needs a network."""

import gzip
import hashlib
import pickle
from itertools import pairwise
from pathlib import Path
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from conftest import ROOT, make_images
from written import pixels, save, write_cifar, write_folder, write_mnist, write_tiny

from prunelab import corruption
from prunelab.core import byname, describe, labels, published, sources
from prunelab.datasets import cifar10, cifar100, mnist, tiny_imagenet
from prunelab.errors import UserError


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", refuse)


def one_line(name, root):
    with pytest.raises(UserError) as caught:
        sources.fetch(name, root)
    line = str(caught.value)
    assert "\n" not in line
    return line


# The published ones: odd_published.py reads MNIST and its twins, EMNIST and SVHN; here what ties them together.


def test_mnists_own_checksums_are_held_against_it(tmp_path):
    """Another set of the right shapes and number is not MNIST."""
    write_mnist(tmp_path, n_train=60_000, n_test=10_000)
    assert "train-images-idx3-ubyte: is not known to be the published file" in one_line("mnist", tmp_path)


def test_a_download_is_checked_and_takes_its_name_when_complete(tmp_path, monkeypatch):
    """A stand-in for the network that serves these bytes; the second mirror has the right ones."""
    right, served = gzip.compress(b"right"), []

    def download(url, folder, name, md5):
        served.append((url, sorted(path.name for path in Path(folder).iterdir())))
        content = right if "second" in url else b"half"
        (Path(folder) / name).write_bytes(content)
        if hashlib.md5(content).hexdigest() != md5:
            raise RuntimeError("File not found or corrupted.")

    monkeypatch.setattr("torchvision.datasets.utils.download_url", download)
    md5, path = hashlib.md5(right).hexdigest(), tmp_path / "raw" / "a.gz"
    assert published.file(path, md5, ["first/a.gz", "second/a.gz"]).read_bytes() == right
    assert [url for url, _ in served] == ["first/a.gz", "second/a.gz"]
    assert [entry.name for entry in path.parent.iterdir()] == ["a.gz"]
    path.unlink()
    with pytest.raises(UserError, match="downloading it failed \\(File not found or corrupted"):
        published.file(path, md5, ["first/a.gz"])
    assert not [*path.parent.iterdir()]


def test_dvc_leaves_out_what_is_verified_and_nothing_else():
    lines = [line for line in (ROOT / ".dvcignore").read_text().splitlines() if line.startswith("/data/")]
    verified = [f"/data/source/{name}" for data in byname.names("datasets") for name in verified_by(data)]
    assert sorted(lines) == sorted(verified)
    assert len(lines) == 10


def verified_by(name):
    return getattr(sources.source(name), "VERIFIED", ())


def test_each_data_set_that_torchvision_knows_is_verified():
    assert {name for name in byname.names("datasets") if verified_by(name)} == {
        "cifar10", "cifar100", "emnist", "fashion_mnist", "kmnist", "mnist", "svhn",
    }  # fmt: skip


def test_class_names_are_torchvisions():
    for kind in ("FashionMNIST", "KMNIST"):
        assert (
            list(sources.source({"FashionMNIST": "fashion_mnist"}.get(kind, "kmnist")).CLASSES)
            == getattr(torchvision.datasets, kind).classes
        )
    assert list(sources.source("emnist").CLASSES) == torchvision.datasets.EMNIST.classes_split_dict["balanced"]


# CIFAR: pickled batches, opened only when their checksums are the published ones.


@pytest.mark.parametrize(("module", "kind", "classes"), [(cifar10, "CIFAR10", 10), (cifar100, "CIFAR100", 100)])
def test_cifar_batches_are_read(tmp_path, monkeypatch, module, kind, classes):
    _, batches = write_cifar(tmp_path, monkeypatch, kind)
    n = 4 * (len(batches) - 1)
    monkeypatch.setattr(module, "NUM_TRAIN", n)
    got = sources.fetch(kind.lower(), tmp_path)
    assert got.x_train.shape == (n, 3, 32, 32)
    first = next(iter(batches.values()))["data"][0].reshape(3, 32, 32)  # rows of red, then green, then blue
    assert (got.x_train[0] == first).all()
    assert got.y_test.tolist() == [0, 1, 2, 9]
    assert got.num_classes == classes
    assert got.classes == tuple(module.CLASSES)


class Trap:
    """Unpickling this would leave a file behind."""

    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return open, (str(self.path), "w")


@pytest.mark.parametrize("damage", ["truncated", "trap", "missing"])
def test_cifar_files_that_are_not_the_published_ones_are_never_unpickled(tmp_path, monkeypatch, damage):
    folder, _ = write_cifar(tmp_path, monkeypatch, "CIFAR10")
    path, sprung = folder / "data_batch_3", tmp_path / "sprung"
    content = {"truncated": path.read_bytes()[:500], "trap": pickle.dumps(Trap(sprung)), "missing": b""}[damage]
    path.write_bytes(content)
    if damage == "missing":
        path.unlink()
    line = one_line("cifar10", tmp_path)
    assert f"{folder} does not hold the published files" in line
    assert "data_batch_3" in line
    assert "cifar-10-python.tar.gz" in line
    assert not sprung.exists()


def test_look_alikes_are_the_papers():
    names = ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"]
    pairs = {names[a]: names[b] for a, b in cifar10.LOOK_ALIKE.items()}
    assert pairs == {
        "truck": "automobile",
        "bird": "airplane",
        "deer": "horse",
        "cat": "dog",
        "dog": "cat",
    }
    assert mnist.LOOK_ALIKE == {2: 7, 3: 8, 5: 6, 6: 5}


def test_cifar100_classes_follow_each_other_inside_their_superclass():
    classes = cifar100.CLASSES
    assert len(classes) == 100 == len(cifar100.LOOK_ALIKE)
    assert (classes[0], classes[11], classes[52], classes[99]) == ("apple", "boy", "oak_tree", "worm")
    for names in cifar100.SUPERCLASSES.values():
        ids = [classes.index(name) for name in names.split()]
        assert len(ids) == 5
        assert [cifar100.LOOK_ALIKE[i] for i in ids] == [*ids[1:], ids[0]]
    # The classes of "people" are next to one another in no list but their own: boy, girl, man, woman, baby, ...
    original = np.repeat(np.arange(100), 4)
    given, permuted = corruption.corrupt(
        original, np.ones(400, bool), 100, 0.5, "asymmetric", cifar100.LOOK_ALIKE, np.random.default_rng(0)
    )
    home = {i: s for s, names in enumerate(cifar100.SUPERCLASSES.values()) for i in map(classes.index, names.split())}
    assert permuted.sum() == 200
    assert (given[permuted] != original[permuted]).all()
    assert all(home[a] == home[b] for a, b in zip(given, original, strict=True))


# Tiny ImageNet: its published folders.


@pytest.fixture
def tiny(tmp_path, monkeypatch):
    monkeypatch.setattr(tiny_imagenet, "NUM_TRAIN", 9)
    return write_tiny(tmp_path)


def test_tiny_imagenet_is_read_as_published(tiny, tmp_path):
    got = sources.fetch("tiny_imagenet", tmp_path)
    assert got.x_train.shape == (9, 3, 64, 64)
    assert got.y_train.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # n01, n02, n03
    assert (got.x_train[0][0] == got.x_train[0][2]).all()  # stored grey
    assert got.y_test.tolist() == [2, 0, 1, 0]
    assert got.x_test[:, 0, 0, 0].tolist() == [0, 60, 120, 180]
    assert got.classes == ("n01", "n02", "n03")
    (tiny / "words.txt").write_text("n01\tgoldfish, Carassius auratus\nn02\tcrane\nn03\tcrane\n")
    assert sources.fetch("tiny_imagenet", tmp_path).classes == ("goldfish", "n02", "n03")


def test_damaged_tiny_imagenet_is_named(tiny, tmp_path):
    picture = tiny / "train" / "n02" / "images" / "n02_1.JPEG"
    whole = picture.read_bytes()
    for content in (whole[: len(whole) // 2], b"no picture"):
        picture.write_bytes(content)
        assert one_line("tiny_imagenet", tmp_path).startswith(f"{picture}: damaged")
    save(picture, pixels(32, 64, 3))
    assert f"{picture}: is 64x32, must be 64x64 like" in one_line("tiny_imagenet", tmp_path)
    picture.write_bytes(whole)
    annotations = tiny / "val" / "val_annotations.txt"
    annotations.write_text(annotations.read_text().replace("n03", "n99"))
    assert "val_0.JPEG has the class 'n99', which is not in wnids.txt" in one_line("tiny_imagenet", tmp_path)
    annotations.unlink()
    assert "there is no tiny-imagenet-200/val/val_annotations.txt in it" in one_line("tiny_imagenet", tmp_path)


# The user's own: odd_pictures.py, odd_arrays.py and odd_tables.py.


def test_names_sort_as_people_do():
    names = ["b10", "b2", "a", "10", "9", "-1", "B", "b2x", "02", "2"]
    assert labels.in_order(names) == ["02", "2", "9", "10", "-1", "B", "a", "b2", "b2x", "b10"]
    assert labels.in_order(["10", "9", "-1", "-10"]) == ["-10", "-1", "9", "10"]


def test_too_many_classes_are_refused():
    y = np.repeat(np.arange(10_001), 2)
    with pytest.raises(UserError, match="y has 10001 different labels for 20002 examples"):
        labels.numbered(labels.names_of(y, "y"), "y", {})
    classes, numbers, _ = labels.numbered(labels.names_of(y[2:], "y"), "y", {})
    assert classes == tuple(map(str, range(1, 10_001)))
    assert (numbers == y[2:] - 1).all()


def test_a_fixed_fifth_of_each_class_is_the_test_set_where_a_table_has_no_split(tmp_path):
    rows = [f"{i},{'ab'[i % 3 == 0]}" for i in range(60)]
    (tmp_path / "a.csv").write_text("\n".join(["x,label", *rows]))
    got = sources.fetch("table", tmp_path / "a.csv")
    assert np.bincount(got.y_train).tolist() == [32, 16]
    assert np.bincount(got.y_test).tolist() == [8, 4]
    again = sources.fetch("table", tmp_path / "a.csv")
    assert (again.x_train == got.x_train).all()
    assert len({*got.x_train.ravel(), *got.x_test.ravel()}) == 60


def test_what_fetch_prints_lines_up(tmp_path):
    write_folder(tmp_path, classes=("a10", "a2"))
    (tmp_path / "train" / "notes.txt").write_text("x")
    assert describe.lines("folder", sources.fetch("folder", tmp_path)) == [
        "folder: 6 training and 4 test images, 3x12x10, colour",
        "  labels: by folder",
        "  files used: 10 (png)",
        "  left out: 1 (train/notes.txt)",
        "  class   train    test",
        "  a2          3       2",
        "  a10         3       2",
    ]


def test_many_classes_are_summed_up():
    line = describe.lines("x", make_images(n_train=70, n_test=35, classes=35, shape=(1, 6, 6)))[-1]
    assert line == "  35 classes (0, 1, 2, ..., 34), each of 2 to 2 training and 1 to 1 test examples"


def test_no_class_of_cifar100_is_listed_twice():
    assert all(a < b for a, b in pairwise(cifar100.CLASSES))
