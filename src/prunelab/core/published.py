"""Published data sets: known by their checksums, downloaded where there is a network, and one clear line where a file
is missing or is another than the published one.

What is read here need not be watched by DVC: .dvcignore leaves it out, so that data_root hashes the same with and
without it.
"""

import gzip
import hashlib
import os
import struct
import zlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import files
from prunelab.core.images import Images, reading
from prunelab.errors import UserError

# SHA-256 of the IDX files themselves, where they are published; of all of them, torchvision knows the MD5 as .gz.
UNPACKED = {
    "MNIST": {
        "train-images-idx3-ubyte": "ba891046e6505d7aadcbbe25680a0738ad16aec93bde7f9b65e87a2fc25776db",
        "train-labels-idx1-ubyte": "65a50cbbf4e906d70832878ad85ccda5333a97f0f4c3dd2ef09a8a9eef7101c5",
        "t10k-images-idx3-ubyte": "0fa7898d509279e482958e8ce81c8e77db3f2f8254e26661ceb7762c4d494ce7",
        "t10k-labels-idx1-ubyte": "ff7bcfd416de33731a308c3f266cc351222c34898ecbeaf847f06e48f7ec33f2",
    },
    "FashionMNIST": {
        "train-images-idx3-ubyte": "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888",
        "train-labels-idx1-ubyte": "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9",
        "t10k-images-idx3-ubyte": "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b",
        "t10k-labels-idx1-ubyte": "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34",
    },
}


def check_root(data_root: Path) -> None:
    """Raises UserError where `data_root` is no folder."""
    if not data_root.is_dir():
        raise UserError(f"data_root={str(data_root)!r}: must be a folder")


def file(path: Path, md5: str, urls: Sequence[str]) -> Path:
    """A published file, downloaded if it is not there.

    Args:
        path: where it belongs.
        md5: its checksum.
        urls: where it is to be had.

    Raises:
        UserError: the file is not there and cannot be downloaded, or is another than the published one.
    """
    if files.kind(path) == "nothing":
        _download(path, md5, urls)
    if (found := _md5(path)) != md5:
        raise _another(path, found, md5)
    return path


def _another(path: Path, found: str, md5: str) -> UserError:
    return UserError(
        f"{files.shown(path)}: is not the published file ({f'its md5 is {found}' if found else 'it is no file'}, "
        f"the published one's is {md5}); put that one there, or remove this one so that it is downloaded"
    )


def _md5(path: Path) -> str:
    """The checksum of a file; none of what is no file, which is never opened."""
    if files.kind(path) != "file":
        return ""
    with reading(files.shown(path)), open(path, "rb") as opened:
        return hashlib.file_digest(opened, "md5").hexdigest()


def _download(path: Path, md5: str, urls: Sequence[str]) -> None:
    from torchvision.datasets.utils import download_url

    partial = path.with_name(f".{path.name}.partial")  # so that a killed download is not taken for another file
    reason = ""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        for url in urls:
            try:
                download_url(url, str(path.parent), partial.name, md5)
            except Exception as error:  # of whatever library the download ends in
                reason = reason or " ".join(str(error).split())[:120] or type(error).__name__
            else:
                os.replace(partial, path)
                return
    except OSError as error:
        reason = str(error.strerror)
    finally:
        partial.unlink(missing_ok=True)
    raise UserError(
        f"data_root: {files.shown(path.parent)} does not hold the published file {path.name}, and downloading it "
        f"failed ({reason}); put {path.name} there"
    ) from None


def idx(kind: str, data_root: Path, classes: Sequence[str]) -> Images:
    """MNIST or one of its twins: `data_root`/`kind`/raw/{train,t10k}-{images-idx3,labels-idx1}-ubyte.gz, or unpacked.

    Args:
        kind: the name of torchvision's class, which is also the folder's.
        data_root: the folder above.
        classes: names of the classes.
    """
    from torchvision import datasets

    cls = getattr(datasets, kind)
    md5s = {name.removesuffix(".gz"): md5 for name, md5 in cls.resources}
    names = [f"{part}-{what}-ubyte" for part in ("train", "t10k") for what in ("images-idx3", "labels-idx1")]
    arrays = [
        idx_array(
            _unpacked(
                data_root / kind / "raw" / name,
                md5s[name],
                [f"{mirror}{name}.gz" for mirror in cls.mirrors],
                UNPACKED.get(kind, {}).get(name),
            )
        )
        for name in names
    ]
    return from_idx(arrays, classes)


