"""The labels that the corrupt stage wrote for a replicate, checked. N training images, those held out included."""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts

KINDS = {"given": np.integer, "permuted": np.bool_, "validation": np.bool_}


def labels(seed: int, count: int, num_classes: int) -> dict[str, NDArray[Any]]:
    """`given` int64, `permuted` and `validation` bool, each [N].

    Args:
        seed: the replicate.
        count: N.
        num_classes: K.

    Raises:
        UserError: the file is missing or damaged, or not of these images.
    """
    path = artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS
    found = artifacts.read_arrays(path, KINDS)
    with artifacts.reading(path):
        for name, kind in KINDS.items():
            if found[name].shape != (count,) or not np.issubdtype(found[name].dtype, kind):
                raise ValueError(
                    f"{name} is {found[name].dtype} {found[name].shape}, not one for each of {count} training images"
                )
        if found["given"].min() < 0 or found["given"].max() >= num_classes:
            raise ValueError(f"given spans {found['given'].min()}..{found['given'].max()}")
    return found | {"given": found["given"].astype(np.int64)}
