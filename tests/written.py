"""Small files in the real formats: MNIST's IDX, CIFAR's batches, Tiny ImageNet's folders, a user's own."""

import hashlib
import pickle
import struct

import numpy as np
import torchvision
from PIL import Image

RNG = np.random.default_rng(0)


def pixels(n, *shape):
    return RNG.integers(0, 256, size=(n, *shape), dtype=np.uint8)


def write_idx(path, array):
    """Magic number (type 8, so many dimensions), sizes, bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    head = struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape)
    path.write_bytes(head + array.tobytes())


def write_mnist(root, kind="MNIST", n_train=20, n_test=10):
    arrays = {}
    for part, n in (("train", n_train), ("t10k", n_test)):
        arrays[f"{part}-images-idx3-ubyte"] = pixels(n, 28, 28)
        arrays[f"{part}-labels-idx1-ubyte"] = np.arange(n, dtype=np.uint8) % 10
    for name, array in arrays.items():
        write_idx(root / kind / "raw" / name, array)
    return arrays


def write_cifar(root, monkeypatch, kind):
    cls = getattr(torchvision.datasets, kind)
    key = "labels" if kind == "CIFAR10" else "fine_labels"
    folder = root / cls.base_folder
    folder.mkdir()

    def write(name, content):
        path = folder / name
        path.write_bytes(pickle.dumps(content))
        return [name, hashlib.md5(path.read_bytes()).hexdigest()]

    batches = {}
    for listed in ("train_list", "test_list"):
        entries = []
        for name, _ in getattr(cls, listed):
            batches[name] = {"data": pixels(4, 3072), key: [0, 1, 2, 9]}
            entries.append(write(name, batches[name]))
        monkeypatch.setattr(cls, listed, entries)
    names = {cls.meta["key"]: [str(i) for i in range(10 if kind == "CIFAR10" else 100)]}
    filename, md5 = write(cls.meta["filename"], names)
    monkeypatch.setattr(cls, "meta", {"filename": filename, "key": cls.meta["key"], "md5": md5})
    return folder, batches


def save(path, array):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.fromarray(array).save(path)


def write_tiny(root):
    base = root / "tiny-imagenet-200"
    wnids = ["n02", "n01", "n03"]
    for wnid in wnids:
        for i in range(3):
            grey = wnid == "n01" and i == 0
            save(base / "train" / wnid / "images" / f"{wnid}_{i}.JPEG", pixels(*((64, 64) if grey else (64, 64, 3))))
        (base / "train" / wnid / f"{wnid}_boxes.txt").write_text("")
    lines = []
    for i, wnid in enumerate(["n03", "n01", "n02", "n01"]):
        save(base / "val" / "images" / f"val_{i}.JPEG", np.full((64, 64, 3), 60 * i, dtype=np.uint8))
        lines.append(f"val_{i}.JPEG\t{wnid}\t0\t0\t63\t63\n")
    (base / "val" / "val_annotations.txt").write_text("".join(lines))
    (base / "wnids.txt").write_text("\n".join(wnids) + "\n")
    return base


def write_folder(root, shape=(12, 10, 3), classes=("cat", "dog")):
    for part, n in (("train", 3), ("test", 2)):
        for c, name in enumerate(classes):
            for i in range(n):
                save(root / part / name / f"{i}.png", np.full(shape, 100 * c + i, dtype=np.uint8))


def write_npz(root, **changes):
    arrays = {"x_train": pixels(12, 6, 5), "y_train": np.arange(12) % 3}
    arrays |= {"x_test": pixels(6, 6, 5), "y_test": np.arange(6) % 3} | changes
    path = root / "mine.npz"
    np.savez(path, **{k: v for k, v in arrays.items() if v is not None})
    return path, arrays
