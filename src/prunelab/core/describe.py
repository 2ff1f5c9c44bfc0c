"""A data set in words, for the user: what was read, how it was taken, and how many examples each class has."""

import numpy as np
from numpy.typing import NDArray

from prunelab.core.images import Images

ALL_CLASSES_UP_TO = 30


def lines(name: str, images: Images) -> list[str]:
    """A headline, the reader's notes, and the classes with their counts, lined up."""
    c, h, w = images.x_train.shape[1:]
    if images.x_train.dtype == np.float32:
        form = f"examples of {c} features"
    else:
        form = f"images, {c}x{h}x{w}, {'colour' if c == 3 else 'grey'}"
    top = [f"{name}: {len(images.y_train)} training and {len(images.y_test)} test {form}"]
    if images.given_train is not None:
        wrong = int((images.given_train != images.y_train).sum())
        top.append(f"  labels came with noise: {wrong} of {len(images.y_train)} training labels are not the true ones")
    return top + [f"  {note}" for note in images.notes] + _classes(images)


def _classes(images: Images) -> list[str]:
    train, test = (np.bincount(y, minlength=images.num_classes) for y in (images.y_train, images.y_test))
    if images.num_classes > ALL_CLASSES_UP_TO:
        names = ", ".join((*images.classes[:3], "...", images.classes[-1]))
        return [
            f"  {images.num_classes} classes ({names}), each of {train.min()} to {train.max()} training and "
            f"{test.min()} to {test.max()} test examples"
        ]
    width = max(len("class"), *map(len, images.classes))
    rows = [("class", "train", "test"), *zip(images.classes, train, test, strict=True)]
    return [f"  {name:<{width}} {in_train:>7} {in_test:>7}" for name, in_train, in_test in rows]


def confusions(original_N: NDArray[np.int64], given_N: NDArray[np.int64], images: Images, count: int = 3) -> str:
    """The most frequent wrong labels by name, such as "3 as 8 (12), 5 as 6 (7)"; empty where none is wrong."""
    wrong = original_N != given_N
    pairs, numbers = np.unique(np.stack([original_N[wrong], given_N[wrong]], axis=1), axis=0, return_counts=True)
    most = np.argsort(-numbers, kind="stable")[:count]
    return ", ".join(
        f"{images.classes[pairs[i, 0]]} as {images.classes[pairs[i, 1]]} ({numbers[i]})" for i in most if wrong.any()
    )
