"""Wrong parameters, by three ways in: `-S`, a hand-edited params.yaml, and a grid of `prunelab queue`.

Each must end in one line that names the parameter, before anything is written. test_wrong_parameters.py tries some,
`python -m benchmarks.parameters` all.
"""

import contextlib
import copy
import functools
import io
import json
import math
import os
import random
import time
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from unittest import mock

import golden.pipeline as pipeline
import wrong_values
from dvc.utils.serialize import load_yaml

import stages
from prunelab import config, errors, presets, yaml12
from prunelab.sweeps import plan
from stages import fetch

ROOT = Path(__file__).resolve().parent.parent
WAYS = COMPOSED, EDITED, QUEUED = "-S, composed", "params.yaml, edited", "a grid of the queue"
RIGHT = ("one line", "as DVC reads it")  # what may become of a case
LONGEST, SECONDS = 300, 2.0


@dataclass(frozen=True)
class Case:
    """One mistake, by one way in."""

    way: str
    what: str
    names: tuple[str, ...]  # of the parameters, one of which the line must name
    given: tuple[str, ...] = ()  # overrides
    text: str = ""  # of params.yaml
    may_be_read: bool = False  # as DVC reads it: then it is no mistake


def cases() -> list[Case]:
    """All there are."""
    return [*_composed(), *_edited(), *_queued()]


