"""scikit-learn's handwritten digits: real 8x8 images, shipped inside the package, so nothing is downloaded.

1,797 images in 10 classes, pixels 0..16 (UCI, Optical Recognition of Handwritten Digits, test part). Fixed,
stratified split: 1,000 to train on, 797 to test. The counts one must see in the training part, by class:
99 101 98 102 101 101 101 100 97 100.
"""

from pathlib import Path

import numpy as np

from prunelab.core.images import Images

NUM_TRAIN = 1000
# The digits people confuse, as for MNIST: 2 -> 7, 3 -> 8, 5 <-> 6.
LOOK_ALIKE = {2: 7, 3: 8, 5: 6, 6: 5}
LOOK_ALIKES = {0: 6, 1: 7, 2: 7, 3: 8, 4: 9, 5: 6, 6: 5, 7: 1, 8: 3, 9: 4}  # of every digit


def load(data_root: Path) -> Images:
    """Read the images; `data_root` is not needed."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, labels = load_digits(return_X_y=True)
    x = images.reshape(-1, 1, 8, 8).astype(np.uint8)
    y = labels.astype(np.int64)
    x_train, x_test, y_train, y_test = train_test_split(x, y, train_size=NUM_TRAIN, stratify=y, random_state=0)
    return Images(x_train, y_train, x_test, y_test, num_classes=10, max_value=16)
