"""What the files hold that analysis and figures read, cell by cell: anything else is a named damaged file.

The digests beside a file say that it is as it was written; these checks, that what was written can be read as what it
is taken for. A file may come from elsewhere with digests of its own.
"""

import math
import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from prunelab import config, yaml12
from prunelab.core import artifacts
from prunelab.studies.sdd import answers, parameters, tables
from prunelab.studies.sdd.tables import Row

# Words that a column of text may hold; every other column holds numbers.
WORDS = {
    "round": r"r\d\d",
    "model": "dense|valley|sweet_spot|underfitting|end|best_validation",
    "subset": "|".join(tables.SUBSETS),
    "training": "sparse|redense|reinit",
    "solution": "sparse|redense",
    "regime": "trivial|critical|high",
}
WHOLE = ("seed", "epoch", "n", "direction", "node", "parameters")
# What tells a row from another, beside its round and seed.
WITHIN = (
    *("model", "subset", "training", "solution", "layer", "direction", "epoch"),
    *("alpha", "radius", "x", "y", "node", "at"),
)
# Not measured: a subset without examples, a deviation of one value.
MAY_BE_EMPTY = re.compile(r"(permuted|unpermuted|restored|validation).*|.*_std")
VERDICTS = ("supported", "contradicted", "not decidable")
CLAIMS = 9
SUMMARISED = ("dense", "valley", "sweet_spot", "end")


@dataclass(frozen=True)
class Shape:
    """What the tables of a study must be complete in."""

    seeds: Sequence[int]
    rounds: Sequence[str]
    redense: Sequence[str]
    reinit: Sequence[str]
    landscape: Sequence[str]
    planes: Sequence[str]
    spectra: Sequence[str]

    def of(self, name: str, training: Any) -> Sequence[str] | None:
        """The rounds that a table has, of one kind of training; None: some that were chosen."""
        if name in ("dynamics", "redense_dynamics"):
            return None
        if name in ("curvature", "interpolation", "lines"):
            return self.landscape
        if name in ("spectrum", "effective_dimension", "curvature_by_layer"):
            return self.spectra
        own = {"redense": self.redense, "reinit": self.reinit, "planes": self.planes}
        return own[name] if name in own else own.get(training, self.rounds)


def shape(params: config.Config) -> Shape:
    """That of the study with these parameters."""
    rounds = [f"r{number:02d}" for number in range(params.n_rounds + 1)]
    landscape = parameters.landscape_rounds(params)
    return Shape(
        seeds=params.seeds,
        rounds=rounds,
        redense=parameters.redense_rounds(params),
        reinit=parameters.reinit_rounds(params),
        landscape=landscape,
        planes=landscape if params.landscape.plane else [],
        spectra=parameters.spectrum_rounds(params),
    )


def table(path: Path, columns: Sequence[str], shape: Shape | None = None) -> list[Row]:
    """Read a table: every cell of its kind, no row twice; and, with `shape`, none lacking.

    Raises UserError that names the file.
    """
    rows = artifacts.read_table(path, columns)
    with artifacts.reading(path):
        for column in columns:
            for number, row in enumerate(rows, 1):
                _cell(column, row[column], f"row {number}: {column}")
        _uniform(rows, [column for column in columns if MAY_BE_EMPTY.fullmatch(column)])
        keys = [(row.get("round"), row.get("seed"), *_within(row)) for row in rows]
        if len({*keys}) < len(keys):
            raise ValueError(f"two rows of {_words(next(key for key in keys if keys.count(key) > 1))}")
        if shape is not None:
            _complete(path.stem, rows, shape)
    return rows


def alike(found: Mapping[Path, Any]) -> None:
    """Hold files against each other that must have the same rows, whatever their values. Raises UserError."""
    (first, keys), *others = found.items() if found else ((Path(), None),)
    for path, some in others:
        with artifacts.reading(path):
            if some != keys:
                raise ValueError(f"has other rows than {first}")


def rows_of(some: Iterable[Row]) -> list[tuple[Any, ...]]:
    """What `alike` compares: what tells rows apart."""
    return [_within(row) for row in some]


