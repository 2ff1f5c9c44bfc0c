"""The one form in which every data set is checked, stored and read.

On disk: npy arrays, images and int64 labels, and facts.json with their names and those of the classes; of features
also how they were standardised.
"""

import contextlib
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, digests, files
from prunelab.core.features import Standardisation
from prunelab.errors import UserError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
GIVEN = "given_train"  # beside ARRAYS, where the data brought noisy labels
NAMES = "names.json"  # where training examples have names
FACTS = "facts.json"
FEATURES = "standardisation"  # in FACTS, where there are features that were standardised
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
    names: tuple[str, ...] = ()  # of each training example, where its source has one: a file, a line of a table
    standardisation: Standardisation | None = None  # of float32 features; data stored by an older revision has none
    notes: tuple[str, ...] = ()  # what the reader decided, a line each, for the user; not stored

    def __post_init__(self) -> None:
        if not self.classes:
            object.__setattr__(self, "classes", tuple(str(number) for number in range(self.num_classes)))

    def arrays(self) -> dict[str, NDArray[Any]]:
        """All arrays by name."""
        found = {name: getattr(self, name) for name in ARRAYS}
        return found if self.given_train is None else found | {GIVEN: self.given_train}


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
    need(len(images.names) in (0, len(images.y_train)), "x_train", f"has {len(images.names)} names, must have one each")
    if images.standardisation is not None:
        x, count = images.x_train, len(images.standardisation.mean)
        right = x.dtype == np.float32 and x.shape[1:] == (count, 1, 1)
        need(right, "x_train", f"is {x.dtype} {x.shape}, must be float32 [N, {count}, 1, 1] as {FEATURES} has it")
    if images.given_train is not None:
        given, labels = len(images.given_train), len(images.y_train)
        need(given == labels, GIVEN, f"holds {given} labels, must be {labels} as y_train")


def store(folder: Path, images: Images) -> None:
    """Write the arrays, facts.json and perhaps names.json into `folder`."""
    arrays = images.arrays()
    for name, array in arrays.items():
        artifacts.write_array(folder / f"{name}.npy", array)
    described = {
        "num_classes": images.num_classes,
        "max_value": images.max_value,
        "classes": list(images.classes),
        "arrays": list(arrays),
        "named": bool(images.names),
    }
    if images.standardisation is not None:  # facts of pictures are without it, as they ever were
        described[FEATURES] = images.standardisation.model_dump()
    if images.names:
        artifacts.write_json(folder / NAMES, list(images.names))
    artifacts.write_json(folder / FACTS, described)


def read(folder: Path) -> Images:
    """Read what `store` wrote; large arrays are memory-mapped (writing to one changes no file).

    Raises:
        UserError: a file is missing, truncated or changed; the line names it.
    """
    described = artifacts.read_json(folder / FACTS, ("num_classes", "max_value", "classes", "arrays", "named"))
    arrays: dict[str, Any] = {}
    with artifacts.reading(folder / FACTS):
        if not {*ARRAYS} <= {*described["arrays"]} <= {*ARRAYS, GIVEN}:
            raise ValueError(f"names other arrays than {', '.join(ARRAYS)}")
        if any(type(described[name]) is not int or described[name] < 1 for name in ("num_classes", "max_value")):
            raise ValueError("num_classes and max_value are not two whole numbers")
        if not all(isinstance(name, str) for name in described["classes"]):
            raise ValueError("classes are not names")
    for name in described["arrays"]:
        path = folder / f"{name}.npy"
        large = path.is_file() and path.stat().st_size >= MAPPED_FROM
        arrays[name] = artifacts.read_array(path, mapped=large)
    names = artifacts.read_json(folder / NAMES) if described["named"] is True else []
    with artifacts.reading(folder / NAMES):
        if not isinstance(names, list) or not all(isinstance(name, str) for name in names):
            raise ValueError("is no list of names")
    with artifacts.reading(folder / FACTS):
        known = described.get(FEATURES)
        images = Images(
            **arrays,
            num_classes=described["num_classes"],
            max_value=described["max_value"],
            classes=tuple(described["classes"]),
            names=tuple(names),
            standardisation=None if known is None else Standardisation.model_validate(known),
        )
        check(images, folder)
    return images
