"""Your own arrays: `data_root` is an npz file with x_train, y_train, x_test, y_test.

- x: integers 0..255. Pictures [N, H, W] (grey) or [N, H, W, C] or [N, C, H, W] with C 1 or 3; or features [N, D].
- y: integers 0..K-1 [N], every class in y_train. Labels as they are in the file are what a study with `noise: 0`
  trains on, mistakes included; those of the test set should be right.

Made with numpy.savez("mine.npz", x_train=..., y_train=..., x_test=..., y_test=...).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core.images import ARRAYS, Images, reading
from prunelab.errors import UserError

NUM_TRAIN = None
LOOK_ALIKE: dict[int, int] = {}


def check_root(data_root: Path) -> None:
    """Raises UserError where there is no such file."""
    if not data_root.is_file():
        raise UserError(f"data_root={str(data_root)!r}: must be an npz file with {', '.join(ARRAYS)}")


def load(data_root: Path) -> Images:
    """Read and check the arrays; never unpickles."""
    with reading(str(data_root)), open(data_root, "rb") as opened, np.load(opened, allow_pickle=False) as file:
        missing = [name for name in ARRAYS if name not in file.files]
        if missing:
            raise UserError(f"{data_root}: has no array {missing[0]}; must have {', '.join(ARRAYS)}")
        arrays = {name: file[name] for name in ARRAYS}
    x_train, x_test = (_pixels(arrays[name], f"{data_root}: {name}") for name in ("x_train", "x_test"))
    y_train, y_test = (_labels(arrays[name], f"{data_root}: {name}") for name in ("y_train", "y_test"))
    counts = np.bincount(y_train)
    if not counts.all():
        raise UserError(f"{data_root}: y_train must hold every class 0..{len(counts) - 1}, it has no {counts.argmin()}")
    return Images(x_train, y_train, x_test, y_test, num_classes=len(counts))


def _pixels(x: NDArray[Any], name: str) -> NDArray[np.uint8]:
    if not np.issubdtype(x.dtype, np.integer) or x.size == 0 or x.min() < 0 or x.max() > 255:
        span = f" {x.min()}..{x.max()}" if x.size and np.issubdtype(x.dtype, np.number) else ""
        raise UserError(f"{name} is {x.dtype}{span}, must be integers 0..255 (for fractions, round 255 times them)")
    x = x.astype(np.uint8)
    if x.ndim == 2:
        return x[:, None, None]
    if x.ndim == 3:
        return x[:, None]
    if x.ndim == 4 and x.shape[3] in (1, 3):
        return np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    if x.ndim == 4 and x.shape[1] in (1, 3):
        return x
    raise UserError(f"{name} is {x.shape}, must be [N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3, or [N, D]")


def _labels(y: NDArray[Any], name: str) -> NDArray[np.int64]:
    if not np.issubdtype(y.dtype, np.integer) or y.ndim != 1 or y.size == 0 or y.min() < 0:
        raise UserError(f"{name} is {y.dtype} {y.shape}, must be integers from 0 on [N]")
    return y.astype(np.int64)
