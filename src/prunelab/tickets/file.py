"""A ticket as a safetensors file: no code in it, equal tickets are equal bytes, and whatever is wrong is one line.

The header's metadata has one entry, `prunelab`: the description, as JSON, with a seal over all of the file (seal.py). A
tensor NAME of the network's state has its own name. Beside each weight that can be pruned stands NAME/mask, its
survivors as packed bits (numpy.packbits), row by row. In a whole ticket the weight is there whole, zero where pruned,
for whoever loads the file without prunelab; in a compact one there are the survivors alone, row by row.
"""

import contextlib
import json
import os
import tempfile
from collections.abc import Iterator, Mapping
from math import prod
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from pydantic import ValidationError
from safetensors import safe_open
from safetensors.numpy import save
from torch import Tensor

from prunelab.core import files, images
from prunelab.core.files import shown
from prunelab.errors import UserError, short
from prunelab.tickets import checks, seal
from prunelab.tickets import ticket as tickets
from prunelab.tickets.checks import MASK
from prunelab.tickets.description import FORMAT, VERSION, Description
from prunelab.tickets.ticket import Ticket

ENTRY = "prunelab"
EXPORT = "must be one that `prunelab export` wrote"
Arrays = Mapping[str, NDArray[Any]]


def content(ticket: Ticket) -> bytes:
    """The file's bytes."""
    arrays = {}
    for name, value in ticket.tensors.items():
        mask = ticket.masks.get(name)
        arrays[name] = (value if mask is None or not ticket.is_compact else value[mask]).numpy()
        if mask is not None:
            arrays[name + MASK] = np.packbits(mask.numpy())
    described = ticket.description.model_dump(mode="json")
    described[seal.ENTRY] = seal.of(described, arrays)
    text = json.dumps(described, allow_nan=False, ensure_ascii=False)
    return save({name: np.asarray(value, order="C") for name, value in arrays.items()}, {ENTRY: text})


def write(path: Path, ticket: Ticket) -> None:
    """Write a ticket, whole or not at all. Raises OSError, with the file's name, where that is not possible."""
    with replacing(path) as partial:
        partial.write_bytes(content(ticket))


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give the name of a temporary file beside `path` that takes its place when complete, and vanishes if it is not."""
    try:
        handle, name = tempfile.mkstemp(prefix=f".{path.stem}.", suffix=path.suffix, dir=path.parent)
    except OSError as error:
        raise OSError(error.errno, error.strerror, str(path)) from None
    os.close(handle)
    partial = Path(name)
    try:
        yield partial
        mask = os.umask(0)
        os.umask(mask)
        partial.chmod(0o666 & ~mask)  # as any file that is created; a temporary one is its owner's alone
        partial.replace(path)
    finally:
        partial.unlink(missing_ok=True)


def read(path: str | Path) -> Ticket:
    """Read a ticket and check it, as docs/tickets.md says; nothing in it is ever run or unpickled.

    Raises:
        UserError: one line: there is no such file, it is damaged, something else, of another version, its tensors are
            not those of the network that it describes, or its seal is another file's.
    """
    path = Path(path)
    where, kind = shown(path), files.kind(path)
    if kind != "file":
        is_ = {"nothing": "not found", "folder": "is a folder"}.get(kind, f"is {kind}")
        raise UserError(f"{where}: {is_}, {EXPORT}")
    with open(path, "rb") as opened:
        if opened.read(9)[8:] != b"{":  # where the header of a safetensors file begins
            raise UserError(f"{where}: is no ticket, {EXPORT}")
    with images.reading(where), safe_open(path, framework="numpy") as stored:
        text = (stored.metadata() or {}).get(ENTRY)
        description, sealed = _described(text, where)
        shapes = _shapes(description, where)
        slices = {name: stored.get_slice(name) for name in stored.keys()}  # noqa: SIM118  (it is no mapping)
        found = {name: (one.get_dtype(), tuple(one.get_shape())) for name, one in slices.items()}
        checks.header(found, description, shapes, where)
        arrays = {name: stored.get_tensor(name) for name in found}
        if sealed != seal.of(json.loads(text or ""), arrays):
            raise UserError(f"{where}: damaged, is not as it was written (its SHA-256 is another)")
    checks.finite(arrays, where)
    masks = {name: _bits(arrays[name + MASK], shape) for name, shape in shapes.items() if name + MASK in arrays}
    with images.reading(where):  # more than there is memory for
        ticket = Ticket(description, _tensors(arrays, shapes, masks, description.compact is not None, where), masks)
        checks.values(ticket, where)
    return ticket


def _described(text: str | None, where: str) -> tuple[Description, Any]:
    """The description, checked; and the seal."""
    if text is None:
        raise UserError(f"{where}: is a safetensors file, but no ticket; {EXPORT}")
    values = json.loads(text)
    if not isinstance(values, dict) or values.get("format") != FORMAT:
        raise UserError(f"{where}: does not say that it is a {FORMAT}; {EXPORT}")
    if values.get("version") != VERSION:
        raise UserError(
            f"{where}: is a ticket of version {short(values.get('version'))}, this prunelab reads version {VERSION}"
        )
    sealed = values.pop(seal.ENTRY, None)
    try:
        return Description.model_validate_json(json.dumps(values)), sealed
    except ValidationError as error:
        first = error.errors()[0]
        name = ".".join(map(str, first["loc"])) or "description"
        raise UserError(f"{where}: damaged, {shown(name)}: {shown(first['msg'])}") from None


def _shapes(description: Description, where: str) -> dict[str, tuple[int, ...]]:
    """Of the network's tensors. Raises UserError for a model that there is none of."""
    try:
        with images.reading("damaged"):  # sizes that no tensor can have
            return tickets.layout(description)
    except UserError as error:
        raise UserError(f"{where}: {error}") from None


def _bits(packed: NDArray[Any], shape: tuple[int, ...]) -> Tensor:
    return torch.from_numpy(np.unpackbits(packed, count=prod(shape)).view(np.bool_).reshape(shape))


def _tensors(
    arrays: Arrays, shapes: checks.Shapes, masks: Mapping[str, Tensor], compact: bool, where: str
) -> dict[str, Tensor]:
    """The tensors in the layout's order; survivors in their places."""
    tensors = {}
    for name, shape in shapes.items():
        value = arrays[name]
        if compact and name in masks:
            mask = masks[name].numpy()
            survivors = np.count_nonzero(mask)
            if len(value) != survivors:
                raise UserError(f"{where}: {name} has {len(value)} weights, and {name}{MASK} {survivors}")
            value = np.zeros(shape, np.float32)  # takes memory where it is filled only
            value[mask] = arrays[name]
        tensors[name] = torch.from_numpy(value)
    return tensors
