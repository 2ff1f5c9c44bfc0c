"""A user's own pictures, arrays or tables as a ticket takes them: raw, of its size or features, perhaps with labels.

Read as training data are (core/pictures.py, core/pixels.py, core/archives.py, core/tables.py). N samples, C channels, D
features.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import archives, files, labels, pictures, pixels, tables
from prunelab.core.features import Standardisation
from prunelab.core.files import shown
from prunelab.errors import UserError
from prunelab.tickets.ticket import Ticket

# Names of samples and of their labels in an npz; the first that is there counts. MedMNIST's are the last.
ARRAYS = (("x", "y"), ("x_{part}", "y_{part}"), ("{part}_images", "{part}_labels"))
PARTS = ("test", "train")
WORDS_255 = "values 0..255"  # how pixels.py begins what it says of bytes that it left as they are


@dataclass(frozen=True)
class Samples:
    """What was found."""

    names: list[str]  # of each: a file, below the folder; or a position in the array
    called: str  # what those are: "file" or "index"
    pixels: NDArray[Any]  # [N, C, H, W] uint8; or features, [N, D, 1, 1] float64
    labels: list[str] | None  # names of classes
    note: str = ""  # what was not read, and why


def read(place: Path, ticket: Ticket, part: str = PARTS[0]) -> Samples:
    """Read a folder of pictures, an npz file or a table.

    Args:
        place: a folder, with pictures anywhere in it, or laid out as dataset=folder is; or an npz file with `x`
            (and perhaps `y`), or as dataset=npz has it. If the network was trained on a table: a table with the same
            columns, and any others.
        ticket: whose samples they must be.
        part: train or test, of a place that has both.

    Raises:
        UserError: one line: what does not fit, and what the ticket needs.
    """
    kind = files.kind(place)
    if kind == "file" and place.suffix.lower() in tables.READERS:
        kind = "table"
    allowed = _allowed(ticket)
    if kind not in allowed:
        is_ = {"nothing": "is not there", "folder": "is a folder", "table": "is a table", "file": "is no table"}
        raise UserError(f"{shown(place)}: {is_.get(kind, f'is {kind}')}, must be {' or '.join(allowed.values())}")
    if ticket.features is not None and kind == "table":
        return _rows(place, ticket.features)
    found = _folder(place, ticket, part) if kind == "folder" else _arrays(place, ticket, part)
    _check(found, ticket, place)
    return found


def _allowed(ticket: Ticket) -> dict[str, str]:
    """Which kinds of place a ticket's samples may be in, each in words.

    Features that have names are found by them: an array's might be in another order.
    """
    if ticket.features is None:
        return {"folder": "a folder of pictures", "file": "an npz file"}
    if not ticket.features.names:
        return {"file": f"an npz file with x, {len(ticket.features.mean)} features of each sample"}
    columns = files.some(ticket.features.names, 6)
    return {"table": f"a table ({' or '.join(tables.READERS)}) with the ticket's columns, {columns}"}


def needs(ticket: Ticket) -> str:
    """In words what a ticket's samples are."""
    return f"{_size(ticket.sample_shape)}, pixels 0..{ticket.description.normalisation.max_value}"


def _size(shape: tuple[int, ...]) -> str:
    c, h, w = shape
    return f"{w}x{h} in {({1: 'grey', 3: 'colour'}).get(c, f'{c} channels')}"


def _check(found: Samples, ticket: Ticket, place: Path) -> None:
    if ticket.features is None:
        _check_pixels(found, ticket, place)
    for name, label in zip(found.names, found.labels or [], strict=False):
        if label not in ticket.classes:
            raise UserError(
                f"{shown(place)}: {found.called} {shown(name)} has the label {shown(label)!r}, the ticket has "
                f"{files.some(ticket.classes, 10)}"
            )


def _check_pixels(found: Samples, ticket: Ticket, place: Path) -> None:
    needed, shape = f"the ticket needs {needs(ticket)}", found.pixels.shape[1:]
    if shape != ticket.sample_shape:
        # Pictures are all of one size; in colour may be another than the first.
        which = place / found.names[0] if found.called == "file" and shape[1:] != ticket.sample_shape[1:] else place
        raise UserError(f"{shown(which)}: is {_size(shape)}, {needed}")
    top = ticket.description.normalisation.max_value
    if found.pixels.max() > top:
        odd = int(found.pixels.reshape(len(found.pixels), -1).max(axis=1).argmax())
        raise UserError(f"{shown(place)}: {found.called} {found.names[odd]} reaches {found.pixels.max()}, {needed}")


def _folder(place: Path, ticket: Ticket, part: str) -> Samples:
    where = place / part if (place / part).is_dir() else place
    paths = [path for path in files.below(where) if pictures.is_picture(path) and files.kind(path) == "file"]
    if not paths:
        raise UserError(f"{shown(where)}: holds no pictures ({', '.join(e[1:] for e in pictures.EXTENSIONS)})")
    paths.sort(key=lambda path: files.natural(path.relative_to(place).as_posix()))
    arrays, _ = pictures.Reader().read({"read": paths}, colour=ticket.sample_shape[0] == 3)
    names = [path.relative_to(place).as_posix() for path in paths]
    # Folders are labels only where all of them are classes: elsewhere they may mean anything.
    above = [path.relative_to(where).parts[0] if path.parent != where else "" for path in paths]
    odd = sorted({*above} - {*ticket.classes})
    if not odd:
        return Samples(names, "file", arrays["read"], above)
    some = f"folders are not read as labels: {shown(odd[0])!r} is no class of the ticket"
    return Samples(names, "file", arrays["read"], None, some if {*above} & {*ticket.classes} and odd[0] else "")