def from_idx(arrays: Sequence[NDArray[np.uint8]], classes: Sequence[str]) -> Images:
    """The four arrays of IDX files: training images and labels, test images and labels."""
    x_train, y_train, x_test, y_test = arrays
    return Images(
        x_train[:, None],
        y_train.astype(np.int64),
        x_test[:, None],
        y_test.astype(np.int64),
        num_classes=len(classes),
        classes=tuple(classes),
    )


def idx_array(content: bytes) -> NDArray[np.uint8]:
    """The array in an IDX file of bytes: a magic number that says how many dimensions, their sizes, the values."""
    dimensions = content[3]
    shape = struct.unpack_from(f">{dimensions}I", content, 4)
    return np.frombuffer(content, dtype=np.uint8, offset=4 + 4 * dimensions).reshape(shape)


def _unpacked(plain: Path, md5: str, urls: Sequence[str], sha256: str | None) -> bytes:
    """The published content of `plain`: from its .gz, or from itself where its own checksum is known."""
    packed = plain.with_name(f"{plain.name}.gz")
    there = files.kind(plain) == "file"
    if there and files.kind(packed) == "nothing":
        content = plain.read_bytes()
        found = hashlib.sha256(content).hexdigest()
        if found == sha256:
            return content
        known = f"its sha256 is {found}, the published one's is {sha256}" if sha256 else "no checksum of it is known"
        raise UserError(
            f"{files.shown(plain)}: is not known to be the published file ({known}); put {packed.name} beside it, "
            "whose checksum is published, or remove it so that this is downloaded"
        )
    if files.kind(packed) == "nothing":
        _download(packed, md5, urls)
    found = _md5(packed)
    # The same content packed anew is another .gz.
    if found != md5 and not (found and sha256 and _digest_inside(packed) == sha256):
        raise _another(packed, found, md5)
    content = gzip.decompress(packed.read_bytes())
    if there and plain.read_bytes() != content:
        raise UserError(f"{files.shown(plain)}: is another file than the published {packed.name} beside it; remove it")
    return content


def _digest_inside(packed: Path) -> str:
    """SHA-256 of what a .gz holds, read piece by piece: it may be anything, of any size."""
    digest = hashlib.sha256()
    try:
        with gzip.open(packed) as opened:
            while piece := opened.read(1 << 20):
                digest.update(piece)
    except (OSError, EOFError, zlib.error):
        return ""
    return digest.hexdigest()


def present(make: Callable[[bool], Any], folder: Path, files: str) -> Any:
    """A torchvision data set whose files are there, downloaded if they were not.

    Args:
        make: builds it, given whether it may download. Without, it must raise RuntimeError where files are missing
            or their checksum is wrong.
        folder: where the files belong.
        files: their names, for the message.

    Raises:
        UserError: the files are not there, or not the published ones, and cannot be downloaded.
    """
    try:
        return make(False)
    except RuntimeError:
        pass
    try:
        return make(True)
    except Exception as error:
        reason = " ".join(str(error).split())[:120] or type(error).__name__
        raise UserError(
            f"data_root: {folder} does not hold the published files, and downloading them failed ({reason}); "
            f"put {files} into {folder}"
        ) from None


def cifar(kind: str, data_root: Path, classes: Sequence[str]) -> Images:
    """CIFAR-10 or CIFAR-100, Python version, `data_root`/cifar-10-batches-py or cifar-100-python.

    Its files are pickles; torchvision opens them only after their checksums have proved to be the published ones.
    """
    from torchvision import datasets

    cls = getattr(datasets, kind)
    folder, archive = data_root / cls.base_folder, cls.filename
    names = f"{', '.join(name for name, _ in [*cls.train_list, *cls.test_list])} (unpacked from {archive})"

    def part(train: bool) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        found = present(lambda download: cls(data_root, train=train, download=download), folder, names)
        return found.data.transpose(0, 3, 1, 2), np.asarray(found.targets, dtype=np.int64)

    return Images(*part(True), *part(False), len(classes), classes=tuple(classes))
