"""A finished run's suspects: read, listed, and the data written anew without them. N training examples."""

import csv
import io
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.comparison import outputs
from prunelab.comparison.runs import Run
from prunelab.core import artifacts, files, given, images, sources, tables
from prunelab.core.images import Images
from prunelab.errors import UserError
from prunelab.studies.labels import places

Row = dict[str, Any]
NUMBERS = {"rank": int, "index": int, "early_rank": int, "chain_rank": int, "score": float, "wrong": int}
NUMBERS |= {"p_given": float, "p_suggested": float}
WRITTEN = "must end in .npz (or, for dataset=table, in .csv)"


def read(run: Run, seed: int | None = None) -> list[Row]:
    """The suspects of one group of replicates, the most suspect first; class names as they are, "007" too.

    Args:
        run: a whole run of the study labels.
        seed: of a replicate of the group; default: the first.

    Raises:
        UserError: the table is damaged, or has no such replicate.
    """
    with artifacts.reading(Path(f"{run.name}: {places.SUSPECTS}")):
        found = list(csv.DictReader(io.StringIO(run.text(str(places.SUSPECTS)) or "", newline=""), strict=True))
        rows: list[Row] = [{name: _value(name, cell) for name, cell in row.items()} for row in found]
        groups = list(dict.fromkeys(row["seeds"] for row in rows))
        if not rows or {"rank", "index", "given", "suggested", "score", "name"} - {*rows[0]}:
            raise ValueError("not a table of suspects")
    if seed is None:
        return [row for row in rows if row["seeds"] == groups[0]]
    named = next((group for group in groups if str(seed) in group.split()), None)
    if named is None:
        raise UserError(f"--seed {seed}: must be one of {', '.join(' '.join(groups).split())}")
    return [row for row in rows if row["seeds"] == named]


def _value(name: str, cell: str) -> Any:
    if name not in NUMBERS:
        return cell
    return NUMBERS[name](cell) if cell else None


def estimated(run: Run, rows: Sequence[Row]) -> int | None:
    """How many labels of these replicates are estimated to be wrong; None where that was not decidable."""
    with artifacts.reading(Path(f"{run.name}: {places.PLOTS / 'counts.csv'}")):
        found = list(csv.DictReader(io.StringIO(run.text(str(places.PLOTS / "counts.csv")) or "", newline="")))
        cell = next(row["estimated"] for row in found if row["seeds"] == rows[0]["seeds"])
        return round(float(cell)) if cell else None


def check_target(run: Run, target: Path) -> None:
    """Raises UserError where cleaned data cannot be written: before anything is read."""
    allowed = (".npz", ".csv") if run.settings["dataset"] == "table" else (".npz",)
    if target.suffix.lower() not in allowed:
        raise UserError(f"--write {target}: {WRITTEN}")
    check_place(run, target, "--write")
    if target.exists():
        raise UserError(f"--write {target}: exists already; remove it, or name another file")


def check_place(run: Run, target: Path, option: str) -> None:
    """Raises UserError for a folder, a place in none, and the user's own data, which stays as it is."""
    source, dataset = Path(str(run.settings["data_root"])), str(run.settings["dataset"])
    if source.resolve() in (target.resolve(), *target.resolve().parents) and dataset in ("npz", "table", "folder"):
        raise UserError(f"{option} {target}: must not be the run's own data (data_root={source}) nor lie in it")
    if target.is_dir():
        raise UserError(f"{option} {target}: is a folder, must be a file")
    if not target.parent.is_dir():
        raise UserError(f"{option} {target}: there is no folder {target.parent}")


def write(run: Run, target: Path, rows: Sequence[Row]) -> str:
    """Write a run's data without some training examples.

    Args:
        run: whose data.
        target: an npz as dataset=npz reads it, with labels as they were given (and true ones beside them, where they
            are known); or a csv: the run's own table without their lines.
        rows: what is left out, rows of `read`.

    Returns:
        In words what was written.

    Raises:
        UserError: it cannot be, or a class would be left without examples.
    """
    check_target(run, target)
    seed = int(rows[0]["seeds"].split()[0])
    data, labels = _data(run, seed)
    kept_N = np.ones(len(data.y_train), dtype=bool)
    kept_N[[row["index"] for row in rows]] = False
    lost = np.setdiff1d(np.arange(data.num_classes), labels["given"][kept_N])
    if len(lost):
        raise UserError(f"--top {len(rows)}: would leave no example of class {files.shown(data.classes[lost[0]])}")
    if target.suffix.lower() == ".npz":
        artifacts.write_arrays(target, _arrays(data, labels["given"], kept_N))
    else:
        artifacts.write_text(target, _lines(run, data, kept_N))
    return f"{target}: {int(kept_N.sum())} of {len(kept_N)} training examples, without the {len(rows)} most suspected"


def _data(run: Run, seed: int) -> tuple[Images, dict[str, NDArray[Any]]]:
    """The run's data set and one replicate's labels."""
    places = [artifacts.RAW, artifacts.CORRUPTED]
    with outputs.copied(run, places, places):
        data = images.read(artifacts.RAW)
        return data, given.labels(seed, len(data.y_train), data.num_classes)


def _arrays(data: Images, given_N: NDArray[np.int64], kept_N: NDArray[np.bool_]) -> dict[str, Any]:
    """As dataset=npz reads them."""
    names = np.array(data.classes)
    arrays: dict[str, Any] = {"x_train": data.x_train[kept_N], "x_test": data.x_test}
    if data.x_train.shape[2:] == (1, 1) and data.x_train.dtype == np.float32:  # features
        arrays = {name: x.reshape(len(x), -1) for name, x in arrays.items()}
    else:
        arrays["layout"] = np.array("NCHW")
    arrays |= {"y_train": names[given_N[kept_N]], "y_test": names[data.y_test]}
    if data.given_train is not None or (given_N != data.y_train).any():
        arrays["y_train_clean"] = names[data.y_train[kept_N]]
    return arrays


def _lines(run: Run, data: Images, kept_N: NDArray[np.bool_]) -> str:
    """The lines of the user's own table that are kept; the table must still be the one that the run read."""
    source = Path(str(run.settings["data_root"]))
    if source.suffix.lower() != ".csv":
        raise UserError(f"{source}: is no csv, write an .npz")
    sources.check_root("table", source)
    fewer = (int(str(run.settings[f"subset.{part}"])) for part in ("train", "test"))
    now, table = sources.sample(sources.fetch("table", source), *fewer), tables.read(source)
    arrays, before = now.arrays(), data.arrays()
    alike = now.names == data.names and arrays.keys() == before.keys()
    if not alike or any(not np.array_equal(array, before[name]) for name, array in arrays.items()):
        raise UserError(f"{source}: is not the table that {run.name} read; write an .npz, or put that one back")
    dropped = {name for name, kept in zip(data.names, kept_N, strict=True) if not kept}
    content = io.StringIO(newline="")
    rows = csv.writer(content, lineterminator="\n")
    rows.writerow(table.columns)
    columns = [table.column(name) for name in table.columns]
    for i, cells in enumerate(zip(*columns, strict=True)):
        if table.at(i) not in dropped:
            rows.writerow(cells)
    return content.getvalue()
