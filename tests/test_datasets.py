"""Readers, on small files written in the real formats, whole and damaged; nothing here needs a network."""

import gzip
import hashlib
import pickle
from itertools import pairwise
from urllib.error import URLError

import numpy as np
import pytest
import torchvision
from written import pixels, save, write_cifar, write_folder, write_idx, write_mnist, write_npz, write_tiny

from prunelab import corruption
from prunelab.core import images
from prunelab.datasets import cifar10, cifar100, mnist, tiny_imagenet
from prunelab.errors import UserError


@pytest.fixture(autouse=True)
def _no_network(monkeypatch):
    def refuse(*args, **kwargs):
        raise URLError("no network")

    monkeypatch.setattr("torchvision.datasets.utils._urlretrieve", refuse)


def one_line(name, root):
    with pytest.raises(UserError) as caught:
        images.fetch(name, root)
    line = str(caught.value)
    assert "\n" not in line
    return line


# MNIST and Fashion-MNIST: the IDX format.


@pytest.mark.parametrize(("name", "kind"), [("mnist", "MNIST"), ("fashion_mnist", "FashionMNIST")])
def test_idx_files_are_read(tmp_path, monkeypatch, name, kind):
    arrays = write_mnist(tmp_path, kind)
    monkeypatch.setattr(images.facts(name), "NUM_TRAIN", 20)
    got = images.fetch(name, tmp_path)
    assert got.x_train.shape == (20, 1, 28, 28)
    assert (got.x_train[:, 0] == arrays["train-images-idx3-ubyte"]).all()
    assert (got.x_test[:, 0] == arrays["t10k-images-idx3-ubyte"]).all()
    assert got.y_train.tolist() == [*range(10)] * 2
    assert (got.num_classes, got.max_value) == (10, 255)


def test_another_number_of_images_is_not_mnist(tmp_path):
    write_mnist(tmp_path)
    assert one_line("mnist", tmp_path) == "dataset=mnist: 20 training images, must be 60000"


@pytest.mark.parametrize(
    ("damage", "words"),
    [
        (lambda data: data[:1000], "damaged"),  # truncated
        (lambda data: b"\x00\x00\x0d\x03" + data[4:], "damaged"),  # says it holds another type
        (lambda data: b"PK\x03\x04" + data[4:], "damaged"),  # wrong magic
        (lambda data: b"", "damaged"),
    ],
)
def test_damaged_idx_files_are_named(tmp_path, damage, words):
    write_mnist(tmp_path)
    path = tmp_path / "MNIST" / "raw" / "t10k-images-idx3-ubyte"
    path.write_bytes(damage(path.read_bytes()))
    line = one_line("mnist", tmp_path)
    assert line.startswith(str(path))
    assert words in line


def test_labels_out_of_range_are_named(tmp_path):
    write_mnist(tmp_path)
    write_idx(tmp_path / "MNIST" / "raw" / "train-labels-idx1-ubyte", np.full(20, 10, dtype=np.uint8))
    assert one_line("mnist", tmp_path) == "dataset=mnist: y_train spans 10..10, must lie in 0..9"


def test_without_files_and_network_one_line_says_what_to_put_where(tmp_path):
    line = one_line("mnist", tmp_path)
    assert f"{tmp_path}/MNIST/raw does not hold the published files" in line
    assert "train-images-idx3-ubyte, train-labels-idx1-ubyte, t10k-images-idx3-ubyte, t10k-labels-idx1-ubyte" in line


def test_published_archives_are_unpacked_without_a_network(tmp_path, monkeypatch):
    """What torchvision would have downloaded, put there by hand: its checksum is looked at, then it is unpacked."""
    arrays = write_mnist(tmp_path)
    raw, resources = tmp_path / "MNIST" / "raw", []
    for name, _ in arrays.items():
        packed = gzip.compress((raw / name).read_bytes())
        (raw / f"{name}.gz").write_bytes(packed)
        (raw / name).unlink()
        resources.append((f"{name}.gz", hashlib.md5(packed).hexdigest()))
    monkeypatch.setattr(torchvision.datasets.MNIST, "resources", resources)
    monkeypatch.setattr(mnist, "NUM_TRAIN", 20)
    assert len(images.fetch("mnist", tmp_path).y_train) == 20


# CIFAR: pickled batches, opened only when their checksums are the published ones.


@pytest.mark.parametrize(("module", "kind", "classes"), [(cifar10, "CIFAR10", 10), (cifar100, "CIFAR100", 100)])
def test_cifar_batches_are_read(tmp_path, monkeypatch, module, kind, classes):
    _, batches = write_cifar(tmp_path, monkeypatch, kind)
    n = 4 * (len(batches) - 1)
    monkeypatch.setattr(module, "NUM_TRAIN", n)
    got = images.fetch(kind.lower(), tmp_path)
    assert got.x_train.shape == (n, 3, 32, 32)
    first = next(iter(batches.values()))["data"][0].reshape(3, 32, 32)  # rows of red, then green, then blue
    assert (got.x_train[0] == first).all()
    assert got.y_test.tolist() == [0, 1, 2, 9]
    assert got.num_classes == classes


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
    got = images.fetch("tiny_imagenet", tmp_path)
    assert got.x_train.shape == (9, 3, 64, 64)
    assert got.y_train.tolist() == [0, 0, 0, 1, 1, 1, 2, 2, 2]  # n01, n02, n03
    assert (got.x_train[0][0] == got.x_train[0][2]).all()  # stored grey
    assert got.y_test.tolist() == [2, 0, 1, 0]
    assert got.x_test[:, 0, 0, 0].tolist() == [0, 60, 120, 180]


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


