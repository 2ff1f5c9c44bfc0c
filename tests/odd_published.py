"""Published data sets whose files are others, damaged or missing; there is no network."""

import gzip
import hashlib
import io
import os
import struct
import zipfile

import numpy as np
import scipy.io
from odd_files import Case, Read

RNG = np.random.default_rng(3)
NAMES = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]


def idx(array):
    """Magic number (type 8, so many dimensions), sizes, bytes."""
    array = np.asarray(array, np.uint8)
    return struct.pack(f">{1 + array.ndim}I", 0x800 + array.ndim, *array.shape) + array.tobytes()


X, X_TEST = RNG.integers(0, 256, (20, 28, 28)), RNG.integers(0, 256, (10, 28, 28))
Y, Y_TEST = np.arange(20) % 10, np.arange(10)
PLAIN = dict(zip(NAMES, map(idx, (X, Y, X_TEST, Y_TEST)), strict=True))
PACKED = {f"{name}.gz": gzip.compress(data, mtime=0) for name, data in PLAIN.items()}
OTHER = idx(X + 1)


def known(kind, module, unpacked=True):
    """As if these small files were the published ones."""
    digests = {name: hashlib.sha256(data).hexdigest() for name, data in PLAIN.items()} if unpacked else {}
    return {
        f"torchvision.datasets.{kind}.resources": [(n, hashlib.md5(d).hexdigest()) for n, d in PACKED.items()],
        "prunelab.core.published.UNPACKED": {kind: digests},
        f"prunelab.datasets.{module}.NUM_TRAIN": 20,
    }


def case(name, right, content, kind="MNIST", dataset="mnist", patches=None):
    """Files in KIND/raw by name; None for a folder, a named pipe where it is an empty tuple."""

    def make(root):
        raw = root / kind / "raw"
        raw.mkdir(parents=True)
        for file, data in content.items():
            (raw / file).write_bytes(data) if data else (raw / file).mkdir() if data is None else os.mkfifo(raw / file)

    return Case(name, dataset, make, rf"DIR/{kind}/raw{right}" if isinstance(right, str) else right, patches or {})


SMALL, ALL = known("MNIST", "mnist"), Read(X.astype(np.uint8)[:, None], Y.tolist(), Y_TEST.tolist(), "0123456789")
IMAGES, LABELS = NAMES[0], NAMES[1]
MNIST = [
    case("the published .gz", ALL, PACKED, patches=SMALL),
    case("unpacked", ALL, PLAIN, patches=SMALL),
    case("both", ALL, PACKED | PLAIN, patches=SMALL),
    case("packed anew", ALL, {n: gzip.compress(gzip.decompress(d), 1) for n, d in PACKED.items()}, patches=SMALL),
    case("other files of that name", f"/{IMAGES}: is not known to be the published file .its sha256 is", PLAIN),
    case("one other file", f"/{IMAGES}: is not known .*; put {IMAGES}.gz beside it", PLAIN | {IMAGES: OTHER},
        patches=SMALL),
    case("another file beside", f"/{IMAGES}: is another file than the published", PACKED | {IMAGES: OTHER},
        patches=SMALL),
    case("another .gz", rf"/{LABELS}.gz: is not the published file \(its md5 is \w+, the published one's is \w+\)",
         PACKED | {f"{LABELS}.gz": gzip.compress(PLAIN[LABELS][:-1] + b"\1")}, patches=SMALL),
    case("half a .gz", f"/{IMAGES}.gz: is not the published file",
        PACKED | {f"{IMAGES}.gz": PACKED[f"{IMAGES}.gz"][:99]}, patches=SMALL),
    case("text called .gz", f"/{IMAGES}.gz: is not the published file", PACKED | {f"{IMAGES}.gz": b"x"}, patches=SMALL),
    case("a folder called .gz", f"/{IMAGES}.gz: is not the published file .it is no file", {f"{IMAGES}.gz": None}),
    case("a named pipe", f"/{IMAGES}.gz, which is a named pipe", {f"{IMAGES}.gz": ()}),
    case("nothing there",
        f" does not hold the published file {IMAGES}.gz, and downloading it failed .*; put {IMAGES}.gz there", {}),
    case("one is missing", f" does not hold the published file {LABELS}.gz",
         {n: d for n, d in PACKED.items() if LABELS not in n}, patches=SMALL),
    case("Fashion-MNIST", Read(classes=["T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt",
        "Sneaker", "Bag", "Ankle boot"]),
         PACKED, "FashionMNIST", "fashion_mnist", known("FashionMNIST", "fashion_mnist")),
    case("MNIST as Fashion-MNIST", f"/{IMAGES}.gz: is not the published", PACKED, "FashionMNIST", "fashion_mnist"),
    case("KMNIST", Read(X.astype(np.uint8)[:, None], classes=["o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re",
        "wo"]),
         PACKED, "KMNIST", "kmnist", known("KMNIST", "kmnist", False)),
    case("KMNIST unpacked", rf"/{IMAGES}: is not known .* \(no checksum of it is known\); put {IMAGES}.gz beside it",
         PLAIN, "KMNIST", "kmnist"),
]  # fmt: skip


