"""What may lie in an artefact's place: nothing, half of it, another kind of file, another round's, other columns.

Each but another round's as if somebody had brought the digests up to date: only the reader's own checks are left.
damage.py tries them.
"""

import csv
import io
import json
import random
import struct
import zipfile
from collections.abc import Iterator
from itertools import permutations, zip_longest
from pathlib import PurePath

import numpy as np
from damage import Study, Trial, below
from safetensors.numpy import load, save

Made = Iterator[tuple[str, bytes]]
DEEP = 100_000


def npz(arrays: dict, pickled: bool = False) -> bytes:
    """As numpy.savez writes it."""
    file = io.BytesIO()
    np.savez(file, **({n: np.array([{}], object) for n in arrays} if pickled else arrays))
    return file.getvalue()


def npy(array: np.ndarray, pickled: bool = False) -> bytes:
    """As numpy.save writes it."""
    file = io.BytesIO()
    np.save(file, array, allow_pickle=pickled)
    return file.getvalue()


def endless(array: np.ndarray) -> bytes:
    """An npy whose header claims 8 TB."""
    file = io.BytesIO()
    header = {"descr": array.dtype.str, "fortran_order": False, "shape": (8 * 10**12 // array.itemsize,)}
    np.lib.format.write_array_header_1_0(file, header)
    return file.getvalue() + array.tobytes()


def other_arrays(arrays: dict) -> Iterator[tuple[str, dict]]:
    """Named arrays, wrong in one way each."""
    for name, array in arrays.items():
        rest = {n: a for n, a in arrays.items() if n != name}
        yield f"without {name}", rest
        yield f"{name} is longer", arrays | {name: np.concatenate([np.atleast_1d(array)] * 2)}
        yield f"{name} is empty", arrays | {name: np.atleast_1d(array)[:0]}
        yield f"{name} has an axis more", arrays | {name: np.asarray(array)[None]}
        yield f"{name} is complex", arrays | {name: np.asarray(array).astype(np.complex64)}
        yield f"{name} is text", arrays | {name: np.asarray(array).astype(str)}
        if array.dtype.kind in "fiu":
            yield f"{name} is negative", arrays | {name: (-1 - np.abs(array.astype(float))).astype(np.int64)}
            yield f"{name} is NaN", arrays | {name: np.full_like(array, np.nan, dtype=np.float32)}
    yield "no arrays", {}
    yield "other arrays", {"x": np.arange(3), "y": np.ones(2, np.float32)}
    yield "one array more", arrays | {"more": np.arange(3)}


def replaced_npz(content: bytes) -> Made:
    """Of an npz."""
    arrays = dict(np.load(io.BytesIO(content)))
    first = next(iter(arrays.values()))
    yield "an npy", npy(first)
    yield "pickles", npz(arrays, pickled=True)
    yield "a header of 8 TB", with_member(content, endless(np.atleast_1d(first)))
    yield "safetensors", save({n: np.atleast_1d(a) for n, a in arrays.items()})
    yield from ((what, npz(some)) for what, some in other_arrays(arrays))


def with_member(content: bytes, member: bytes) -> bytes:
    """An npz with this in the place of each of its arrays."""
    file = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as old, zipfile.ZipFile(file, "w") as new:
        for name in old.namelist():
            new.writestr(name, member)
    return file.getvalue()


def replaced_npy(content: bytes) -> Made:
    """Of an npy."""
    array = np.load(io.BytesIO(content))
    yield "an npz", npz({"x": array})
    yield "a pickle", npy(np.array([{}], object), pickled=True)
    yield "a header of 8 TB", endless(array)
    yield from ((what, npy(some["it"])) for what, some in other_arrays({"it": array}) if "it" in some)


def replaced_safetensors(content: bytes) -> Made:
    """Of safetensors."""
    tensors = load(content)
    yield "an npz", npz(tensors)
    for what, size in (("a header of 8 TB", 8 * 10**12), ("a header of 2^63 bytes", 2**63)):
        yield what, struct.pack("<Q", size) + content[8:]
    name = next(iter(tensors))
    huge = {name: {"dtype": "F32", "shape": [2 * 10**12], "data_offsets": [0, 8 * 10**12]}}
    header = json.dumps(huge).encode()
    yield "a tensor of 8 TB", struct.pack("<Q", len(header)) + header
    for what, some in other_arrays(tensors):
        if not any(a.dtype.kind in "Uc" for a in some.values()):
            yield what, save(some)
    for kind_ in (np.float16, np.float64, np.int32):
        yield f"of {kind_.__name__}", save({n: a.astype(kind_) for n, a in tensors.items()})


def replaced_json(content: bytes) -> Made:
    """Of json."""
    value = json.loads(content)
    for text in ("{}", "[]", "null", "3", '"text"', "[" * DEEP, '{"a":' * DEEP, "{" + "}", "NaN"):
        yield text[:12], text.encode()
    yield "a list of it", json.dumps([value]).encode()
    for path in places(value):
        yield f"without {'.'.join(path)}", json.dumps(put(value, path, None, take=True)).encode()
        for other in (None, "text", [], {}, ["x"], True, float("nan"), -(10**400)):
            if not (isinstance(other, str) and isinstance(at(value, path), str)):  # another text is as good a text
                yield f"{'.'.join(path)} is {str(other)[:12]}", json.dumps(put(value, path, other)).encode()


def places(value, path=()) -> Iterator[tuple[str, ...]]:
    """Of all named values in json, also those inside lists' first items."""
    if isinstance(value, dict):
        for name, inside in value.items():
            yield (*path, name)
            yield from places(inside, (*path, name))


def at(value, path):
    """The value at a place."""
    for name in path:
        value = value[name]
    return value


def put(value, path, other, take=False):
    """A copy with another value at a place, or without it."""
    copied = json.loads(json.dumps(value))
    inside = at(copied, path[:-1])
    if take:
        del inside[path[-1]]
    else:
        inside[path[-1]] = other
    return copied


def replaced_csv(content: bytes) -> Made:
    """Of a table."""
    header, *rows = csv.reader(io.StringIO(content.decode(), newline=""))

    def written(columns, some) -> bytes:
        file = io.StringIO(newline="")
        csv.writer(file, lineterminator="\n").writerows([columns, *some])
        return file.getvalue().encode()

    yield "a header only", written(header, [])
    yield "no header", written(rows[0], rows[1:]) if rows else b""
    yield "json", b"{}"
    yield "no line break at its end", content[:-1]
    yield "a last number cut short", content[:-3]
    yield "a cell more", content + b"1,2\n"
    yield "a column twice", written([header[0], *header[:-1]], rows)
    for i, name in enumerate(header):
        yield f"without {name}", written(header[:i] + header[i + 1 :], [r[:i] + r[i + 1 :] for r in rows])
        if rows:
            for other in ("text", "", "nan", "1e999"):
                changed = [[*r[:i], other, *r[i + 1 :]] if r is rows[-1] else r for r in rows]
                if changed != rows:
                    yield f"{name} is {other or 'empty'}", written(header, changed)
    for number in sorted({0, len(rows) // 2, len(rows) - 1} - {-1}):
        if rows:
            yield f"without row {number}", written(header, rows[:number] + rows[number + 1 :])
            yield f"row {number} twice", written(header, rows[: number + 1] + rows[number:])


def anything(content: bytes) -> Made:
    """In place of a file of any kind."""
    yield "empty", b""
    yield "half of it", content[: len(content) // 2]
    yield "text", b"not found\n"
    yield "other bytes", bytes(range(256)) * 4


BY_SUFFIX = {
    ".npz": replaced_npz,
    ".npy": replaced_npy,
    ".safetensors": replaced_safetensors,
    ".json": replaced_json,
    ".csv": replaced_csv,
}


def replacements(path: str, content: bytes) -> list[tuple[str, bytes]]:
    """Everything for one file."""
    made = [*anything(content), *BY_SUFFIX.get(PurePath(path).suffix, lambda _: [])(content)]
    return [(what, new) for what, new in made if new != content]


def trials(found: Study, count: int, rng: random.Random) -> Iterator[Trial]:
    """Put other things in files' places, so many times in all, every kind of file in turn."""
    kinds = [paths for name, paths in found.kinds().items() if PurePath(name).suffix in BY_SUFFIX]
    waiting = []
    for paths in kinds:
        path = rng.choice(paths)
        waiting.append([(path, *one) for one in replacements(path, found.files[path])])
        rng.shuffle(waiting[-1])
    in_turn = [one for some in zip_longest(*waiting) for one in some if one is not None]
    for path, what, content in in_turn[:count]:
        step = rng.choice(found.readers(path) or [None])
        yield Trial(path, what, step, *found.outcome(found.sealed(path, content), step))


def anothers(found: Study, rng: random.Random) -> Iterator[Trial]:
    """Another round's or seed's file in the place of each, its digest as it was; whole folders with their digests."""
    for paths in found.kinds().values():
        for path, other in zip(paths, [*paths[1:], *paths[:1]], strict=True):
            if found.files[path] != found.files[other]:
                step = rng.choice(found.readers(path) or [None])
                yield Trial(path, f"is {other}", step, *found.outcome({path: found.files[other]}, step))
    rounds = [step.outs[0] for step in found.steps if step.key or step.stage == "dense"]
    for folder, other in permutations(rounds, 2):
        inside = {path: path.replace(other, folder, 1) for path in found.files if below(path, (other,))}
        if PurePath(folder).parents[1] == PurePath(other).parents[1] and {*inside.values()} <= {*found.files}:
            damaged = {to: found.files[path] for path, to in inside.items()}
            record = next(path for path in damaged if path.endswith("record.json"))
            for step in found.readers(record):
                yield Trial(folder, f"is {other}", step, *found.outcome(damaged, step))
