"""Your own arrays: `data_root` is an npz file with x_train, y_train, x_test, y_test (or with MedMNIST's names).

- x: pictures [N, H, W] (grey), [N, H, W, C] or [N, C, H, W] with C 1 or 3 (2 or 4 with alpha), whole numbers 0..255,
  fractions 0..1, or uint16; where both layouts fit, an entry layout="NHWC" or "NCHW" says which. Or features [N, D]:
  whole numbers 0..255 as they are, any other numbers standardised.
- y: one label per example, numbers or text, [N], [N, 1] or one-hot. Labels as they are in y_train are what a study with
  `noise: 0` trains on, mistakes included; those of the test set should be right.
- y_train_clean, if there: the true labels. Those in y_train that differ from it are then the study's noise.

Made with numpy.savez("mine.npz", x_train=..., y_train=..., x_test=..., y_test=...).
"""

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import archives, features, labels, pixels
from prunelab.core.features import Standardisation
from prunelab.core.files import shown, some
from prunelab.core.images import ARRAYS, Images
from prunelab.errors import UserError

NUM_TRAIN = None
LOOK_ALIKE: dict[int, int] = {}
CLEAN, LAYOUT = "y_train_clean", "layout"
MEDMNIST = {"x_train": "train_images", "y_train": "train_labels", "x_test": "test_images", "y_test": "test_labels"}


def check_root(data_root: Path) -> None:
    """Raises UserError where there is no such file."""
    if not data_root.is_file():
        raise UserError(f"data_root={str(data_root)!r}: must be an npz file with {', '.join(ARRAYS)}")


def load(data_root: Path) -> Images:
    """Read and check the arrays; never unpickles."""
    where = shown(data_root)
    with archives.opened(data_root, ARRAYS) as archive:
        names = MEDMNIST if set(MEDMNIST.values()) <= set(archive.names) else dict(zip(ARRAYS, ARRAYS, strict=True))
        names = names | {name: name for name in (CLEAN, LAYOUT) if name in archive.names}
        missing = [name for name in names.values() if name not in archive.names]
        if missing:
            raise UserError(
                f"{where}: has no array {missing[0]}, must have {', '.join(ARRAYS)}; it has {some(archive.names, 6)}"
            )
        arrays = {name: archive[stored] for name, stored in names.items()}
        left_out = [name for name in archive.names if name not in names.values()]
    layout = str(arrays[LAYOUT]) if LAYOUT in arrays else None
    x_train, x_test, words, standardisation = _images(arrays["x_train"], arrays["x_test"], layout, where)
    given = labels.names_of(arrays["y_train"], f"{where}: {names['y_train']}")
    others = {
        f"{where}: {names[name]}": labels.names_of(arrays[name], f"{where}: {names[name]}")
        for name in ("y_test", CLEAN)
        if name in arrays
    }
    if CLEAN in arrays and len(others[f"{where}: {CLEAN}"]) != len(given):
        raise UserError(
            f"{where}: {CLEAN} holds {len(arrays[CLEAN])} labels, must be {len(given)} as {names['y_train']}"
        )
    classes, y_given, (y_test, *clean) = labels.numbered(given, f"{where}: {names['y_train']}", others)
    notes = [f"arrays used: {', '.join(names.values())}", f"{names['x_train']} and {names['x_test']}: {words}"]
    return Images(
        x_train,
        clean[0] if clean else y_given,
        x_test,
        y_test,
        num_classes=len(classes),
        max_value=255 if x_train.dtype == np.uint8 else 1,
        classes=classes,
        given_train=y_given if clean else None,
        standardisation=standardisation,
        notes=tuple(notes + ([f"left out: {some(left_out, 10)}"] if left_out else [])),
    )


def _images(
    train: NDArray[Any], test: NDArray[Any], layout: str | None, where: str
) -> tuple[NDArray[Any], NDArray[Any], str, Standardisation | None]:
    """Pictures as bytes, features as bytes or floats: [N, C, H, W]; in words what was decided; how floats were made."""
    for name, x in (("x_train", train), ("x_test", test)):
        if x.ndim not in (2, 3, 4) or not x.size:
            raise UserError(f"{where}: {name} is {x.shape}, must be {pixels.SHAPES}, and not empty")
    if train.ndim != test.ndim:
        raise UserError(f"{where}: x_test is {test.shape}, must have as many dimensions as x_train {train.shape}")
    if train.ndim == 2:
        return _features(train, test, where)
    train, test, first = pixels.to_bytes(train, test, where)
    train, test, second = pixels.channels_first(train, test, layout, where)
    return train, test, f"{first}; {second}", None


def _features(
    train: NDArray[Any], test: NDArray[Any], where: str
) -> tuple[NDArray[Any], NDArray[Any], str, Standardisation | None]:
    if train.shape[1] != test.shape[1]:
        raise UserError(f"{where}: x_test has {test.shape[1]} features, must have {train.shape[1]} as x_train")
    kinds = {train.dtype.kind, test.dtype.kind}
    if not kinds <= set("iubf"):
        raise UserError(f"{where}: x_train is {train.dtype} and x_test {test.dtype}, must be numbers")
    low, high = min(train.min(), test.min()), max(train.max(), test.max())
    if "f" not in kinds and low >= 0 and high <= pixels.WHITE:
        words = f"{train.shape[1]} features, whole numbers 0..255 as they are"
        return train.astype(np.uint8)[:, None, None], test.astype(np.uint8)[:, None, None], words, None
    x_train, x_test, standardisation = features.standardised(train, test, (), where)
    return x_train, x_test, f"{train.shape[1]} features, each standardised", standardisation
