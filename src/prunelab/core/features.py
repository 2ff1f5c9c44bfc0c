"""Features as images of one pixel: each feature is a channel, which training then standardises like any other."""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core.files import shown
from prunelab.errors import UserError


def standardised(
    x_train_ND: NDArray[Any], x_test_MD: NDArray[Any], names: Sequence[str], where: str
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Numbers to float32 [N, D, 1, 1], each feature by its mean and standard deviation over the training examples.

    Training does that once more, on the examples that are not held out (core/inputs.py), and its outcome depends on
    neither shift nor scale; done here in float64 first, a year or a time in seconds loses nothing to float32. A feature
    that never varies becomes 0.

    Args:
        x_train_ND: N training examples of D features.
        x_test_MD: test examples.
        names: of the features, for the line.
        where: the file, for the line.

    Raises:
        UserError: a value is not finite, or is so far from the others that float32 cannot hold it.
    """
    results = []
    train = x_train_ND.astype(np.float64)
    unit = np.abs(train).max(axis=0)  # so that no square overflows
    unit = np.where(unit > 0, unit, 1.0)
    with np.errstate(all="ignore"):
        scaled = train / unit
        mean = scaled.mean(axis=0)
        varies = train.min(axis=0) != train.max(axis=0)
        mean = np.where(varies, mean, scaled[0])
        std = np.where(varies, np.sqrt(((scaled - mean) ** 2).mean(axis=0)), 1.0)
        for part, x in (("training", train), ("test", x_test_MD.astype(np.float64))):
            result = ((x / unit - mean) / std).astype(np.float32)
            odd = np.argwhere(~np.isfinite(result))
            if len(odd):
                row, column = odd[0]
                raise UserError(
                    f"{where}: {shown(names[column])} of {part} example {row} is {x[row, column]}, must be a number "
                    "of the size of the others"
                )
            results.append(np.ascontiguousarray(result[:, :, None, None]))
    return results[0], results[1]
