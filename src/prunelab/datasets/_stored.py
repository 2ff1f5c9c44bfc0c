"""The canonical form of a data set on disk: npy arrays and their facts, with a checksum for each."""

import zlib
from pathlib import Path

import numpy as np

from prunelab import artifacts
from prunelab.datasets import Images, check
from prunelab.errors import UserError

ARRAYS = ("x_train", "y_train", "x_test", "y_test")
FACTS = "facts.json"


def save(folder: Path, images: Images) -> None:
    """Write the four arrays and facts.json into `folder`."""
    checksums = {}
    for name in ARRAYS:
        array = np.ascontiguousarray(getattr(images, name))
        np.save(folder / f"{name}.npy", array, allow_pickle=False)
        checksums[name] = zlib.crc32(array.tobytes())
    facts = {"num_classes": images.num_classes, "max_value": images.max_value, "crc32": checksums}
    artifacts.write_json(folder / FACTS, facts)


def load(folder: Path) -> Images:
    """Read what `save` wrote.

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