def _arrays(place: Path, ticket: Ticket, part: str) -> Samples:
    where, wanted = shown(place), [tuple(name.format(part=part) for name in pair) for pair in ARRAYS]
    with archives.opened(place, [pair[0] for pair in wanted]) as archive:
        pair = next((pair for pair in wanted if pair[0] in archive.names), None)
        if pair is None:
            raise UserError(
                f"{where}: has none of the arrays {', '.join(pair[0] for pair in wanted)}; it has "
                f"{files.some(archive.names, 6)}"
            )
        x = archive[pair[0]]
        y = archive[pair[1]] if pair[1] in archive.names else None
        layout = str(archive["layout"]) if "layout" in archive.names else None
    name = f"{where}: {pair[0]}"
    found = _pixels(x, layout, ticket, name) if ticket.features is None else _features(x, ticket.features, name)
    names = None if y is None else labels.names_of(y, f"{where}: {pair[1]}").tolist()
    if names is not None and len(names) != len(found):
        raise UserError(f"{where}: {pair[1]} holds {len(names)} labels, must be {len(found)} as {pair[0]}")
    return Samples([str(i) for i in range(len(found))], "index", found, names)


def _rows(place: Path, features: Standardisation) -> Samples:
    """A table's rows; columns beside the features, such as labels, are not looked at."""
    table = tables.read(place)
    missing = [name for name in features.names if name not in table.columns]
    if missing:
        raise UserError(
            f"{table.where}: has no column {files.some(missing)}, which the ticket needs; it has "
            f"{files.some(table.columns, 6)}"
        )
    x_ND = np.column_stack([table.numbers(name) for name in features.names])
    features.applied(x_ND, table.where, table.at)
    return Samples([str(i) for i in range(len(x_ND))], "index", x_ND[:, :, None, None], None)


def _features(x: NDArray[Any], features: Standardisation, where: str) -> NDArray[Any]:
    """An array of features as dataset=npz takes it: [N, D, 1, 1] float64."""
    count = len(features.mean)
    if x.ndim != 2 or x.shape[1] != count or not len(x) or x.dtype.kind not in "iufb":
        raise UserError(f"{where} is {x.dtype} {x.shape}, must be [N, {count}], numbers, and not empty")
    features.applied(x, where, "index {}".format)
    return x.astype(np.float64)[:, :, None, None]


def _pixels(x: NDArray[Any], layout: str | None, ticket: Ticket, where: str) -> NDArray[Any]:
    """An array as dataset=npz takes it: [N, C, H, W] uint8."""
    if x.ndim not in (2, 3, 4) or not x.size or x.dtype.kind not in "iufb":
        raise UserError(f"{where} is {x.dtype} {x.shape}, must be {pixels.SHAPES}, numbers, and not empty")
    if x.ndim == 2:
        if x.dtype.kind == "f" or x.min() < 0 or x.max() > pixels.WHITE:
            raise UserError(f"{where} is {x.dtype} {x.min():g}..{x.max():g}, must be whole numbers 0..255 (uint8)")
        return x.astype(np.uint8)[:, None, None]
    bytes_, how = _bytes(x, where)
    top = ticket.description.normalisation.max_value
    if top != pixels.WHITE and not how.startswith(WORDS_255):
        raise UserError(f"{where} is {x.dtype} {x.min():g}..{x.max():g}, the ticket needs whole numbers 0..{top}")
    if layout is not None and layout not in pixels.LAYOUTS:
        raise UserError(f"{where}: the entry layout is {shown(layout)!r}, must be {' or '.join(pixels.LAYOUTS)}")
    try:
        return pixels.channels_first(bytes_, bytes_, layout, where)[0]
    except UserError:  # speaks of the two arrays of a data set
        raise UserError(
            f"{where} is {x.shape}, must be {layout or pixels.SHAPES}; an entry layout='NHWC' or layout='NCHW' in the "
            "npz says which where both fit"
        ) from None


def _bytes(x: NDArray[Any], where: str) -> tuple[NDArray[np.uint8], str]:
    """An array of a range that has one meaning as uint8, and in words how."""
    if x.dtype.kind == "f" and not np.isfinite(x).all():
        raise UserError(f"{where} holds NaN or infinity")
    try:
        bytes_, _, how = pixels.to_bytes(x, x, where)
    except UserError:  # speaks of the two arrays of a data set
        raise UserError(
            f"{where} is {x.dtype} {x.min():g}..{x.max():g}, must be whole numbers 0..255 or fractions 0..1, or uint16 "
            f"with white at {pixels.WHITE_16}"
        ) from None
    return bytes_, how
