"""EMNIST, its balanced part: 28x28 handwritten digits and letters (Cohen et al. 2017), 47 classes.

112,800 to train on and 18,800 to test. Upper and lower case are one class where they look alike. Published lying on
their side; here they stand upright. The counts one must see: 2,400 of each class to train on, 400 to test.
"""

import gzip
import string
import zipfile
from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 112_800
CLASSES = (*string.digits, *string.ascii_uppercase, *"abdefghnqrt")
LOOK_ALIKE: dict[int, int] = {}
VERIFIED = ("EMNIST/raw/",)
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/EMNIST/raw/gzip.zip, torchvision's layout."""
    from torchvision.datasets import EMNIST

    path = published.file(data_root / "EMNIST" / "raw" / "gzip.zip", EMNIST.md5, [EMNIST.url])
    arrays = []
    with zipfile.ZipFile(path) as archive:
        for part in ("train", "test"):
            for what in ("images-idx3", "labels-idx1"):
                packed = archive.read(f"gzip/emnist-balanced-{part}-{what}-ubyte.gz")
                array = published.idx_array(gzip.decompress(packed))
                arrays.append(array.swapaxes(1, 2) if array.ndim == 3 else array)
    return published.from_idx(arrays, CLASSES)