def records(folder: Path, places: Sequence[tuple[str, int]], needs: Sequence[str]) -> list[Row]:
    """The records of rounds and replicates, in each a number for all of `needs` but for lists and layers.

    Raises UserError that names the file.
    """
    found: dict[Path, Row] = {}
    for key, seed in places:
        path = artifacts.replicate(artifacts.of_round(folder, key), seed) / artifacts.RECORD
        found[path] = artifacts.read_record(folder, key, seed, needs)
        with artifacts.reading(path):
            for name in needs:
                _entry(name, yaml12.at(found[path], name))
    if "distance.layers" in needs:
        alike({path: [*record["distance"]["layers"]] for path, record in found.items()})
    return [*found.values()]


def _entry(name: str, value: Any) -> None:
    last = name.rpartition(".")[2]
    if last == "layers":
        for layer, distances in value.items():
            for distance in tables.DISTANCES:
                _cell(distance, distances[distance], f"{name}.{layer}.{distance}")
    elif last == "eigenvalues":
        for one in value if isinstance(value, list) and value else [None]:
            _cell(last, one, name)
    else:
        _cell(last, value, name)


def spectrum(path: Path, record: Row) -> list[Row]:
    """The nodes of the spectra around a replicate's solutions: as many eigenvalues in all as its record has parameters.

    Raises UserError that names the file.
    """
    rows = table(path, tables.SPECTRUM)
    with artifacts.reading(path):
        for of in ("sparse", "redense"):
            weights = [row["weight"] for row in rows if row["solution"] == of]
            _is(min(weights, default=0) >= 0, f"weight, {of},", "0 or more")
            right = abs(sum(weights) - record[of]["parameters"]) <= 1e-4 * record[of]["parameters"]
            _is(right, f"weight, {of}, in all", f"{record[of]['parameters']}, the number of parameters")
    return rows


def num_classes(path: Path) -> int:
    """How many classes the data set has, from its facts.json. Raises UserError that names the file."""
    found = artifacts.read_json(path, ["num_classes"])["num_classes"]
    with artifacts.reading(path):
        _is(type(found) is int and found > 1, "num_classes", "a number of classes")
    return int(found)


def right(path: Path, names: Sequence[str]) -> dict[str, artifacts.Array]:
    """Arrays that say of each test image whether it is classified right. Raises UserError that names the file."""
    found = artifacts.read_arrays(path, names)
    with artifacts.reading(path):
        for name in names:
            _is(
                found[name].dtype == np.bool_ and found[name].ndim == 1 and len(found[name]), name, "true or false each"
            )
    return found


