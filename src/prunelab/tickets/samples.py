"""A user's own pictures or arrays as a ticket takes them: raw, of its size and channels, perhaps with labels.

Read as training data are (core/pictures.py, core/pixels.py, core/archives.py). N samples, C channels.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import archives, files, labels, pictures, pixels
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
    pixels: NDArray[np.uint8]  # [N, C, H, W]
    labels: list[str] | None  # names of classes
    note: str = ""  # what was not read, and why


def read(place: Path, ticket: Ticket, part: str = PARTS[0]) -> Samples:
    """Read a folder of pictures or an npz file.

    Args:
        place: a folder, with pictures anywhere in it, or laid out as dataset=folder is; or an npz file with `x`
            (and perhaps `y`), or as dataset=npz has it.
        ticket: whose samples they must be.
        part: train or test, of a place that has both.

    Raises:
        UserError: one line: what does not fit, and what the ticket needs.
    """
    kind = files.kind(place)
    if kind == "folder":
        found = _folder(place, ticket, part)
    elif kind == "file":
        found = _arrays(place, ticket, part)
    else:
        is_ = "is not there" if kind == "nothing" else f"is {kind}"
        raise UserError(f"{shown(place)}: {is_}, must be a folder of pictures or an npz file")
    _check(found, ticket, place)
    return found


def needs(ticket: Ticket) -> str:
    """In words what a ticket's samples are."""
    return f"{_size(ticket.sample_shape)}, pixels 0..{ticket.description.normalisation.max_value}"


def _size(shape: tuple[int, ...]) -> str:
    c, h, w = shape
    return f"{w}x{h} in {({1: 'grey', 3: 'colour'}).get(c, f'{c} channels')}"


def _check(found: Samples, ticket: Ticket, place: Path) -> None:
    needed, shape = f"the ticket needs {needs(ticket)}", found.pixels.shape[1:]
    if shape != ticket.sample_shape:
        # Pictures are all of one size; in colour may be another than the first.
        which = place / found.names[0] if found.called == "file" and shape[1:] != ticket.sample_shape[1:] else place
        raise UserError(f"{shown(which)}: is {_size(shape)}, {needed}")
    top = ticket.description.normalisation.max_value
    if found.pixels.max() > top:
        odd = int(found.pixels.reshape(len(found.pixels), -1).max(axis=1).argmax())
        raise UserError(f"{shown(place)}: {found.called} {found.names[odd]} reaches {found.pixels.max()}, {needed}")
    for name, label in zip(found.names, found.labels or [], strict=False):
        if label not in ticket.classes:
            raise UserError(
                f"{shown(place)}: {found.called} {shown(name)} has the label {shown(label)!r}, the ticket has "
                f"{files.some(ticket.classes, 10)}"
            )


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
    found = _pixels(x, layout, ticket, f"{where}: {pair[0]}")
    names = None if y is None else labels.names_of(y, f"{where}: {pair[1]}").tolist()
    if names is not None and len(names) != len(found):
        raise UserError(f"{where}: {pair[1]} holds {len(names)} labels, must be {len(found)} as {pair[0]}")
    return Samples([str(i) for i in range(len(found))], "index", found, names)


def _pixels(x: NDArray[Any], layout: str | None, ticket: Ticket, where: str) -> NDArray[np.uint8]:
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
