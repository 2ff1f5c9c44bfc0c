"""Your own pictures: `data_root`/train/CLASS/*.png and `data_root`/test/CLASS/*.png (or jpg, ...), all of one size.

One sub-folder per class; classes are numbered in the order of their names. Grey pictures stay grey unless one is in
colour. Labels as they are in the folders are what a study with `noise: 0` trains on, mistakes included.
"""

from pathlib import Path

import numpy as np

from prunelab.core import pictures
from prunelab.core.images import Images, reading
from prunelab.errors import UserError

NUM_TRAIN = None
LOOK_ALIKE: dict[int, int] = {}


def check_root(data_root: Path) -> None:
    """Raises UserError where there is no train/ or test/."""
    for part in ("train", "test"):
        if not (data_root / part).is_dir():
            raise UserError(
                f"data_root={str(data_root)!r}: must be a folder with train/ and test/ in it, one sub-folder per "
                f"class in each; there is no {part}/"
            )


def load(data_root: Path) -> Images:
    """Read all pictures."""
    from torchvision.datasets import ImageFolder

    found = {}
    for part in ("train", "test"):
        with reading(str(data_root / part)):
            found[part] = ImageFolder(str(data_root / part))
    classes, others = found["train"].classes, found["test"].classes
    if classes != others:
        odd = sorted({*classes} ^ {*others})[0]
        raise UserError(f"{data_root}: train/ and test/ must have the same classes; {odd} is in one of them only")
    paths = {part: [Path(path) for path, _ in folder.samples] for part, folder in found.items()}
    size, colour = pictures.headers([*paths["train"], *paths["test"]])
    x_train, x_test = (pictures.read(some, size, colour, part) for part, some in paths.items())
    y_train, y_test = (np.array(folder.targets, dtype=np.int64) for folder in found.values())
    return Images(x_train, y_train, x_test, y_test, num_classes=len(classes))