def test_examples(path: Path, shape: Shape) -> dict[str, artifacts.Array]:
    """The analysis' test_examples.npz (answers.packed). Raises UserError that names the file."""
    names = ("rounds", "seeds", "num_test", "num_classes", *answers.KINDS)
    found = artifacts.read_arrays(path, names)
    with artifacts.reading(path):
        for name in ("num_test", "num_classes"):
            _is(found[name].shape == () and found[name].dtype == np.int64 and found[name] > 1, name, "a number")
        for name, must in (("rounds", [int(key[1:]) for key in shape.rounds]), ("seeds", [*shape.seeds])):
            _is(found[name].dtype == np.int64 and found[name].tolist() == must, name, f"{must}")
        size = (len(shape.rounds), len(shape.seeds), (int(found["num_test"]) + 7) // 8)
        for name in answers.KINDS:
            _is(found[name].dtype == np.uint8 and found[name].shape == size, name, f"uint8 {size}")
    return {name: found[name] for name in names}


def summary(path: Path, named: Sequence[Row]) -> Row:
    """The analysis' summary.json (tables.summary). Raises UserError that names the file.

    Args:
        path: the file.
        named: the rows of named_models.csv, whose numbers it gives.
    """
    found = artifacts.read_json(path, ["pruning_efficacy", *(f"{model}.test_last" for model in SUMMARISED)])
    with artifacts.reading(path):
        values = yaml12.flat(found)
        for name, value in values.items():
            _cell(name.rpartition(".")[2], value, name)
        expected = yaml12.flat(tables.summary(named, found["pruning_efficacy"]))
        _is([*values] == [*expected], "what it names", "what named_models.csv has")
        for name, right in expected.items():
            close = _number(right) and _number(values[name]) and abs(values[name] - right) < 2e-6
            _is(values[name] == right or close, name, f"{right}, as in named_models.csv")
    return dict(found)


def claims(path: Path) -> dict[str, Row]:
    """The analysis' claims.json. Raises UserError that names the file."""
    found = artifacts.read_json(path, [str(number + 1) for number in range(CLAIMS)])
    with artifacts.reading(path):
        for number, claim in found.items():
            for name in ("text", "why", "caution"):
                _is(isinstance(claim[name], str), f"{number}.{name}", "text")
            _is(claim["decide_with"] is None or isinstance(claim["decide_with"], str), f"{number}.decide_with", "text")
            _is(claim["verdict"] in VERDICTS, f"{number}.verdict", f"one of {', '.join(VERDICTS)}")
            told = (claim["decide_with"] is None) == (claim["verdict"] != VERDICTS[-1])
            _is(told, f"{number}.decide_with", "given where, and only where, it is not decidable")
            _is(isinstance(claim["effects"], list), f"{number}.effects", "a list")
            for effect in claim["effects"]:
                for name in ("what", "unit"):
                    _is(isinstance(effect[name], str), f"{number}.effects.{name}", "text")
                for name in ("value", "least", *(["most"] if effect["most"] is not None else [])):
                    _is(_number(effect[name]), f"{number}.effects.{name}", "a number")
                for name in ("replicates", "test_examples", "both"):
                    both = effect[name]
                    pair = isinstance(both, list) and len(both) == 2 and all(map(_number, both))
                    _is(both is None or pair, f"{number}.effects.{name}", "two numbers")
    return dict(found)


def _cell(column: str, value: Any, where: str) -> None:
    """Check one value by the name of its column."""
    must = "a number"
    if column in WORDS:
        right: Any = isinstance(value, str) and re.fullmatch(WORDS[column], value)
        must = "such as r07" if column == "round" else f"one of {WORDS[column].replace('|', ', ')}"
    elif column == "layer":  # a number where the network has no other name for it
        right, must = isinstance(value, str) or _number(value), "a name"
    elif column in WHOLE:
        right, must = type(value) is int and value >= 0, "a whole number"
    else:
        right = _number(value) or (value is None and MAY_BE_EMPTY.fullmatch(column))
    if not right:
        raise ValueError(f"{where} is {value!r:.40}, not {must}")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _is(condition: Any, where: str, must: str) -> None:
    if not condition:
        raise ValueError(f"{where} is not {must}")


def _within(row: Row) -> tuple[Any, ...]:
    return tuple(row[name] for name in WITHIN if name in row)


def _uniform(rows: Sequence[Row], columns: Sequence[str]) -> None:
    """What was not measured was not measured in any row of a replicate."""
    for column in columns:
        filled: dict[Any, bool] = {}
        for number, row in enumerate(rows, 1):
            is_ = row[column] is not None
            if column.endswith("_std") and "n" in row:
                # One value has no deviation, and what was not measured has none either.
                must = row["n"] > 1 and row[column.removesuffix("_std")] is not None
            else:
                must = filled.setdefault(row.get("seed"), is_)
            if must != is_:
                raise ValueError(f"row {number}: {column} is {'given' if is_ else 'empty'}, elsewhere it is not")


def _complete(name: str, rows: Sequence[Row], shape: Shape) -> None:
    """Whether every row is there that must be: of each round and replicate."""
    if name == "named_models":
        lacking = {*SUMMARISED} - {row["model"] for row in rows}
        if lacking or not {row["round"] for row in rows} <= {*shape.rounds}:
            raise ValueError(f"has no row of {', '.join(sorted(lacking)) or 'this study'}")
        return
    places: dict[tuple[Any, ...], set[tuple[str, int]]] = {}
    for row in rows:
        places.setdefault(_within(row), set()).add((row["round"], row["seed"]))
    if not places and shape.of(name, None) != []:
        raise ValueError("has no rows")
    for within, found in places.items():
        training = next((one for one in within if one in ("sparse", "redense", "reinit")), None)
        seeds = {seed for _, seed in found} if name == "memorization" else {*shape.seeds}  # nothing is permuted: no row
        rounds = shape.of(name, training) or {key for key, _ in found}
        for key, seed in sorted({(key, seed) for key in rounds for seed in seeds} ^ found):
            raise ValueError(f"has {'a' if (key, seed) in found else 'no'} row of {_words((key, seed, *within))}")


def _words(key: Sequence[Any]) -> str:
    """A row's place for the message."""
    return ", ".join(str(part) for part in key if part is not None)
