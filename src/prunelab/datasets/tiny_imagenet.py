"""Tiny ImageNet: 64x64 colour photographs (Stanford CS231n), 100,000 to train on, 200 classes.

As published: data_root/tiny-imagenet-200/ with wnids.txt, train/WNID/images/*.JPEG, val/images/*.JPEG and
val/val_annotations.txt. Its test set has no labels, so the 10,000 validation images are the test set here, as in
the papers. Classes are numbered in the order of their sorted WordNet ids. The counts one must see: 500 of each class
to train on, 50 to test.
"""

import csv
from pathlib import Path

import numpy as np

from prunelab.core import pictures
from prunelab.core.images import Images, reading
from prunelab.errors import UserError

NUM_TRAIN = 100_000
LOOK_ALIKE: dict[int, int] = {}
FOLDER = "tiny-imagenet-200"


def check_root(data_root: Path) -> None:
    """Raises UserError where the data set is not there: it has no server to be downloaded from reliably."""
    for name in ("wnids.txt", "train", "val/val_annotations.txt"):
        if not (data_root / FOLDER / name).exists():
            raise UserError(
                f"data_root={str(data_root)!r}: must be the folder that tiny-imagenet-200.zip was unpacked in; "
                f"there is no {FOLDER}/{name} in it"
            )


def load(data_root: Path) -> Images:
    """Read all pictures."""
    root = data_root / FOLDER
    with reading(str(root / "wnids.txt")):
        wnids = sorted((root / "wnids.txt").read_text(encoding="utf-8").split())
    number = {wnid: i for i, wnid in enumerate(wnids)}
    train: list[tuple[Path, int]] = []
    for wnid in wnids:
        paths = sorted((root / "train" / wnid / "images").glob("*.JPEG"))
        if not paths:
            raise UserError(f"{root / 'train' / wnid / 'images'}: must hold pictures NAME.JPEG, there are none")
        train += [(path, number[wnid]) for path in paths]
    annotations = root / "val" / "val_annotations.txt"
    with reading(str(annotations)), open(annotations, newline="", encoding="utf-8") as file:
        rows = [(row[0], row[1]) for row in csv.reader(file, delimiter="\t")]
    for name, wnid in rows:
        if wnid not in number:
            raise UserError(f"{annotations}: {name} has the class {wnid!r}, which is not in wnids.txt")
    test = sorted((root / "val" / "images" / name, number[wnid]) for name, wnid in rows)
    size, _ = pictures.headers([path for path, _ in train + test])
    # A few of the photographs are stored grey; all become RGB.
    x_train, x_test = (
        pictures.read([path for path, _ in some], size, True, label)
        for label, some in (("train", train), ("test", test))
    )
    y_train, y_test = (np.array([y for _, y in some], dtype=np.int64) for some in (train, test))
    return Images(x_train, y_train, x_test, y_test, num_classes=len(wnids))