# The user's own: folders of pictures, and arrays.


@pytest.mark.parametrize(("shape", "channels"), [((12, 10, 3), 3), ((12, 10), 1)])
def test_folders_are_read(tmp_path, shape, channels):
    write_folder(tmp_path, shape)
    got = images.fetch("folder", tmp_path)
    assert got.x_train.shape == (6, channels, 12, 10)
    assert got.y_train.tolist() == [0, 0, 0, 1, 1, 1]
    assert got.x_train[:, 0, 3, 3].tolist() == [0, 1, 2, 100, 101, 102]
    assert (len(got.x_test), got.num_classes) == (4, 2)


def test_what_is_wrong_with_a_folder_is_named(tmp_path):
    assert "there is no train/" in one_line("folder", tmp_path)
    write_folder(tmp_path)
    odd = tmp_path / "test" / "dog" / "1.png"
    save(odd, pixels(12, 12, 3))
    assert one_line("folder", tmp_path).startswith(f"{odd}: is 12x12, must be 10x12 like {tmp_path}/train/cat/0.png")
    odd.write_bytes(odd.read_bytes()[:20])
    assert one_line("folder", tmp_path).startswith(f"{odd}: damaged")
    odd.unlink()
    save(tmp_path / "train" / "fox" / "0.png", pixels(12, 10, 3))
    assert one_line("folder", tmp_path).endswith("must have the same classes; fox is in one of them only")
    (tmp_path / "train" / "fox" / "0.png").unlink()
    assert "fox" in one_line("folder", tmp_path)  # an empty class


@pytest.mark.parametrize(
    ("shape", "stored"),
    [((6, 5), (1, 6, 5)), ((6, 5, 3), (3, 6, 5)), ((3, 6, 5), (3, 6, 5)), ((6, 5, 1), (1, 6, 5)), ((40,), (1, 1, 40))],
)
def test_npz_is_read_in_every_layout(tmp_path, shape, stored):
    path, arrays = write_npz(tmp_path, x_train=pixels(12, *shape), x_test=pixels(6, *shape).astype(np.int32))
    got = images.fetch("npz", path)
    assert got.x_train.shape == (12, *stored)
    assert got.x_train.dtype == got.x_test.dtype == np.uint8
    moved = np.moveaxis(arrays["x_train"], -1, 1) if shape[-1] in (1, 3) else arrays["x_train"]
    assert (got.x_train.reshape(12, -1) == moved.reshape(12, -1)).all()
    assert got.y_train.tolist() == [0, 1, 2] * 4


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"x_test": None}, "has no array x_test; must have x_train, y_train, x_test, y_test"),
        ({"x_train": pixels(12, 6, 5) / 255}, "x_train is float64 0.0..1.0, must be integers 0..255 (for fractions"),
        ({"x_train": np.full((12, 6, 5), 256)}, "x_train is int64 256..256, must be integers 0..255"),
        ({"x_train": pixels(12, 2, 6, 5)}, "x_train is (12, 2, 6, 5), must be [N, H, W]"),
        ({"x_test": pixels(6, 6, 6)}, "x_test has images of (1, 6, 6), must be (1, 6, 5) as in x_train"),
        ({"y_train": np.arange(11) % 3}, "hold 12 images and 11 labels, must be equal"),
        ({"y_train": np.arange(12) % 3 - 1}, "y_train is int64 (12,), must be integers from 0 on [N]"),
        ({"y_train": (np.arange(12) % 3) * 2.0}, "y_train is float64 (12,), must be integers from 0 on [N]"),
        ({"y_train": (np.arange(12) % 3) * 2}, "y_train must hold every class 0..4, it has no 1"),
        ({"y_test": np.arange(6)}, "y_test spans 0..5, must lie in 0..2"),
        ({"x_test": pixels(0, 6, 5), "y_test": np.zeros(0, int)}, "must be integers"),
        ({"y_train": np.array([Trap("x")] * 12, dtype=object)}, "damaged"),
    ],
)
def test_what_is_wrong_with_an_npz_is_named(tmp_path, changes, words):
    path, _ = write_npz(tmp_path, **changes)
    line = one_line("npz", path)
    assert words in line
    assert str(path) in line or line.startswith("dataset=npz: ")


def test_a_damaged_or_missing_npz_is_named(tmp_path):
    path, _ = write_npz(tmp_path)
    path.write_bytes(path.read_bytes()[:400])
    assert one_line("npz", path).startswith(f"{path}: damaged")
    assert "must be an npz file with x_train" in one_line("npz", tmp_path)
    assert "must be a folder (or, for npz, a file) that exists" in one_line("npz", tmp_path / "nothing.npz")


def test_no_class_of_cifar100_is_listed_twice():
    assert all(a < b for a, b in pairwise(cifar100.CLASSES))
