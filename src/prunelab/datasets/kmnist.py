"""Kuzushiji-MNIST: 28x28 pictures of cursive Japanese characters (Clanuwat et al. 2018), 10 classes of hiragana.

60,000 to train on and 10,000 to test. The counts one must see: 6,000 of each class to train on, 1,000 to test.
"""

from pathlib import Path

from prunelab.core import published
from prunelab.core.images import Images

NUM_TRAIN = 60_000
CLASSES = ("o", "ki", "su", "tsu", "na", "ha", "ma", "ya", "re", "wo")
LOOK_ALIKE: dict[int, int] = {}
VERIFIED = ("KMNIST/raw/",)
check_root = published.check_root


def load(data_root: Path) -> Images:
    """Read (or download into) data_root/KMNIST/raw, torchvision's layout, the files as .gz."""
    return published.idx("KMNIST", data_root, CLASSES)
