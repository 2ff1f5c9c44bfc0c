"""Tables of a user's: csv, and parquet where pyarrow is installed. Columns as numbers or names, or a line that says
which cell is neither."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import files, labels
from prunelab.core.files import shown
from prunelab.core.images import reading
from prunelab.errors import UserError


@dataclass(frozen=True)
class Table:
    """Columns by name, and where each row stands in its file."""

    where: str
    columns: list[str]
    column: Callable[[str], Sequence[Any]]
    at: Callable[[int], str]  # "line 7" or "row 6"

    def numbers(self, name: str) -> NDArray[np.float64]:
        """A column of numbers [N]. Raises UserError at the first cell that is none, or no finite one."""
        cells = self.column(name)
        self._complete(cells, name)
        try:
            values = np.asarray(cells).astype(np.float64)
            right = (
                values.ndim == 1
                and bool(np.isfinite(values).all())
                and not any("_" in cell for cell in cells if isinstance(cell, str))
            )
        except (TypeError, ValueError):
            right = False
        if right:
            return values
        odd = next(row for row, cell in enumerate(cells) if not _finite(cell))
        raise UserError(
            f"{self.where}: {self.at(odd)}: {shown(name)} is {shown(cells[odd])!r}, must be a number; leave such "
            "columns out, or write them as numbers"
        )

    def names(self, name: str) -> NDArray[np.str_]:
        """A column of names (or of whole numbers, by their names) [N]. Raises UserError at the first empty cell."""
        cells = self.column(name)
        self._complete(cells, name)
        if all(isinstance(cell, str) for cell in cells):
            return labels.from_text(cells)
        return labels.names_of(np.asarray(cells), f"{self.where}: {name}")

    def _complete(self, cells: Sequence[Any], name: str) -> None:
        for row, cell in enumerate(cells):
            if cell is None or (isinstance(cell, str) and not cell):
                raise UserError(
                    f"{self.where}: {self.at(row)}: {shown(name)} is empty; fill it in, or leave the row or column out"
                )


def _finite(cell: Any) -> bool:
    try:
        return "_" not in str(cell) and bool(np.isfinite(float(cell)))
    except (TypeError, ValueError):
        return False


def _csv(path: Path) -> Table:
    rows = files.read_csv(path)
    return Table(shown(path), rows.columns, rows.column, lambda row: f"line {rows.lines[row]}")


def _parquet(path: Path) -> Table:
    try:
        from pyarrow import parquet
    except ImportError:
        raise UserError(
            f"{shown(path)}: parquet files need pyarrow, which is not installed: `uv sync --extra parquet` (or save "
            "the table as csv)"
        ) from None
    with reading(shown(path)):
        table = parquet.ParquetFile(path).read()
        columns = [str(name) for name in table.column_names]
    if not table.num_rows:
        raise UserError(f"{shown(path)}: has no rows; must have one for each example")
    files.check_columns(columns, shown(path))

    def column(name: str) -> Sequence[Any]:
        with reading(shown(path)):
            cells: list[Any] = table.column(columns.index(name)).to_pylist()
        return [cell.decode("utf-8", "replace") if isinstance(cell, bytes) else cell for cell in cells]

    return Table(shown(path), columns, column, lambda row: f"row {row + 1}")


READERS = {".csv": _csv, ".parquet": _parquet}


def read(path: Path) -> Table:
    """Read a table, by how its name ends (a key of READERS). Raises UserError where it is none."""
    return READERS[path.suffix.lower()](path)
