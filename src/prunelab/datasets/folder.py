"""Your own pictures: `data_root`/train/CLASS/*.png and `data_root`/test/CLASS/*.png (or jpg, ...), all of one size.

One sub-folder per class; classes are numbered in the natural order of their names, 2 before 10. Grey pictures stay grey
unless one is in colour (core/pictures.py). Labels as they are in the folders are what a study with `noise: 0` trains
on, mistakes included.

Or `data_root`/labels.csv instead of class folders, with the columns file, label and perhaps clean_label: a file's path
from data_root on, beginning with train/ or test/; the label that is trained on; the true one. A test picture's true
label is clean_label where there is that column, else label.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

import numpy as np

from prunelab.core import files, labels, pictures
from prunelab.core.files import shown, some
from prunelab.core.images import Images
from prunelab.errors import UserError

NUM_TRAIN = None
LOOK_ALIKE: dict[int, int] = {}
PARTS = ("train", "test")
TABLE, COLUMNS = "labels.csv", ("file", "label", "clean_label")
KINDS = ", ".join(extension[1:] for extension in pictures.EXTENSIONS)


def check_root(data_root: Path) -> None:
    """Raises UserError where there is no train/ or test/."""
    for part in PARTS:
        if not (data_root / part).is_dir():
            raise UserError(
                f"data_root={str(data_root)!r}: must be a folder with train/ and test/ in it, one sub-folder per "
                f"class in each; there is no {part}/"
            )


def load(data_root: Path) -> Images:
    """Read all pictures."""
    return (_by_table if files.kind(data_root / TABLE) == "file" else _by_folder)(data_root)


def _by_folder(root: Path) -> Images:
    found = {part: _classes(root / part) for part in PARTS}
    classes, others = (labels.in_order(list(found[part])) for part in PARTS)
    if classes != others:
        odd = labels.in_order([*{*classes} ^ {*others}])[0]
        raise UserError(f"{shown(root)}: train/ and test/ must have the same classes; {odd} is in one of them only")
    paths = {part: [path for name in classes for path in found[part][name]] for part in PARTS}
    arrays, decided = pictures.Reader().read(paths)
    y_train, y_test = (
        np.repeat(np.arange(len(classes), dtype=np.int64), [len(found[part][name]) for name in classes])
        for part in PARTS
    )
    return Images(
        arrays["train"],
        y_train,
        arrays["test"],
        y_test,
        num_classes=len(classes),
        classes=tuple(classes),
        names=_names(root, paths["train"]),
        notes=("labels: by folder", *_notes(root, paths, decided)),
    )


def _classes(part: Path) -> dict[str, list[Path]]:
    """The pictures of each class of train/ or test/, in the order of their folders and names."""
    found = {}
    for folder in files.entries(part):
        if files.kind(folder) != "folder":
            continue
        if not folder.name.isprintable():
            raise UserError(f"{shown(folder)}: a class must have a name that prints")
        inside = list(files.below(folder))
        paths = [path for path in inside if pictures.is_picture(path) and files.kind(path) == "file"]
        if not paths:
            there = f"only {some([path.name for path in inside])}" if inside else "nothing at all"
            raise UserError(f"{folder}: holds {there}, must hold pictures ({KINDS}); put some in or remove the folder")
        found[folder.name] = sorted(paths, key=lambda path: (str(path.parent), path.name))
    if not found:
        raise UserError(f"{shown(part)}: has no folders, must have one for each class, with its pictures in it")
    return found


def _by_table(root: Path) -> Images:
    where = shown(root / TABLE)
    rows = files.read_csv(root / TABLE)
    for name in rows.columns:
        if name not in COLUMNS:
            raise UserError(
                f"{where}: line 1: has the column {shown(name)!r}, must be file,label or file,label,clean_label"
            )
    for name in COLUMNS[:2]:
        if name not in rows.columns:
            raise UserError(f"{where}: line 1: has no column {name!r}, must be file,label or file,label,clean_label")
    paths = _paths(root, rows, where)
    trained = np.array([path.parts[0] == "train" for path in paths])
    for part, there in zip(PARTS, (trained.any(), not trained.all()), strict=True):
        if not there:
            raise UserError(f"{where}: names no file in {part}/")
    names = {name: labels.from_text(rows.column(name)) for name in rows.columns if name != "file"}
    for name, column in names.items():
        empty = np.flatnonzero(column == "")
        if len(empty):
            raise UserError(f"{where}: line {rows.lines[empty[0]]}: has no {name}")
    truth = names.get("clean_label", names["label"])
    classes, given, (clean, y_test) = labels.numbered(
        names["label"][trained],
        f"{where}: label of the train/ pictures",
        {f"{where}: clean_label of a train/ picture": truth[trained], f"{where}: a test/ picture": truth[~trained]},
    )
    parts = {
        part: [root / path for path, used in zip(paths, mask, strict=True) if used]
        for part, mask in zip(PARTS, (trained, ~trained), strict=True)
    }
    arrays, decided = pictures.Reader().read(parts)
    return Images(
        arrays["train"],
        clean,
        arrays["test"],
        y_test,
        num_classes=len(classes),
        classes=classes,
        given_train=given if "clean_label" in names else None,
        names=_names(root, parts["train"]),
        notes=(f"labels: {TABLE}, columns {', '.join(rows.columns)}", *_notes(root, parts, decided)),
    )


def _paths(root: Path, rows: files.Rows, where: str) -> list[PurePosixPath]:
    """The files that the rows name, each there and named once."""
    seen: dict[PurePosixPath, int] = {}
    for line, name in zip(rows.lines, rows.column("file"), strict=True):
        path, at = PurePosixPath(name), f"{where}: line {line}: {shown(name)!r}"
        if path.parts[:1] not in (("train",), ("test",)) or ".." in path.parts:
            raise UserError(f"{at} must be a path from {shown(root)} on that begins with train/ or test/")
        if path in seen:
            raise UserError(f"{at} is named twice, in line {seen[path]} before")
        if not pictures.is_picture(root / path):
            raise UserError(f"{at} is no picture, must end in one of {KINDS}")
        if (kind := files.kind(root / path)) != "file":
            raise UserError(f"{at} is {'not there' if kind == 'nothing' else kind}, must be a picture")
        seen[path] = line
    return list(seen)


def _names(root: Path, paths: Sequence[Path]) -> tuple[str, ...]:
    return tuple(path.relative_to(root).as_posix() for path in paths)


def _notes(root: Path, used: Mapping[str, Sequence[Path]], decided: Sequence[str]) -> list[str]:
    """Files used and left out (hidden ones aside), and what was decided about pictures."""
    taken = {path for paths in used.values() for path in paths}
    beside = [f"{path.name}/" if path.is_dir() else path.name for path in files.entries(root)]
    left_out = [name for name in beside if name not in ("train/", "test/", TABLE)]
    inside = [path for part in PARTS for path in files.below(root / part) if path not in taken]
    left_out += [str(path.relative_to(root)) for path in inside]
    kinds = sorted({path.suffix.lower()[1:] for path in taken})
    notes = [f"files used: {len(taken)} ({', '.join(kinds)})", *decided]
    return notes + ([f"left out: {len(left_out)} ({some(left_out, 5)})"] if left_out else [])
