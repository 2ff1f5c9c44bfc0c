"""Fashion-MNIST: 28x28 pictures of clothes (Xiao et al. 2017), 60,000 to train on and 10,000 to test, 10 classes.

The counts one must see: 6,000 of each class to train on, 1,000 to test.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 60_000
LOOK_ALIKE: dict[int, int] = {}


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/FashionMNIST/raw, torchvision's layout."""
    return published.idx("FashionMNIST", data_root)
