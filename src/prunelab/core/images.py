"""Data sets: what a data set's own file must offer, and the one form all of them are stored in.

On disk: npy arrays, images and int64 labels, and facts.json with their names and those of the classes.
"""

import contextlib
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, Protocol, cast

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, byname, digests, files, streams
from prunelab.errors import UserError, short

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
GIVEN = "given_train"  # beside ARRAYS, where the data brought noisy labels
FACTS = "facts.json"
# Larger files are not read into memory but mapped; replicates side by side then share one copy.
MAPPED_FROM = 512 << 20


@dataclass(frozen=True)
class Images:
    """A data set as stored: images [N, C, H, W], labels [N] int64, the test set apart.

    Images are uint8 in [0, max_value]; or float32 features, [N, D, 1, 1] and max_value 1 (core/features.py).
    """

    x_train: NDArray[Any]
    y_train: NDArray[np.int64]  # the true ones, as far as anybody knows
    x_test: NDArray[Any]
    y_test: NDArray[np.int64]
    num_classes: int
    max_value: int = 255
    classes: tuple[str, ...] = ()  # names by number; without any, they are the numbers
    given_train: NDArray[np.int64] | None = None  # noisy labels that came with the data, beside the true ones
    notes: tuple[str, ...] = ()  # what the reader decided, a line each, for the user; not stored

    def __post_init__(self) -> None:
        if not self.classes:
            object.__setattr__(self, "classes", tuple(str(number) for number in range(self.num_classes)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        found = {name: getattr(self, name) for name in ARRAYS}
        return found if self.given_train is None else found | {GIVEN: self.given_train}


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
        UserError: more are asked for than there are, or fewer than one of each class.
    """
    arrays: dict[str, Any] = images.arrays()
    for part, count in (("train", num_train), ("test", num_test)):
        y = arrays[f"y_{part}"]
        if 0 < count < images.num_classes:
            raise UserError(
                f"subset.{part}={count}: must be at least {images.num_classes}, one image for each class (or 0 for all)"
            )
        if count > len(y):
            raise UserError(f"subset.{part}={count}: must be at most {len(y)}, the data set has no more")
        if count:
            order = streams.numpy_generator(0, "subset").permutation(len(y))
            # Each image's place among those of its class: the first of every class, then the second, ...
            by_class = order[np.argsort(y[order], kind="stable")]
            sizes = np.bincount(y, minlength=images.num_classes)
            rank = np.concatenate([np.arange(size) for size in sizes])
            chosen = np.sort(by_class[np.argsort(rank, kind="stable")[:count]])
            arrays |= {name: array[chosen] for name, array in arrays.items() if name.endswith(part)}
    return replace(images, **arrays)


@contextlib.contextmanager
def reading(where: str) -> Iterator[None]:
    """For a data set's reader: whatever damaged files make a library raise becomes one line with `where`."""
    try:
        yield
    except UserError:
        raise
    except MemoryError:
        raise UserError(f"{where}: needs more memory than there is") from None
    except Exception as error:
        if isinstance(error, OSError) and error.strerror:  # the system's word; libraries raise OSError without any
            raise UserError(f"{where}: cannot be read ({error.strerror})") from None
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{where}: damaged, cannot be read ({files.shown(reason[:200])})") from None


def empty(shape: tuple[int, ...]) -> NDArray[np.uint8]:
    """An array to fill with images: in memory, or, if it would be large, in a temporary file."""
    if np.prod(shape) < MAPPED_FROM:
        return np.empty(shape, dtype=np.uint8)
    with tempfile.TemporaryFile() as file:  # has no name, and lives as long as the array
        return np.memmap(file, dtype=np.uint8, mode="w+", shape=shape)


def check(images: Images, name: str | Path) -> None:
    """Check shapes, types and ranges.

    Args:
        images: read from anywhere.
        name: for the message; a folder where `store` wrote them.

    Raises:
        UserError: one line that starts with `name`, or the path of a file in it, and says which array is wrong, how,
            and what is allowed.
    """

    def need(condition: Any, array: str, problem: str) -> None:
        if not condition and isinstance(name, Path):
            paths = [str(name / f"{one}.npy") for one in array.split(", ") if one != "classes"]
            raise UserError(f"{' or '.join([*paths, str(name / FACTS)])}: damaged ({array} {problem}); {digests.MEND}")
        if not condition:
            raise UserError(f"{name}: {array} {problem}")

    names, top = images.classes, images.num_classes - 1
    need(top > 0, "y_train", f"has one class only ({names[0]}), must have at least 2")
    need(
        len(names) == len(set(names)) == top + 1, "classes", f"are {len(names)} names, must be {top + 1}, all different"
    )
    for part in ("train", "test"):
        x, y = getattr(images, f"x_{part}"), getattr(images, f"y_{part}")
        need(
            x.dtype in (np.uint8, np.float32) and x.ndim == 4,
            f"x_{part}",
            f"is {x.dtype} {x.shape}, must be uint8 or float32 [N, C, H, W]",
        )
        need(
            len(x) == len(y) > 0,
            f"x_{part}, y_{part}",
            f"hold {len(x)} images and {len(y)} labels, must be equal and not 0",
        )
        if x.dtype == np.uint8:
            need(x.max() <= images.max_value, f"x_{part}", f"reaches {x.max()}, must be at most {images.max_value}")
        else:
            need(np.isfinite(x).all(), f"x_{part}", "holds NaN or infinity, must be numbers")
    for array, y in images.arrays().items():
        if not array.startswith("x_"):
            need(y.dtype == np.int64 and y.ndim == 1, array, f"is {y.dtype} {y.shape}, must be int64 [N]")
            need(y.min() >= 0 and y.max() <= top, array, f"spans {y.min()}..{y.max()}, must lie in 0..{top}")
    need(
        images.x_train.shape[1:] == images.x_test.shape[1:] and images.x_train.dtype == images.x_test.dtype,
        "x_test",
        f"has images of {images.x_test.shape[1:]}, must be {images.x_train.shape[1:]} as in x_train",
    )
    if images.given_train is not None:
        given, labels = len(images.given_train), len(images.y_train)
        need(given == labels, GIVEN, f"holds {given} labels, must be {labels} as y_train")


def store(folder: Path, images: Images) -> None:
    """Write the arrays and facts.json into `folder`."""
    arrays = images.arrays()
    for name, array in arrays.items():
        artifacts.write_array(folder / f"{name}.npy", array)
    facts = {
        "num_classes": images.num_classes,
        "max_value": images.max_value,
        "classes": list(images.classes),
        "arrays": list(arrays),
    }
    artifacts.write_json(folder / FACTS, facts)


def read(folder: Path) -> Images:
    """Read what `store` wrote; large arrays are memory-mapped (writing to one changes no file).

    Raises:
        UserError: a file is missing, truncated or changed; the line names it.
    """
    facts = artifacts.read_json(folder / FACTS, ("num_classes", "max_value", "classes", "arrays"))
    arrays: dict[str, Any] = {}
    with artifacts.reading(folder / FACTS):
        if not {*ARRAYS} <= {*facts["arrays"]} <= {*ARRAYS, GIVEN}:
            raise ValueError(f"names other arrays than {', '.join(ARRAYS)}")
        if any(type(facts[name]) is not int or facts[name] < 1 for name in ("num_classes", "max_value")):
            raise ValueError("num_classes and max_value are not two whole numbers")
        if not all(isinstance(name, str) for name in facts["classes"]):
            raise ValueError("classes are not names")
    for name in facts["arrays"]:
        path = folder / f"{name}.npy"
        large = path.is_file() and path.stat().st_size >= MAPPED_FROM
        arrays[name] = artifacts.read_array(path, mapped=large)
    with artifacts.reading(folder / FACTS):
        images = Images(
            **arrays, num_classes=facts["num_classes"], max_value=facts["max_value"], classes=tuple(facts["classes"])
        )
        check(images, folder)
    return images
