"""Where each artefact lies, how it is written (whole or not at all) and how it is read (damage is named).

The only path strings of the project outside dvc.yaml. Formats hold no code: npy, npz, safetensors, csv, json.
All of them are written without dates, so equal content is equal bytes.
"""

import contextlib
import csv
import io
import json
import os
import shutil
import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load_file, save_file

from prunelab.errors import UserError

Array = NDArray[Any]
Row = dict[str, Any]

RAW = Path("data/raw")
CORRUPTED = Path("data/corrupted")
ROUNDS = Path("data/rounds")
ORIGIN = Path("data/origin")
REDENSE = Path("data/redense")
REINIT = Path("data/rounds/reinit")
LANDSCAPE = Path("data/redense/landscape")
REPORT = Path("data/report.txt")
UNFINISHED = Path("data/unfinished")
SUMMARY = Path("metrics/summary.json")
CLAIMS = Path("metrics/claims.json")
CLAIMS_PAGE = Path("plots/claims.md")
PLOTS = Path("plots")
FIGURES = Path("plots/figures")
TEST_EXAMPLES = Path("plots/test_examples.npz")

# Inside the folder of one replicate of one round:
WEIGHTS = "weights.safetensors"  # surviving values, biases, buffers at the end of the round
START = "start.safetensors"  # the same where the round began
MASK = "mask.npz"  # packed bits
HISTORY = "history.csv"  # one row per epoch
EXAMPLES = "examples.npz"  # per training example: predicted class, loss; per test example: right at last, at best
RECORD = "record.json"  # final figures, sparsity, distances
LIVE = "live"  # DVCLive's folder
PATH, LINES, PLANES = "path.csv", "lines.csv", "planes.csv"  # in data/redense/landscape/rNN/seedN
LABELS = "labels.npz"  # inside data/corrupted/seedN
# Inside data/origin/seedN, what every round may go back to; whole tensors:
INIT = "init.safetensors"  # the dense initialisation
REWIND = "rewind.safetensors"  # iteration k of the dense run


def replicate(folder: Path, seed: int) -> Path:
    """The folder of one replicate inside a stage's folder."""
    return folder / f"seed{seed}"


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Give a folder to write into that takes the name `folder` only when everything in it is finished.

    What a killed process left behind stays under data/unfinished and is removed by the next attempt.
    """
    partial = UNFINISHED / folder.relative_to(folder.parts[0])
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        folder.parent.mkdir(parents=True, exist_ok=True)
        os.replace(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
        # Leave no empty folders either; another stage of another process may still be using them.
        with contextlib.suppress(OSError):
            for parent in partial.parents[: len(partial.parts) - len(UNFINISHED.parts)]:
                parent.rmdir()


@contextlib.contextmanager
def _replacing(path: Path) -> Iterator[Path]:
    """Give a temporary file beside `path` that takes its place when complete."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_name(f".{path.name}.partial")
    try:
        yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _reading(path: Path) -> Iterator[None]:
    """Turn whatever a damaged or missing file raises into one line that names it."""
    try:
        yield
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` makes it") from None
    except (
        OSError,
        ValueError,
        KeyError,
        EOFError,
        csv.Error,
        zipfile.BadZipFile,
        zlib.error,
        SafetensorError,
    ) as error:
        reason = " ".join(str(error).split()) or type(error).__name__
        raise UserError(f"{path}: damaged ({reason}); delete it and run `dvc repro`") from None


def write_tensors(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write named arrays as safetensors."""
    with _replacing(path) as partial:
        save_file({name: np.ascontiguousarray(value) for name, value in sorted(tensors.items())}, partial)


def read_tensors(path: Path) -> dict[str, Array]:
    """Read a safetensors file whole. Raises UserError if it is missing or damaged."""
    with _reading(path):
        return dict(load_file(path))


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as a compressed npz (whose members carry checksums)."""
    with _replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def read_arrays(path: Path) -> dict[str, Array]:
    """Read an npz file whole; never unpickles. Raises UserError if it is missing or damaged."""
    with _reading(path):
        return arrays_of(path.read_bytes())


def arrays_of(content: bytes) -> dict[str, Array]:
    """The arrays of an npz file's content; never unpickles."""
    with np.load(io.BytesIO(content), allow_pickle=False) as arrays:
        return {name: arrays[name] for name in arrays.files}


def read_array(path: Path, *, mapped: bool = False) -> Array:
    """Read an npy file, whole or mapped (copy on write); never unpickles. Raises UserError if missing or damaged."""
    with _reading(path):
        return np.asarray(np.load(path, mmap_mode="c" if mapped else None, allow_pickle=False))


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, keys in the order given."""
    with _replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path) -> Any:
    """Read JSON. Raises UserError if the file is missing or damaged."""
    with _reading(path):
        return json.loads(path.read_text(encoding="utf-8"))


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with _replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows as CSV; floats with seven significant digits.

    All rows have the keys of the first, or those in `columns`, which a table that may be empty must give.
    """
    with _replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        table = csv.DictWriter(file, list(columns or rows[0]), lineterminator="\n")
        table.writeheader()
        for row in rows:
            table.writerow({k: f"{v:.7g}" if isinstance(v, float) else v for k, v in row.items()})


def read_table(path: Path) -> list[Row]:
    """Read a CSV; what reads as a number is one, an empty cell is None. Raises UserError on a damaged file."""
    with _reading(path):
        return table_of(path.read_text(encoding="utf-8"))


def table_of(text: str) -> list[Row]:
    """The rows of a CSV file's content. Raises ValueError where it is no complete table."""
    header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    if not header or any(len(row) != len(header) for row in rows):
        raise ValueError("not a complete table")
    return [{name: _cell(cell) for name, cell in zip(header, row, strict=True)} for row in rows]


def _cell(text: str) -> Any:
    if text == "":
        return None
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
