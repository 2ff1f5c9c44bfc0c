"""The two halves of a test set: what is chosen on one is measured on the other.

The lowest of many noisy numbers is lower than any of them truly is. So whatever is selected on test accuracy (a best
epoch, a valley, a sweet spot) and then compared is selected on one half of the test images and measured on the
other, both ways, and averaged.
"""

import numpy as np
from numpy.typing import NDArray

from prunelab.core import streams


def first(count: int) -> NDArray[np.bool_]:
    """Which of so many test images are in the first half [count]: a fixed random choice of every other one.

    The same for every run, replicate and round on the same test images, so that differences are taken image by image.
    """
    chosen = np.zeros(count, dtype=bool)
    chosen[streams.numpy_generator(0, "halves").permutation(count)[: count // 2]] = True
    return chosen
