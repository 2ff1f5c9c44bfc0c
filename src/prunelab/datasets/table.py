"""Your own table: `data_root` is a csv or parquet file with a row per example and a column `label`.

- clean_label, if there: the true label. Those of the training rows that differ from `label` are then the study's noise.
- split, if there: train or test. Without it a fixed fifth of each class is the test set.
- All other columns are features: numbers, none missing, each standardised by the training rows.
"""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from prunelab.core import features, labels, streams, tables
from prunelab.core.files import shown, some
from prunelab.core.images import Images
from prunelab.errors import UserError

NUM_TRAIN = None
LOOK_ALIKE: dict[int, int] = {}
LABEL, CLEAN, SPLIT = "label", "clean_label", "split"
TEST_SHARE = 0.2


def check_root(data_root: Path) -> None:
    """Raises UserError where there is no such file."""
    if not data_root.is_file() or data_root.suffix.lower() not in tables.READERS:
        raise UserError(
            f"data_root={str(data_root)!r}: must be a file that ends in {' or '.join(tables.READERS)}, with a column "
            f"{LABEL!r} and columns of numbers"
        )


def load(data_root: Path) -> Images:
    """Read the rows."""
    where = shown(data_root)
    table = tables.read(data_root)
    if LABEL not in table.columns:
        raise UserError(f"{where}: has no column {LABEL!r}; it has {some(table.columns, 6)}")
    given = table.names(LABEL)
    truth = table.names(CLEAN) if CLEAN in table.columns else given
    names = [name for name in table.columns if name not in (LABEL, CLEAN, SPLIT)]
    if not names:
        raise UserError(f"{where}: has no columns beside {', '.join(table.columns)}, must have features")
    x = np.column_stack([table.numbers(name) for name in names])
    trained, how = _trained(table, truth, where)
    classes, y_given, (clean, y_test) = labels.numbered(
        given[trained],
        f"{where}: {LABEL} of the training rows",
        {f"{where}: {CLEAN} of a training row": truth[trained], f"{where}: a test row": truth[~trained]},
    )
    x_train, x_test, standardisation = features.standardised(x[trained], x[~trained], names, where)
    return Images(
        x_train,
        clean,
        x_test,
        y_test,
        num_classes=len(classes),
        max_value=1,
        classes=classes,
        given_train=y_given if CLEAN in table.columns else None,
        names=tuple(table.at(row) for row in np.flatnonzero(trained).tolist()),
        standardisation=standardisation,
        notes=(f"{len(names)} features, each standardised: {some(names, 8)}", how),
    )


def _trained(table: tables.Table, truth: NDArray[np.str_], where: str) -> tuple[NDArray[np.bool_], str]:
    """Which rows are trained on, and in words why."""
    if SPLIT in table.columns:
        parts = table.names(SPLIT)
        odd = np.flatnonzero(~np.isin(parts, ["train", "test"]))
        if len(odd):
            raise UserError(f"{where}: {table.at(odd[0])}: {SPLIT} is {shown(parts[odd[0]])!r}, must be train or test")
        for part in ("train", "test"):
            if part not in parts:
                raise UserError(f"{where}: no row has {SPLIT} {part}")
        return parts == "train", f"training and test rows: by the column {SPLIT}"
    trained, rng = np.ones(len(truth), dtype=bool), streams.numpy_generator(0, "table split")
    for name in np.unique(truth):
        rows = rng.permutation(np.flatnonzero(truth == name))
        # At least one of each class, but never a class's only example.
        trained[rows[: max(int(TEST_SHARE * len(rows) + 0.5), 1)] if len(rows) > 1 else []] = False
    return (
        trained,
        f"training and test rows: no column {SPLIT}, so a fixed {TEST_SHARE:.0%} of each class is the test set",
    )
