"""Where each artefact lies, how it is written (whole or not at all) and how it is read (damage is named).

Its and studies/*/places.py's are the only path strings outside dvc.yaml. Formats hold no code: npy, npz, safetensors,
csv, json.
All of them are written without dates, so equal content is equal bytes. Every output carries the digests of its files
(digests.py), which whatever reads one of them checks.
"""

import contextlib
import csv
import io
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, TextIO

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError
from safetensors.numpy import load, save_file

from prunelab.core import digests
from prunelab.errors import UserError

Array = NDArray[Any]
Row = dict[str, Any]

# What all rounds of a run have in common (pipeline.py):
RAW = Path("data/common/raw")
CORRUPTED = Path("data/common/corrupted")
ORIGIN = Path("data/common/origin")
ROUNDS = Path("data/rounds")
EARLY = Path("data/early")  # the early ensemble (rounds/early.py), which several studies look at
UNFINISHED = Path("data/unfinished")
# DVCLive's logs of what trains now, to be looked at meanwhile. No output: history.csv has all that they have.
LIVE = Path("data/live")

# What DVC makes of a round is this folder in its own, data/rounds/rNN/replicates. DVC removes an output before it runs
# the stage that makes it; a name that somebody wrote below `rounds` in params.yaml ('../../thesis') leads it nowhere
# where there is anything of this name.
REPLICATES = "replicates"
# Inside the folder of one replicate of one round:
WEIGHTS = "weights.safetensors"  # surviving values, biases, buffers at the end of the round
START = "start.safetensors"  # the same where the round began
MASK = "mask.npz"  # packed bits
HISTORY = "history.csv"  # one row per epoch
# Per training example: predicted class, loss, means over epochs (training/record.py). Per test example: whether it is
# right at last, at best.
EXAMPLES = "examples.npz"
RECORD = "record.json"  # final figures, sparsity, distances
LABELS = "labels.npz"  # inside CORRUPTED/seedN
SCORES = "scores.npz"  # inside EARLY/seedN: what each network makes of each example
GIVEN = "given.json"  # inside ORIGIN: the parameters and code that all rounds were given
# Inside ORIGIN/seedN, what every round may go back to; whole tensors:
INIT = "init.safetensors"  # the dense initialisation
REWIND = "rewind.safetensors"  # iteration k of the dense run


def of_round(folder: Path, key: str) -> Path:
    """What a stage makes of one round.

    Args:
        folder: ROUNDS, or a study's own.
        key: such as r07.
    """
    return folder / key / REPLICATES


def replicate(folder: Path, seed: int) -> Path:
    """The folder of one replicate inside a stage's folder."""
    return folder / f"seed{seed}"


