"""Where data sets come from: what a data set's own file must offer, and how its images are fetched and sampled."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np

from prunelab.core import byname, files, images, streams
from prunelab.core.images import Images
from prunelab.errors import UserError, short


class Source(Protocol):
    """What a data set's file offers. It may also have `check_root(data_root)`, see `check_root`."""

    NUM_TRAIN: int | None  # training images; None where it depends on the user's files
    # Class -> the class it is mistaken for; {} if there is none. A file may have LOOK_ALIKES too: of all classes,
    # for noise_type=look_alike.
    LOOK_ALIKE: Mapping[int, int]

    def load(self, data_root: Path) -> Images:
        """Read the images."""
        ...


def source(name: str) -> Source:
    """The file of a data set, imported by name. Raises UserError where there is none."""
    return cast(Source, byname.load("datasets", name, "dataset"))


def check_root(name: str, data_root: Path) -> None:
    """Look whether a data set's files can be there, before anything runs (and before DVC reads all of them).

    Raises:
        UserError: `data_root` does not exist or is (or holds) what can be read for ever, such as a device; or the data
            set's own `check_root` misses something in it.
    """
    shown, kind = f"data_root={short(str(data_root))}", files.kind(data_root)
    if kind == "nothing":
        raise UserError(f"{shown}: must be a folder (or, for npz and table, a file) that exists")
    if kind not in ("file", "folder"):
        raise UserError(f"{shown}: is {kind}, must be a folder (or, for npz and table, a file)")
    if kind == "folder" and (odd := files.special(data_root)):
        raise UserError(f"{shown}: holds {files.shown(odd)}, which is {files.kind(odd)} and cannot be read; remove it")
    getattr(source(name), "check_root", lambda root: None)(data_root)


def fetch(name: str, data_root: Path) -> Images:
    """Load a data set from its source and hold it against its own facts.

    Raises:
        UserError: no such data set, its files are missing or damaged, or what was read is not what the data set's
            file states.
    """
    check_root(name, data_root)
    found = source(name)
    data = found.load(data_root)
    images.check(data, f"dataset={name}")
    if found.NUM_TRAIN is not None and len(data.y_train) != found.NUM_TRAIN:
        raise UserError(f"dataset={name}: {len(data.y_train)} training images, must be {found.NUM_TRAIN}")
    return data


def sample(data: Images, num_train: int, num_test: int) -> Images:
    """Fewer images, as many of each class as nearly as possible; 0 for all.

    Raises:
        UserError: more are asked for than there are, or fewer than one of each class.
    """
    arrays: dict[str, Any] = data.arrays()
    names = list(data.names)
    for part, count in (("train", num_train), ("test", num_test)):
        y = arrays[f"y_{part}"]
        if 0 < count < data.num_classes:
            raise UserError(
                f"subset.{part}={count}: must be at least {data.num_classes}, one image for each class (or 0 for all)"
            )
        if count > len(y):
            raise UserError(f"subset.{part}={count}: must be at most {len(y)}, the data set has no more")
        if count:
            order = streams.numpy_generator(0, "subset").permutation(len(y))
            # Each image's place among those of its class: the first of every class, then the second, ...
            by_class = order[np.argsort(y[order], kind="stable")]
            sizes = np.bincount(y, minlength=data.num_classes)
            rank = np.concatenate([np.arange(size) for size in sizes])
            chosen = np.sort(by_class[np.argsort(rank, kind="stable")[:count]])
            arrays |= {name: array[chosen] for name, array in arrays.items() if name.endswith(part)}
            if part == "train":  # those without a name are called by their place in the whole set
                names = [data.names[i] if data.names else str(i) for i in chosen.tolist()]
    return replace(data, **arrays, names=tuple(names))
