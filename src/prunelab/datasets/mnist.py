"""MNIST: 28x28 handwritten digits (LeCun et al. 1998), 60,000 to train on and 10,000 to test, 10 classes.

The counts one must see in the training part, by class: 5923 6742 5958 6131 5842 5421 5918 6265 5851 5949.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 60_000
CLASSES = tuple("0123456789")
# SDD 3.1: 2 -> 7, 3 -> 8, 5 <-> 6.
LOOK_ALIKE = {2: 7, 3: 8, 5: 6, 6: 5}
LOOK_ALIKES = {0: 6, 1: 7, 2: 7, 3: 8, 4: 9, 5: 6, 6: 5, 7: 1, 8: 3, 9: 4}  # of every digit
VERIFIED = ("MNIST/raw/",)
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/MNIST/raw, torchvision's layout, the files as .gz or unpacked."""
    return published.idx("MNIST", data_root, CLASSES)
