"""CIFAR-10: 32x32 colour photographs (Krizhevsky 2009), 50,000 to train on and 10,000 to test.

The counts one must see: 5,000 of each class to
train on, 1,000 to test.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 50_000
CLASSES = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
# SDD 3.1: truck -> automobile, bird -> airplane, deer -> horse, cat <-> dog.
LOOK_ALIKE = {9: 1, 2: 0, 4: 7, 3: 5, 5: 3}
# Of every class; beside SDD's airplane -> ship, automobile -> truck, frog -> deer, horse -> deer, ship -> airplane.
LOOK_ALIKES = LOOK_ALIKE | {0: 8, 1: 9, 6: 4, 7: 4, 8: 0}
VERIFIED = ("cifar-10-python.tar.gz", "cifar-10-batches-py/")
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/cifar-10-batches-py, torchvision's layout."""
    return published.cifar("CIFAR10", data_root, CLASSES)
