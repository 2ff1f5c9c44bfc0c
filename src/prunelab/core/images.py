"""Data sets: what a data set's own file must offer, and the one form all of them are stored in.

On disk: npy arrays, uint8 images and int64 labels, and facts.json with a checksum for each.
"""

import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, byname
from prunelab.errors import UserError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FACTS = "facts.json"


@dataclass(frozen=True)
class Images:
    """A data set as stored: images [N, C, H, W] uint8 in [0, max_value], labels [N] int64, the test set apart."""

    x_train: NDArray[np.uint8]
    y_train: NDArray[np.int64]
    x_test: NDArray[np.uint8]
    y_test: NDArray[np.int64]
    num_classes: int
    max_value: int


class Source(Protocol):
    """What a data set's file offers."""

    NUM_TRAIN: int
    NUM_CLASSES: int
    LOOK_ALIKE: Mapping[int, int]

    def load(self, data_root: Path) -> Images:
        """Read the images."""
        ...


def facts(name: str) -> Source:
    """The file of a data set, imported by name. Raises UserError where there is none."""
    return cast(Source, byname.load("datasets", name, "dataset"))


def fetch(name: str, data_root: Path) -> Images:
    """Load a data set from its source and hold it against its own facts.

    Raises:
        UserError: no such data set, or what was read is not what the data set's file states.
    """
    source = facts(name)
    images = source.load(data_root)
    check(images, f"dataset={name}")
    if len(images.y_train) != source.NUM_TRAIN:
        raise UserError(f"dataset={name}: {len(images.y_train)} training images, must be {source.NUM_TRAIN}")
    return images


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
            f"hold {len(x)} images and {len(y)} labels, must be equal",
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
        checksums[name] = zlib.crc32(array.tobytes())
    facts = {"num_classes": images.num_classes, "max_value": images.max_value, "crc32": checksums}
    artifacts.write_json(folder / FACTS, facts)


def read(folder: Path) -> Images:
    """Read what `store` wrote.

    Raises:
        UserError: a file is missing, truncated or changed; the line names it.
    """
    facts = artifacts.read_json(folder / FACTS)
    arrays = {}
    for name in ARRAYS:
        path = folder / f"{name}.npy"
        arrays[name] = artifacts.read_array(path)
        if zlib.crc32(np.ascontiguousarray(arrays[name]).tobytes()) != facts["crc32"][name]:
            raise UserError(f"{path}: damaged (checksum differs); delete it and run `dvc repro`")
    images = Images(**arrays, num_classes=facts["num_classes"], max_value=facts["max_value"])
    check(images, str(folder))
    return images
