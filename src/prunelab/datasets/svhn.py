"""SVHN, cropped: 32x32 colour photographs of house numbers (Netzer et al. 2011), 10 digits.

73,257 to train on and 26,032 to test; the 531,131 "extra" ones are not used. Published with the label 10 for the
digit 0; here 0 is 0. The counts one must see in the training part, by digit: 4948 13861 10585 8497 7458 6882 5727
5595 5045 4659.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 73_257
CLASSES = tuple("0123456789")
LOOK_ALIKE: dict[int, int] = {}
VERIFIED = ("train_32x32.mat", "test_32x32.mat")
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download) data_root/{train,test}_32x32.mat, torchvision's layout."""
    from scipy.io import loadmat
    from torchvision.datasets import SVHN

    def part(name: str) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
        url, filename, md5 = SVHN.split_list[name]
        content = loadmat(published.file(data_root / filename, md5, [url]))
        return content["X"].transpose(3, 2, 0, 1), content["y"][:, 0].astype(np.int64) % 10

    return Images(*part("train"), *part("test"), 10, classes=CLASSES)
