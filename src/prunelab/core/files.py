"""A user's files: which of them count, what a line says of them, and rows of a csv with their line numbers."""

import csv
import errno
import io
import os
import re
import stat
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from prunelab.errors import UserError


def shown(text: object) -> str:
    """A path or name as a line can hold it: what does not print (line breaks, bytes of no encoding) is escaped."""
    return "".join(c if c.isprintable() else c.encode("unicode_escape", "replace").decode() for c in str(text))


def hidden(name: str) -> bool:
    """Whether a file or folder is there for a program's sake: .DS_Store, .ipynb_checkpoints, __MACOSX."""
    return name.startswith(".") or name == "__MACOSX"


def kind(path: Path) -> str:
    """What a path is: "file", "folder", "nothing", or what must never be opened: "a device", "a named pipe", ...

    Links are followed. Raises UserError where the system does not even say that.
    """
    try:
        mode = os.stat(path).st_mode
    except (FileNotFoundError, NotADirectoryError, ValueError):
        return "nothing"
    except OSError as error:
        if error.errno == errno.ENAMETOOLONG:
            return "nothing"
        raise UserError(f"{shown(path)}: cannot be looked at ({error.strerror})") from None
    if stat.S_ISREG(mode):
        return "file"
    if stat.S_ISDIR(mode):
        return "folder"
    return "a named pipe" if stat.S_ISFIFO(mode) else "a socket" if stat.S_ISSOCK(mode) else "a device"


def special(folder: Path) -> Path | None:
    """Something below a folder that is neither file nor folder, which a reader (DVC too) would wait on for ever."""
    for parent, _, names in os.walk(folder):
        for entry in (Path(parent) / name for name in names):
            if not stat.S_ISREG(entry.lstat().st_mode) and kind(entry) not in ("file", "folder", "nothing"):
                return entry
    return None


def below(folder: Path, above: tuple[str, ...] = ()) -> Iterator[Path]:
    """All files below a folder that are not hidden, by folder and name; links are followed.

    Raises UserError where a link leads back into a folder above it.
    """
    here = os.path.realpath(folder)
    if here in above:
        raise UserError(f"{shown(folder)}: is a link to a folder that it lies in; remove it")
    folders = []
    for entry in entries(folder):
        if kind(entry) == "folder":
            folders.append(entry)
        else:
            yield entry
    for inner in folders:
        yield from below(inner, (*above, here))


def entries(folder: Path) -> list[Path]:
    """What lies in a folder and is not hidden, by name. Raises UserError where it may not be looked into."""
    try:
        return [folder / name for name in sorted(os.listdir(folder)) if not hidden(name)]
    except OSError as error:
        raise UserError(f"{shown(folder)}: cannot be read ({error.strerror})") from None


def some(items: Sequence[object], count: int = 3) -> str:
    """The first few of a list, and how many there are beside them."""
    more = f" and {len(items) - count} more" if len(items) > count else ""
    return ", ".join(shown(item) for item in items[:count]) + more


def natural(name: str) -> tuple[object, ...]:
    """A key that sorts names as people do: 2 before 10, b2 before b10; without a rival for any other name."""
    parts = re.split(r"([0-9]+)", name)
    return (tuple((int(part), "") if part.isdecimal() else (-1, part) for part in parts), name)


@dataclass(frozen=True)
class Rows:
    """A csv file: its columns, and each row's cells with the number of the line it ends on."""

    columns: list[str]
    lines: list[int]
    cells: list[list[str]]

    def column(self, name: str) -> list[str]:
        """All cells of a column."""
        position = self.columns.index(name)
        return [row[position] for row in self.cells]


def read_csv(path: Path) -> Rows:
    """Read a csv file with a header; cells are stripped of spaces around them, blank lines do not count.

    Raises:
        UserError: it is not UTF-8 text or no csv, a column has no name or the name of another, a row has more or
            fewer cells than the header, or there are no rows; the line says which.
    """
    where = shown(path)
    try:
        text = path.read_bytes().decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = error.object[: error.start].count(b"\n") + 1
        raise UserError(f"{where}: line {line}: is not UTF-8 text; save it as csv in UTF-8") from None
    except OSError as error:
        raise UserError(f"{where}: cannot be read ({error.strerror})") from None
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    lines, rows = [], []
    try:
        for row in reader:
            if any(cell.strip() for cell in row):
                lines.append(reader.line_num)
                rows.append([cell.strip() for cell in row])
    except csv.Error as error:
        raise UserError(f"{where}: line {reader.line_num}: is not csv ({error})") from None
    if len(rows) < 2:
        raise UserError(f"{where}: has no rows; must have a line of column names and a line for each example")
    check_columns(rows[0], where)
    for line, row in zip(lines, rows, strict=True):
        if len(row) != len(rows[0]):
            raise UserError(f"{where}: line {line}: has {len(row)} cells, must have {len(rows[0])} as line {lines[0]}")
    return Rows(rows[0], lines[1:], rows[1:])


def check_columns(columns: Sequence[str], where: str) -> None:
    """Raises UserError where a column has no name, as pandas writes its index, or that of another."""
    for number, name in enumerate(columns, 1):
        if not name or name == "__index_level_0__":
            raise UserError(
                f"{where}: column {number} has no name of its own (an index that pandas wrote? use index=False)"
            )
        if name in columns[: number - 1]:
            raise UserError(f"{where}: columns {columns.index(name) + 1} and {number} are both called {shown(name)}")
