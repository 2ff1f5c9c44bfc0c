"""npz files from anywhere: arrays of numbers and text, never unpickled, with a line for each thing they may be instead.

numpy.load would do, but for what it lets through: a header that claims terabytes is allocated before it is found out,
and a member that is no array is returned as bytes.
"""

import math
import zipfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core.files import shown
from prunelab.core.images import reading
from prunelab.errors import UserError


class Archive:
    """An open npz file."""

    def __init__(self, opened: zipfile.ZipFile, where: str) -> None:
        self._zip, self._where = opened, where
        self.names = [name.removesuffix(".npy") for name in opened.namelist()]
        twice = [name for i, name in enumerate(self.names) if name in self.names[:i]]
        if twice:
            raise UserError(f"{where}: holds {shown(twice[0])} twice")

    def __getitem__(self, name: str) -> NDArray[Any]:
        """An array. Raises UserError where it is none, or one of Python objects."""
        where = f"{self._where}: {name}"
        member = next(info for info in self._zip.infolist() if info.filename.removesuffix(".npy") == name)
        with reading(where):
            with self._zip.open(member) as stream:
                version = np.lib.format.read_magic(stream)
                reader = {(1, 0): "read_array_header_1_0", (2, 0): "read_array_header_2_0"}.get(version)
                if reader is None:
                    raise UserError(f"{where} is in version {version} of npy, must be numbers or text")
                shape, _, dtype = getattr(np.lib.format, reader)(stream)
                claimed, held = math.prod(shape) * dtype.itemsize, member.file_size - stream.tell()
            if dtype.hasobject:
                raise UserError(
                    f"{where} holds Python objects (arrays of several sizes, say), which are never unpickled; "
                    "must be one array of numbers (numpy.stack)"
                )
            if claimed != held:
                raise UserError(f"{where}: damaged, its header speaks of {claimed} bytes and there are {held}")
            with self._zip.open(member) as stream:
                array: NDArray[Any] = np.lib.format.read_array(stream, allow_pickle=False)
            return array


@contextmanager
def opened(path: Path, wanted: Sequence[str]) -> Iterator[Archive]:
    """Open an npz file; `wanted` names its arrays for the line.

    Raises UserError where it is something else: empty, an array of its own (npy), a pickle, text, a damaged file.
    """
    where, must = shown(path), f"must be an npz file with {', '.join(wanted)}"
    with reading(where), open(path, "rb") as file:
        start = file.read(6)
        kinds = {b"": "is empty", b"\x93NUMPY": "holds a single array (npy)", b"\x89HDF\r\n": "is an HDF5 file"}
        if start in kinds:
            raise UserError(f"{where}: {kinds[start]}, {must} (numpy.savez)")
        if start[:1] == b"\x80":
            raise UserError(f"{where}: is a pickle, which is never opened; {must} (numpy.savez)")
        if start[:2] != b"PK":
            raise UserError(f"{where}: is no npz file; {must} (numpy.savez)")
        with zipfile.ZipFile(file) as archive:
            yield Archive(archive, where)
