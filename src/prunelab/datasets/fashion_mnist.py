"""Fashion-MNIST: 28x28 pictures of clothes (Xiao et al. 2017), 60,000 to train on and 10,000 to test, 10 classes.

The counts one must see: 6,000 of each class to train on, 1,000 to test.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 60_000
CLASSES = ("T-shirt/top", "Trouser", "Pullover", "Dress", "Coat", "Sandal", "Shirt", "Sneaker", "Bag", "Ankle boot")
LOOK_ALIKE: dict[int, int] = {}
VERIFIED = ("FashionMNIST/raw/",)
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/FashionMNIST/raw, torchvision's layout, the files as .gz or unpacked."""
    return published.idx("FashionMNIST", data_root, CLASSES)
