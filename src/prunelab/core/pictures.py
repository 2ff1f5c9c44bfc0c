"""Picture files (PNG, JPEG, ...) as one uint8 array."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from tqdm import tqdm

from prunelab.core.images import empty, reading
from prunelab.errors import UserError

GREY = ("1", "L")


def headers(paths: Sequence[Path]) -> tuple[tuple[int, int], bool]:
    """The (width, height) that all pictures have, and whether one of them is in colour.

    Raises:
        UserError: a file is no picture, or has another size than the first; the line names it.
    """
    size, colour = None, False
    for path in paths:
        with reading(str(path)), Image.open(path) as picture:
            size = size or picture.size
            if picture.size != size:
                raise UserError(
                    f"{path}: is {picture.size[0]}x{picture.size[1]}, must be {size[0]}x{size[1]} like {paths[0]}"
                )
            colour |= picture.mode not in GREY
    assert size
    return size, colour


def read(paths: Sequence[Path], size: tuple[int, int], colour: bool, label: str) -> NDArray[np.uint8]:
    """Decode pictures of one size into [N, C, H, W]; C is 3 if `colour`, else 1. A progress bar says `label`.

    Raises:
        UserError: a file is damaged; the line names it.
    """
    array = empty((len(paths), 3 if colour else 1, size[1], size[0]))
    for row, path in zip(array, tqdm(paths, desc=label, unit="picture", mininterval=1), strict=True):
        with reading(str(path)), Image.open(path) as picture:
            pixels = np.asarray(picture.convert("RGB" if colour else "L"))
            row[...] = pixels.transpose(2, 0, 1) if colour else pixels[None]
    return array