def written(value: object) -> str:
    """As Hydra reads it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{written(inside)}" for name, inside in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return "null" if value is None else presets.written(value)


def _composed() -> Iterator[Case]:
    for changes in wrong_values.all_changes():
        if changes not in wrong_values.LATER:
            overrides = tuple(f"{name}={written(value)}" for name, value in changes.items())
            yield Case(COMPOSED, " ".join(overrides), tuple(changes), overrides)
    for name in ("train.epochs", "noise", "seeds", "threads", "model.width", "sparse", "train.milestones"):
        for value in wrong_values.FOR_HYDRA:
            yield Case(COMPOSED, f"{name}={value}", (name,), (f"{name}={value}",), may_be_read=value in ("+1", "1."))
    for given in wrong_values.OPTIONS:
        yield Case(COMPOSED, given, (given.lstrip("+~").split("=")[0].split(".")[0].strip(),), (given,))


def _queued() -> Iterator[Case]:
    right = {"noise": "0.2", "train.lr": "0.1", "seeds": "[0]", "n_rounds": "3", "prune.criterion": "magnitude"}
    for name, one in right.items():
        for value in wrong_values.WRONG[name]:
            text = f"{name}={one},{written(value)}"
            if "," not in written(value) or isinstance(value, list | dict):
                yield Case(QUEUED, text, (name,), (text,))
    for given in wrong_values.GRIDS:
        yield Case(QUEUED, " ".join(given), tuple(one.split("=")[0] for one in given), given)


def _yaml(value: object) -> str:
    """In YAML 1.2, on one line."""
    if isinstance(value, float) and not math.isfinite(value):
        return ".nan" if math.isnan(value) else ".inf" if value > 0 else "-.inf"
    if isinstance(value, list):
        return f"[{', '.join(map(_yaml, value))}]"
    return json.dumps(value, ensure_ascii=False)


@functools.cache
def _preset() -> dict:
    params = config.validate(pipeline.nested(presets.values("digits_quick", ROOT)))
    return params.model_dump() | config.derived(params)


def _default() -> dict:
    return copy.deepcopy(_preset())


def _dumped(values: dict, indent: str = "") -> str:
    return "".join(
        f"{indent}{name}:\n{_dumped(value, indent + '  ')}"
        if isinstance(value, dict) and value
        else f"{indent}{name}: {_yaml(value)}\n"
        for name, value in values.items()
    )


def edited(changes: dict) -> str:
    """The text of params.yaml with these values, by dotted name, in a small study."""
    values = _default()
    for name, value in changes.items():
        *sections, last = name.split(".")
        inside = values
        for one in sections:
            inside = inside.setdefault(one, {}) if isinstance(inside.get(one, {}), dict) else values
        inside[last] = value
    return _dumped(values)


def _edited() -> Iterator[Case]:
    for changes in wrong_values.all_changes():
        yield Case(EDITED, str(changes)[:60], tuple(changes), text=edited(changes))
    text = edited({})
    for name in ("epochs", "noise", "threads", "n_rounds", "width", "plane", "lr"):
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{name}:"))
        start, names = line[: line.index(":") + 1], (name, "params.yaml")
        for value in wrong_values.IN_YAML:
            new = text.replace(line, f"{start} {value}", 1)
            yield Case(EDITED, f"{start} {value}", names, text=new, may_be_read=True)
        for what, new in wrong_values.lines(name, line):
            yield Case(EDITED, what, names, text=text.replace(f"{line}\n", new, 1))
    right = _default()
    for name in config.DERIVED:
        for rounds in wrong_values.ROUNDS:
            new = text.replace(_dumped({name: right[name]}), f"{name}: {rounds}\n")
            same = new == text or rounds == str(right[name]).replace("'", "")  # the right value, written on one line
            yield Case(EDITED, f"{name}: {rounds}", (name, "params.yaml"), text=new, may_be_read=same)
    for what, new in wrong_values.files(text):
        yield Case(EDITED, what, ("",), text=new)


@dataclass(frozen=True)
class Outcome:
    """What became of a case."""

    case: Case
    kind: str  # "one line", "as DVC reads it", or what is wrong
    said: str


@contextlib.contextmanager
def place() -> Iterator[None]:
    """A working directory with what is needed, and odd things that data_root may name."""
    with pipeline.study({}):
        os.mkfifo("FIFO")
        for folder in ("WITH_FIFO", "EMPTY = & # ~ ünï (2)!", "data/source"):
            Path(folder).mkdir(parents=True)
        os.mkfifo("WITH_FIFO/x.png")
        Path("2024").write_text("no folder")
        for name in ("README.md", "pyproject.toml"):
            Path(name).write_text("text\n")
        yield


def _found() -> dict[str, bytes | None]:
    return {str(path): path.read_bytes() if path.is_file() else None for path in Path().rglob("*")}


def tried(case: Case) -> Outcome:
    """Try it in the working directory (`place`)."""
    if case.text:
        Path("params.yaml").write_bytes(case.text.encode(errors="surrogateescape"))
    elif case.way == EDITED:
        Path("params.yaml").write_bytes(b"")
    before, start = _found(), time.monotonic()
    line = None
    with contextlib.redirect_stderr(io.StringIO()), contextlib.redirect_stdout(io.StringIO()):
        try:
            if case.way == EDITED:
                stages.begin("fetch")
                pipeline.stage(fetch)
            elif case.way == COMPOSED:
                plan.compose(case.given, ROOT)
            else:
                with mock.patch.object(plan, "compose", lambda given, _compose=plan.compose: _compose(given, ROOT)):
                    plan.points(case.given)
        except Exception as error:
            line = errors.line(error) or f"traceback: {type(error).__name__}: {error}"
        except SystemExit as error:
            line = f"traceback: SystemExit {error}"
    took = time.monotonic() - start
    after = _found()
    if line is None and case.may_be_read:
        for path in {*after} - {*before}:
            if Path(path).is_file():
                Path(path).unlink()
        same = case.way != EDITED or repr(yaml12.load(Path("params.yaml"))) == repr(load_yaml("params.yaml"))
        return Outcome(case, "as DVC reads it" if same else "not as DVC reads it", "")
    wrong = {
        "traceback": (line or "").startswith("traceback"),
        "accepted": line is None,
        "lines": "\n" in (line or ""),
        "too long": len(line or "") > LONGEST,
        "unprintable": not (line or " ").isprintable(),
        "slow": took > SECONDS,
        "written": after != before,
        "does not name it": line is not None and not any(name.split(".")[-1] in line for name in case.names),
    }
    kind = next((name for name, is_ in wrong.items() if is_), "one line")
    return Outcome(case, kind, f"{took:.1f} s: {line}" if kind == "slow" else str(line))


def sample(way: str, count: int, seed: int) -> list[Case]:
    """Some cases of one way in, always the same."""
    return random.Random(seed).sample([case for case in cases() if case.way == way], count)


def table(outcomes: list[Outcome]) -> list[list[str]]:
    """By way in: how many ended in one line, how many were read as DVC reads them, how many otherwise."""
    rows = {way: Counter() for way in WAYS}
    for one in outcomes:
        rows[one.case.way][one.kind if one.kind in RIGHT else "other"] += 1
    kinds = (*RIGHT, "other")
    body = [*rows.items(), ("all", sum(rows.values(), Counter()))]
    return [["way in", "cases", *kinds], *([way, str(c.total()), *(str(c[k]) for k in kinds)] for way, c in body)]
