"""Data sets by name: `dataset: digits` is the file digits.py here, and nothing else needs to know it.

A data set's file states NUM_TRAIN (images it trains on), NUM_CLASSES, LOOK_ALIKE (class -> the class it is
mistaken for, for `asymmetric` noise; {} if it has none) and `load(data_root) -> Images`.
"""

import importlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from prunelab.errors import UserError


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
    try:
        return cast(Source, importlib.import_module(f"prunelab.datasets.{name}"))
    except ModuleNotFoundError as error:
        if error.name != f"prunelab.datasets.{name}":
            raise
        known = ", ".join(sorted(p.stem for p in Path(__file__).parent.glob("[!_]*.py")))
        raise UserError(f"dataset={name!r}: must be one of {known}") from None


def load(name: str, data_root: Path) -> Images:
    """Load a data set and hold it against its own facts.

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
