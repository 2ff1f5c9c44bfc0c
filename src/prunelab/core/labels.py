"""Labels as they come (numbers, names, one-hot, ...) to classes: names in natural order, and their numbers.

Shapes: N examples, K classes.
"""

import re
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core.files import natural, shown
from prunelab.errors import UserError

MOST_CLASSES = 10_000
Names = NDArray[np.str_]


def names_of(y: NDArray[Any], where: str) -> Names:
    """One class name per example.

    Args:
        y: [N], [N, 1] or one-hot [N, K]; whole numbers (as floats too), true and false, or text.
        where: the array, for the line.

    Raises:
        UserError: it is none of these.
    """
    if y.ndim == 2:
        y = y[:, 0] if y.shape[1] == 1 else _one_hot(y, where)
    if y.ndim != 1 or not y.size:
        raise UserError(f"{where} is {y.dtype} {y.shape}, must be one label per example: [N], [N, 1] or one-hot [N, K]")
    if y.dtype.kind == "f":
        odd = np.flatnonzero(~np.isfinite(y) | (y != np.round(y)) | (np.abs(y) > 2**53))
        if len(odd):
            raise UserError(f"{where}[{odd[0]}] is {y[odd[0]]}, must be a whole number (or text)")
        y = y.astype(np.int64)
    if y.dtype.kind == "S":
        try:
            y = np.char.decode(y, "utf-8")
        except UnicodeDecodeError:
            raise UserError(f"{where} holds text that is not UTF-8") from None
    if y.dtype.kind not in "iubU":
        raise UserError(f"{where} is {y.dtype}, must be whole numbers, true and false, or text")
    found, inverse = np.unique(y, return_inverse=True)
    return np.array([str(name) for name in found])[inverse]


def _one_hot(y: NDArray[Any], where: str) -> NDArray[np.int64]:
    if y.dtype.kind not in "iufb":
        raise UserError(f"{where} is {y.dtype} {y.shape}, must be one label per example: [N], [N, 1] or one-hot [N, K]")
    odd = np.flatnonzero(~(((y == 0) | (y == 1)).all(axis=1) & ((y == 1).sum(axis=1) == 1)))
    if len(odd):
        raise UserError(
            f"{where} is {y.dtype} {y.shape}, must be one label per example: [N], [N, 1] or one-hot [N, K]; "
            f"row {odd[0]} is not a single one among zeros"
        )
    return y.argmax(axis=1).astype(np.int64)


def from_text(cells: Sequence[str]) -> Names:
    """Labels of a text file: as they are, but 1.0, 2.0, ... (numbers that went through a float column) are 1, 2, ..."""
    if all(re.fullmatch(r"-?[0-9]+\.0+", cell) for cell in cells):
        return np.array([str(int(cell.split(".")[0])) for cell in cells])
    return np.array(cells)


def in_order(names: Sequence[str]) -> list[str]:
    """Names in natural order; whole numbers by value."""
    if all(re.fullmatch(r"-?[0-9]+", name) for name in names):
        return sorted(names, key=lambda name: (int(name), name))
    return sorted(names, key=natural)


def numbered(
    trained_N: Names, where: str, others: Mapping[str, Names]
) -> tuple[tuple[str, ...], NDArray[np.int64], list[NDArray[np.int64]]]:
    """Classes, in order, from the labels that are trained on; and all labels as numbers.

    Args:
        trained_N: names of the training labels.
        where: what they are called, for the line.
        others: further labels (of the test set, say) by what they are called; they bring no classes of their own.

    Raises:
        UserError: there are fewer than two classes, or so many that the labels must be something else, such as
            identifiers; a name is empty or does not print; or `others` hold a label that was not trained on.
    """
    found, inverse = np.unique(trained_N, return_inverse=True)
    classes = in_order([str(name) for name in found])
    odd = [name for name in classes if not name or not name.isprintable()]
    if odd:
        raise UserError(f"{where} has the label '{shown(odd[0])}', must be text that is not empty and prints")
    if len(classes) < 2:
        raise UserError(f"{where} has one class only ({classes[0]}), must have at least 2")
    if len(classes) > MOST_CLASSES or 2 * len(classes) > len(trained_N):
        raise UserError(
            f"{where} has {len(classes)} different labels for {len(trained_N)} examples, must have at most "
            f"{MOST_CLASSES} and two examples for each; are these identifiers?"
        )
    number = {name: position for position, name in enumerate(classes)}
    results = []
    for called, names in others.items():
        seen, places = np.unique(names, return_inverse=True)
        unknown = [str(name) for name in seen if str(name) not in number]
        if unknown:
            raise UserError(
                f"{called} has the label {shown(in_order(unknown)[0])!r}, which {where.rpartition(': ')[2]} lacks"
            )
        results.append(np.array([number[str(name)] for name in seen], dtype=np.int64)[places])
    return tuple(classes), np.array([number[str(name)] for name in found], dtype=np.int64)[inverse], results
