"""Read the data set and store it in one canonical form: uint8 images, int64 labels, checksums."""

from pathlib import Path

import numpy as np

from prunelab import config
from prunelab.core import artifacts, images
from stages import run


def main() -> None:
    """Write data/raw."""
    params = config.read("fetch")
    data = images.fetch(params.dataset, Path(params.data_root))
    data = images.sample(data, params.subset.train, params.subset.test)
    with artifacts.writing(artifacts.RAW) as folder:
        images.store(folder, data)
    c, h, w = data.x_train.shape[1:]
    print(f"{params.dataset}: {len(data.y_train)} training and {len(data.y_test)} test images, {c}x{h}x{w}")
    for part, labels in (("train", data.y_train), ("test", data.y_test)):
        counts = np.bincount(labels, minlength=data.num_classes)
        each = " ".join(f"{n:6d}" for n in counts) if len(counts) <= 20 else f"{counts.min()} to {counts.max()}"
        print(f"  {part:5s} per class, {len(counts)} classes: {each}")


if __name__ == "__main__":
    run(main)