def emnist():
    stream = io.BytesIO()
    with zipfile.ZipFile(stream, "w") as archive:
        for part, x, y in (("train", X, Y + 37), ("test", X_TEST, Y_TEST)):
            for what, array in (("images-idx3", x), ("labels-idx1", y)):
                archive.writestr(f"gzip/emnist-balanced-{part}-{what}-ubyte.gz", gzip.compress(idx(array)))
    return stream.getvalue()


ZIP = emnist()
SMALL_EMNIST = {
    "torchvision.datasets.EMNIST.md5": hashlib.md5(ZIP).hexdigest(),
    "prunelab.datasets.emnist.NUM_TRAIN": 20,
}
# As the data set's mapping file lists them: digits, capitals, and the small letters that differ from their capitals.
NAMES_47 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
EMNIST = [
    case("EMNIST upright", Read(X.astype(np.uint8).transpose(0, 2, 1)[:, None], (Y + 37).tolist(), classes=NAMES_47),
         {"gzip.zip": ZIP}, "EMNIST", "emnist", SMALL_EMNIST),
    case("another zip", "/gzip.zip: is not the published file", {"gzip.zip": ZIP + b"x"}, "EMNIST", "emnist",
        SMALL_EMNIST),
    case("no zip", " does not hold the published file gzip.zip", {}, "EMNIST", "emnist"),
]  # fmt: skip

MATS = {}
for PART, COUNT in (("train", 20), ("test", 10)):
    STREAM = io.BytesIO()
    PHOTOS = np.arange(32 * 32 * 3 * COUNT).reshape(32, 32, 3, COUNT).astype(np.uint8)
    scipy.io.savemat(STREAM, {"X": PHOTOS, "y": (np.arange(COUNT) % 10 + 1).astype(np.uint8)[:, None]})
    MATS[PART] = (PHOTOS, STREAM.getvalue())
SPLITS = {part: ["u", f"{part}_32x32.mat", hashlib.md5(data).hexdigest()] for part, (_, data) in MATS.items()}
SMALL_SVHN = {"torchvision.datasets.SVHN.split_list": SPLITS, "prunelab.datasets.svhn.NUM_TRAIN": 20}


def svhn(root):
    for part, (_, data) in MATS.items():
        (root / f"{part}_32x32.mat").write_bytes(data)


SVHN = [
    # Height, width, colour, number in the file; 10 stands for the digit 0.
    Case("SVHN", "svhn", svhn, Read(MATS["train"][0][..., 0].transpose(2, 0, 1), [1, 2, 3, 4, 5, 6, 7, 8, 9, 0] * 2),
        SMALL_SVHN),
    Case("another .mat", "svhn", svhn, r"^DIR/train_32x32.mat: is not the published file \(its md5 is"),
    Case("no .mat", "svhn", lambda root: None, "^data_root: DIR does not hold the published file train_32x32.mat"),
]  # fmt: skip
CASES = MNIST + EMNIST + SVHN
