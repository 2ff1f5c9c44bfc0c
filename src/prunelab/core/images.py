"""Data sets: what a data set's own file must offer, and the one form all of them are stored in.

On disk: npy arrays, uint8 images and int64 labels, and facts.json with a checksum for each.
"""

import contextlib
import tempfile
import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, byname, streams
from prunelab.errors import UserError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FACTS = "facts.json"
# Larger files are not read into memory but mapped; replicates side by side then share one copy.
MAPPED_FROM = 512 << 20


@dataclass(frozen=True)
class Images:
    """A data set as stored: images [N, C, H, W] uint8 in [0, max_value], labels [N] int64, the test set apart."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    num_classes: int
    max_value: int = 255


class Source(Protocol):
    """What a data set's file offers. It may also have `check_root(data_root)`, see `check_root`."""

    NUM_TRAIN: int | None  # training images; None where it depends on the user's files
    LOOK_ALIKE: Mapping[int, int]  # class -> the class it is mistaken for; {} if there is no such map

    def load(self, data_root: Path) -> Images:
        """Read the images."""
        ...


def facts(name: str) -> Source:
    """The file of a data set, imported by name. Raises UserError where there is none."""
    return cast(Source, byname.load("datasets", name, "dataset"))


def check_root(name: str, data_root: Path) -> None:
    """Look whether a data set's files can be there, before anything runs.

    Raises:
        UserError: `data_root` does not exist, or the data set's own `check_root` misses something in it.
    """
    if not data_root.exists():
        raise UserError(f"data_root={str(data_root)!r}: must be a folder (or, for npz, a file) that exists")
    getattr(facts(name), "check_root", lambda root: None)(data_root)


def fetch(name: str, data_root: Path) -> Images:
    """Load a data set from its source and hold it against its own facts.

    Raises:
        UserError: no such data set, its files are missing or damaged, or what was read is not what the data set's
            file states.
    """
    check_root(name, data_root)
    source = facts(name)
    images = source.load(data_root)
    check(images, f"dataset={name}")
    if source.NUM_TRAIN is not None and len(images.y_train) != source.NUM_TRAIN:
        raise UserError(f"dataset={name}: {len(images.y_train)} training images, must be {source.NUM_TRAIN}")
    return images


def sample(images: Images, num_train: int, num_test: int) -> Images:
    """Fewer images, as many of each class as nearly as possible; 0 for all.

    Raises:
        UserError: more are asked for than there are.
    """
    parts = []
    for part, count in (("train", num_train), ("test", num_test)):
        x, y = getattr(images, f"x_{part}"), getattr(images, f"y_{part}")
        if count > len(y):
            raise UserError(f"subset.{part}={count}: must be at most {len(y)}, the data set has no more")
        if count:
            order = streams.numpy_generator(0, "subset").permutation(len(y))
            # Each image's place among those of its class: the first of every class, then the second, ...
            by_class = order[np.argsort(y[order], kind="stable")]
            sizes = np.bincount(y, minlength=images.num_classes)
            rank = np.concatenate([np.arange(size) for size in sizes])
            chosen = np.sort(by_class[np.argsort(rank, kind="stable")[:count]])
            x, y = x[chosen], y[chosen]
        parts += [x, y]
    return replace(images, **dict(zip(ARRAYS, parts, strict=True)))


@contextlib.contextmanager
def reading(where: str) -> Iterator[None]:
    """For a data set's reader: whatever damaged files make a library raise becomes one line with `where`."""
    try:
        yield
    except UserError:
        raise
    except Exception as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where}: damaged, cannot be read ({reason[:200]})") from None


def empty(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array to fill with images: in memory, or, if it would be large, in a temporary file."""
    if np.prod(shape) < MAPPED_FROM:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile() as file:  # has no name, and lives as long as the array
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def check(images: Images, name: str) -> None:
    """Check shapes, types and ranges.

    Raises:
        UserError: one line that starts with `name` and says which array is wrong, how, and what is allowed.
    """

    def need(condition: Any, array: str, problem: str) -> None:
        if not condition:
            raise UserError(f"{name}: {array} {problem}")

    for part in ("train", "test"):
        x, y = getattr(images, f"x_{part}"), getattr(images, f"y_{part}")
        need(
            x.dtype == np.uint8 and x.ndim == 4,
            f"x_{part}",
            f"is {x.dtype} {x.shape}, must be uint8 [N, C, H, W]",
        )
        need(y.dtype == np.int64 and y.ndim == 1, f"y_{part}", f"is {y.dtype} {y.shape}, must be int64 [N]")
        need(
            len(x) == len(y) > 0,
            f"x_{part}, y_{part}",
            f"hold {len(x)} images and {len(y)} labels, must be equal and not 0",
        )
        top = images.num_classes - 1
        need(y.min() >= 0 and y.max() <= top, f"y_{part}", f"spans {y.min()}..{y.max()}, must lie in 0..{top}")
        need(x.max() <= images.max_value, f"x_{part}", f"reaches {x.max()}, must be at most {images.max_value}")
    need(
        images.x_train.shape[1:] == images.x_test.shape[1:],
        "x_test",
        f"has images of {images.x_test.shape[1:]}, must be {images.x_train.shape[1:]} as in x_train",
    )


def store(folder: Path, images: Images) -> None:
    """Write the four arrays and facts.json into `folder`."""
    checksums = {}
    for name in ARRAYS:
        array = np.ascontiguousarray(getattr(images, name))
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
        checksums[name] = zlib.crc32(array.data)
    facts = {"num_classes": images.num_classes, "max_value": images.max_value, "crc32": checksums}
    artifacts.write_json(folder / FACTS, facts)


def read(folder: Path) -> Images:
    """Read what `store` wrote; large arrays are memory-mapped (writing to one changes no file).

    Raises:
        UserError: a file is missing, truncated or changed; the line names it.
    """
    facts = artifacts.read_json(folder / FACTS)
    arrays = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        large = path.is_file() and path.stat().st_size >= MAPPED_FROM
        arrays[name] = artifacts.read_array(path, mapped=large)
        if zlib.crc32(np.ascontiguousarray(arrays[name]).data) != facts["crc32"][name]:
            raise UserError(f"{path}: damaged (checksum differs); delete it and run `dvc repro`")
    images = Images(**arrays, num_classes=facts["num_classes"], max_value=facts["max_value"])
    check(images, str(folder))
    return images
