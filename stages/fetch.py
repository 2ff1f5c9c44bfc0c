"""Read the data set and store it in one canonical form: uint8 images, int64 labels, checksums."""

from pathlib import Path

import numpy as np

from prunelab import artifacts, config, datasets
from prunelab.datasets import _stored
from stages import run


def main() -> None:
    """Write data/raw."""
    params = config.read("fetch")
    images = datasets.load(params.dataset, Path(params.data_root))
    with artifacts.writing(artifacts.RAW) as folder:
        _stored.save(folder, images)
    c, h, w = images.x_train.shape[1:]
    print(f"{params.dataset}: {len(images.y_train)} training and {len(images.y_test)} test images, {c}x{h}x{w}")
    for part, labels in (("train", images.y_train), ("test", images.y_test)):
        counts = " ".join(f"{n:6d}" for n in np.bincount(labels, minlength=images.num_classes))
        print(f"  {part:5s} per class {counts}")


if __name__ == "__main__":
    run(main)
