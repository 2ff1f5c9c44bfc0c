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
    # A few of the photographs are stored grey; all become RGB.
    parts = {name: [path for path, _ in some] for name, some in (("train", train), ("test", test))}
    arrays, notes = pictures.Reader().read(parts, colour=True)
    y_train, y_test = (np.array([y for _, y in some], dtype=np.int64) for some in (train, test))
    return Images(
        arrays["train"],
        y_train,
        arrays["test"],
        y_test,
        num_classes=len(wnids),
        classes=_names(root / "words.txt", wnids),
        notes=notes,
    )


def _names(words: Path, wnids: list[str]) -> tuple[str, ...]:
    """What the WordNet ids mean, by the first word for each; the ids where the list of words is not there."""
    if not words.is_file():
        return tuple(wnids)
    with reading(str(words)):
        lines = dict(line.split("\t", 1) for line in words.read_text(encoding="utf-8").splitlines() if "\t" in line)
    names = [lines.get(wnid, wnid).split(",")[0].strip() for wnid in wnids]
    return tuple(wnid if names.count(name) > 1 else name for wnid, name in zip(wnids, names, strict=True))