@contextlib.contextmanager
def writing(folder: Path) -> Iterator[Path]:
    """Give a folder to write into that takes the name `folder` only when everything in it is finished and sealed.

    What a killed process left behind stays under data/unfinished and is removed by the next attempt.
    """
    partial = UNFINISHED / (folder.relative_to("data") if folder.parts[0] == "data" else folder)
    before = partial.with_name(f"{partial.name}.before")
    for left in (partial, before):
        shutil.rmtree(left, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        with _naming(folder):
            yield partial
            digests.seal(partial)
        folder.parent.mkdir(parents=True, exist_ok=True)
        if folder.exists():  # out of the way at once: half of it must not stay if this process is killed
            os.replace(folder, before)
        os.replace(partial, folder)
    finally:
        for left in (partial, before):
            shutil.rmtree(left, ignore_errors=True)
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
        with _naming(path):
            yield partial
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Say where, if a disk is full or the like: a write that fails does not name its file."""
    try:
        yield
    except OSError as error:
        if error.filename is not None or error.errno is None:
            raise
        raise OSError(error.errno, error.strerror, str(path)) from None
    except SafetensorError as error:
        found = re.search(r"\(os error (\d+)\)", str(error))
        if found is None:
            raise
        raise OSError(int(found[1]), os.strerror(int(found[1])), str(path)) from None


@contextlib.contextmanager
def reading(path: Path) -> Iterator[None]:
    """Turn whatever a missing, foreign or damaged file makes a library raise into one line that names it.

    A file may come from a remote: it may claim to hold terabytes, be nested a thousand times or lack a key.
    """
    try:
        yield
    except UserError:
        raise
    except FileNotFoundError:
        raise UserError(f"{path}: not found; `dvc repro` makes it") from None
    except OSError as error:
        raise UserError(f"{path}: cannot be read ({error.strerror or error})") from None
    except Exception as error:
        reason = " ".join(str(error).split())[:160] or type(error).__name__
        raise UserError(f"{path}: damaged ({reason}); {digests.MEND}") from None


def _content(path: Path) -> bytes:
    content = path.read_bytes()
    digests.check(path, content)
    return content


def write_tensors(path: Path, tensors: Mapping[str, Array]) -> None:
    """Write named arrays as safetensors."""
    with _replacing(path) as partial:
        save_file({name: np.asarray(value, order="C") for name, value in sorted(tensors.items())}, partial)


def read_tensors(path: Path) -> dict[str, Array]:
    """Read a safetensors file whole. Raises UserError if it is missing or damaged."""
    with reading(path):
        return dict(load(_content(path)))


def write_arrays(path: Path, arrays: Mapping[str, Array]) -> None:
    """Write named arrays as a compressed npz (whose members carry checksums)."""
    with _replacing(path) as partial, open(partial, "wb") as file:
        np.savez_compressed(file, **arrays)  # type: ignore[arg-type]


def halved(values: Array) -> Array:
    """As float16, which has three digits: enough to rank by. What is larger than any becomes the largest."""
    most = np.finfo(np.float16).max
    return np.clip(values, -most, most).astype(np.float16)


def read_arrays(path: Path, needs: Iterable[str] = ()) -> dict[str, Array]:
    """Read an npz file whole; never unpickles. Raises UserError if it is damaged or lacks one of `needs`."""
    with reading(path):
        arrays = arrays_of(_content(path))
        lacking = [name for name in needs if name not in arrays]
        if lacking:
            raise ValueError(f"has no array {lacking[0]}")
        return arrays


def arrays_of(content: bytes) -> dict[str, Array]:
    """The arrays of an npz file's content; never unpickles. Raises ValueError where it is an npy file."""
    found = np.load(io.BytesIO(content), allow_pickle=False)
    if isinstance(found, np.ndarray):
        raise ValueError("one array (npy), not an npz")
    with found as arrays:
        return {name: arrays[name] for name in arrays.files}


def write_array(path: Path, array: Array) -> None:
    """Write one array as npy, in the order of its indices."""
    with _replacing(path) as partial, open(partial, "wb") as file:
        # NumPy writes to a real file by itself, and where it cannot, says how much, but not why.
        no_real_file = SimpleNamespace(write=file.write)
        np.save(no_real_file, np.ascontiguousarray(array), allow_pickle=False)


def read_array(path: Path, *, mapped: bool = False) -> Array:
    """Read an npy file, whole or mapped (copy on write); never unpickles. Raises UserError if missing or damaged."""
    with reading(path):
        if mapped:
            digests.check(path)
            return np.asarray(np.load(path, mmap_mode="c", allow_pickle=False))
        found = np.load(io.BytesIO(_content(path)), allow_pickle=False)
        if not isinstance(found, np.ndarray):
            raise ValueError("several arrays (npz), not an npy")
        return found


def write_json(path: Path, value: Any) -> None:
    """Write JSON, indented, keys in the order given."""
    with _replacing(path) as partial:
        partial.write_text(json.dumps(value, indent=2, allow_nan=False) + "\n", encoding="utf-8")


def read_json(path: Path, needs: Iterable[str] = ()) -> Any:
    """Read JSON. Raises UserError if the file is missing or damaged, or lacks one of `needs` (dotted names)."""
    with reading(path):
        found = json.loads(_content(path), parse_constant=_no_number)
        for name in needs:
            inside = found
            for part in name.split("."):
                if not isinstance(inside, dict) or part not in inside:
                    raise ValueError(f"has no {name}")
                inside = inside[part]
        return found


def _no_number(word: str) -> None:
    raise ValueError(f"{word} is no number")


def read_record(folder: Path, key: str, seed: int, needs: Iterable[str]) -> Any:
    """The record of one round of one replicate. Raises UserError as `read_json` does, or if it is another's."""
    path = replicate(of_round(folder, key), seed) / RECORD
    record = read_json(path, ["round", "seed", *needs])
    if (record["round"], record["seed"]) != (key, seed):
        raise UserError(f"{path}: is that of {record['round']!r:.20}, seed {record['seed']!r:.20}; {digests.MEND}")
    return record


def write_text(path: Path, text: str) -> None:
    """Write a text file."""
    with _replacing(path) as partial:
        partial.write_text(text, encoding="utf-8")


def write_table(path: Path, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """Write rows as CSV; floats with seven significant digits.

    All rows have the keys of the first, or those in `columns`, which a table that may be empty must give.
    """
    with _replacing(path) as partial, open(partial, "w", newline="", encoding="utf-8") as file:
        print_table(file, rows, columns)


def print_table(file: TextIO, rows: Sequence[Mapping[str, Any]], columns: Sequence[str] = ()) -> None:
    """The same into an open file, such as what a terminal shows."""
    table = csv.DictWriter(file, list(columns or rows[0]), lineterminator="\n")
    table.writeheader()
    for row in rows:
        table.writerow({k: f"{v:.7g}" if isinstance(v, float) else v for k, v in row.items()})


def read_table(path: Path, columns: Iterable[str] = ()) -> list[Row]:
    """Read a CSV; what reads as a number is one, an empty cell is None.

    Raises UserError on a damaged file, or one that lacks one of `columns`.
    """
    with reading(path):
        header, rows = _table(_content(path).decode())
        lacking = [name for name in columns if name not in header]
        if lacking:
            raise ValueError(f"has no column {lacking[0]}")
        return rows


def table_of(text: str) -> list[Row]:
    """The rows of a CSV file's content. Raises ValueError where it is no complete table."""
    return _table(text)[1]


def _table(text: str) -> tuple[list[str], list[Row]]:
    header, *rows = list(csv.reader(io.StringIO(text, newline=""), strict=True)) or [[]]
    if not header or any(len(row) != len(header) for row in rows) or not text.endswith("\n"):
        raise ValueError("not a complete table")
    if len({*header}) < len(header):
        raise ValueError("two columns of one name")
    return header, [{name: _cell(cell) for name, cell in zip(header, row, strict=True)} for row in rows]


def _cell(text: str) -> Any:
    if text == "":
        return None
    for kind in (int, float):
        with contextlib.suppress(ValueError):
            return kind(text)
    return text
