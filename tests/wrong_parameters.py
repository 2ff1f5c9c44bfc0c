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
import yaml

import stages
from prunelab import config, errors, presets
from prunelab.sweeps import plan
from stages import fetch

ROOT = Path(__file__).resolve().parent.parent
WAYS = COMPOSED, EDITED, QUEUED = "-S, composed", "params.yaml, edited", "a grid of the queue"
RIGHT = ("one line", "as DVC reads it")  # what may become of a case
LONGEST, SECONDS = 300, 2.0
NAN, INF, TEXT, LIST, SECTION = math.nan, math.inf, "nope", ["nope"], {"nope": 1}
NOT_A_NUMBER = (TEXT, "", "1e3", True, None, LIST, SECTION, NAN, INF, -INF, [3], "9" * 400)


def whole(least: int, most: int) -> tuple:
    """What is no whole number in these bounds."""
    return (*NOT_A_NUMBER, least - 1, most + 1, least + 0.5, 10**12 + most, 1e23, 10**400, -(10**30))


def real(*wrong: float) -> tuple:
    """What is no number, and these."""
    return (*NOT_A_NUMBER, *wrong, 1e308, -1e308, 10**400)


FRACTION = real(1, 1.0, -0.1, 2, -1e-9, 1 + 1e-9)
POSITIVE = real(0, 0.0, -1, -1e-9, 1e5)
CHOICE = (TEXT, "", "../x", "x;touch PWNED", 5, 0.5, True, None, LIST, SECTION, NAN, "n" * 5000, "ünï", " ")
SWITCH = (0, 1, 0.0, "yes", "on", "", "True ", None, [True], SECTION, NAN)

# What no study may have, for each parameter of conf/config.yaml, written from its explanations there.
WRONG = {
    "setting": CHOICE,
    "dataset": CHOICE,
    "data_root": (
        "",
        None,
        True,
        5,
        LIST,
        SECTION,
        NAN,
        "/not/there",
        "not there",
        "n" * 5000,
        "a\nb",
        "a\0b",
        "${noise}",
    ),
    "subset.train": whole(0, 10**8),
    "subset.test": whole(0, 10**8),
    "noise": (*FRACTION, 0.0004, 1e-12),
    "noise_type": CHOICE,
    "seeds": (
        *NOT_A_NUMBER[:-2],
        0,
        5,
        [],
        [-1],
        [0, 0],
        [0.5],
        [True],
        [None],
        [[0]],
        [2**32],
        [0, "1"],
        [0, NAN],
        [*range(20_000)],
    ),
    "device": (*CHOICE, "gpu", "cuda:0"),
    "threads": whole(1, 1024),
    "n_rounds": whole(1, 99),
    "model.name": CHOICE,
    "model.width": POSITIVE,
    "model.batchnorm_init": CHOICE,
    "train.epochs": whole(1, 100_000),
    "train.batch_size": whole(1, 10**8),
    "train.optimizer": (*CHOICE, "SGD"),
    "train.lr": POSITIVE,
    "train.momentum": FRACTION,
    "train.weight_decay": real(-1, -1e-9, 1e5),
    "train.milestones": (*NOT_A_NUMBER[:-2], 5, [0], [-5], [2, 1], [1, 1], [0.5], [True], [[1]], [10**12], [1, "2"]),
    "train.gamma": real(0, -1, 1.5),
    "train.warmup_epochs": (*whole(0, 100_000), 99_999),
    "train.augment": CHOICE,
    "train.validation": (*whole(0, 10**8), 1000, 10**6),
    "train.rewind_iteration": (*whole(0, 10**13), 10**9),
    "prune.criterion": CHOICE,
    "prune.fraction": FRACTION,
    "prune.scope": CHOICE,
    "prune.schedule": CHOICE,
    "prune.retrain": CHOICE,
    "finetune.epochs": whole(1, 100_000),
    "finetune.lr": POSITIVE,
    "redense.epochs": whole(1, 100_000),
    "redense.lr": POSITIVE,
    "redense.every": whole(1, 99),
    "reinit.every": whole(0, 99),
    "landscape.every": whole(0, 99),
    "landscape.examples": whole(0, 10**8),
    "landscape.directions": whole(1, 1000),
    "landscape.eigenvalues": whole(1, 100),
    "landscape.probes": whole(2, 100_000),
    "landscape.plane": SWITCH,
    "sparse": SWITCH,
    "engine": (TEXT, "", "compile", 5, True, None, LIST, SECTION, [5], [None], ["compile", TEXT], [["compile"]]),
}
for section in ("subset", "model", "train", "prune", "finetune", "redense", "reinit", "landscape"):
    WRONG[section] = (TEXT, 5, True, None, LIST, SECTION, [], NAN)
MISSPELT = (
    "nosie",
    "Noise",
    "train.epoch",
    "train.lrr",
    "prune.criterium",
    "model.depth",
    "seeds.0",
    "noise.x",
    "tarin.lr",
)
# Right each for itself.
TOGETHER = (
    {"train.optimizer": "nesterov", "train.momentum": 0},
    {"train.optimizer": "adam", "train.momentum": 0.9},
    {"train.warmup_epochs": 9, "train.epochs": 8},
    {"subset.train": 100, "train.validation": 100},
    {"subset.train": 100, "noise": 0.004},
    {"train.validation": 990, "noise": 0.04},
    {"train.epochs": 1, "train.rewind_iteration": 8},
    {"train.batch_size": 1000, "train.epochs": 3, "train.rewind_iteration": 3},
    {"dataset": "fashion_mnist", "noise_type": "asymmetric"},
    {"dataset": "digits", "subset.train": 1001},
    {"subset.train": 1},
    {"subset.test": 9},
    {"noise": 1e-300},
    {"dataset": "npz", "data_root": "."},
    {"dataset": "folder", "data_root": "README.md"},
    {"dataset": "table", "data_root": "pyproject.toml"},
    {"data_root": "/dev/zero"},
    {"data_root": "FIFO"},
    {"data_root": "WITH_FIFO"},
    {"dataset": "folder", "data_root": "EMPTY = & # ~ ünï (2)!"},
)


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


def _all_changes() -> Iterator[tuple[tuple[str, ...], dict]]:
    for name, values in WRONG.items():
        for value in values:
            yield (name,), {name: value}
    for changes in TOGETHER:
        yield tuple(changes), changes
    for name in MISSPELT:
        yield (name,), {name: 1}


def written(value: object) -> str:
    """As Hydra reads it."""
    if isinstance(value, dict):
        return "{" + ",".join(f"{name}:{written(inside)}" for name, inside in value.items()) + "}"
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    return "null" if value is None else presets.written(value)


def _composed() -> Iterator[Case]:
    for names, changes in _all_changes():
        overrides = tuple(f"{name}={written(value)}" for name, value in changes.items())
        yield Case(COMPOSED, " ".join(overrides), names, overrides)
    # Other spellings of numbers, and what is not Hydra's.
    for name in ("train.epochs", "noise", "seeds", "threads", "model.width", "sparse", "train.milestones"):
        for value in (
            "010",
            "1:30",
            "0x10",
            "+1",
            "0b1",
            "1.",
            ".5.",
            "1e",
            "--1",
            "٣",
            "1,5",
            "$(touch PWNED)",
            "`x`",
            "{",
            "]",
        ):
            yield Case(COMPOSED, f"{name}={value}", (name,), (f"{name}={value}",), may_be_read=value in ("+1", "1."))
    for given in (
        "rounds=5",
        "rounds.r01=../../src",
        "redense_rounds=[x]",
        "+nosie=1",
        "~noise",
        "hydra.run.dir=x",
        "noise",
        "=5",
    ):
        yield Case(COMPOSED, given, (given.lstrip("+~").split("=")[0].split(".")[0],), (given,))


def _queued() -> Iterator[Case]:
    right = {"noise": "0.2", "train.lr": "0.1", "seeds": "[0]", "n_rounds": "3", "prune.criterion": "magnitude"}
    for name, one in right.items():
        for value in WRONG[name]:
            text = f"{name}={one},{written(value)}"
            if "," not in written(value) or isinstance(value, list | dict):
                yield Case(QUEUED, text, (name,), (text,))
    for given in (
        ("noise=0.2,0.20",),
        ("seeds=0,1",),
        ("n_rounds=2,3", "nosie=1,2"),
        ("rounds=1,2",),
        ("train=1,2",),
        ("noise=0.2,",),
    ):
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
    return params.model_dump() | {name: derive(params) for name, derive in config.DERIVED.items()}


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
    default = _default()
    for names, changes in _all_changes():
        yield Case(EDITED, str(changes)[:60], names, text=edited(changes))
    text = _dumped(default)
    for name in ("epochs", "noise", "threads", "n_rounds", "width", "plane", "lr"):
        line = next(line for line in text.splitlines() if line.strip().startswith(f"{name}:"))
        start = line[: line.index(":") + 1]
        for value in (
            "010",
            "1:30",
            "no",
            "0x10",
            "0o17",
            "1_000",
            "+1",
            ".5",
            "1e-3",
            "~",
            "[0, 010]",
            "'1'",
            "!!str 1",
            "!x 1",
            "&a 1",
            "*a",
            "|",
            "@",
            "1 2",
        ):
            yield Case(
                EDITED,
                f"{start} {value}",
                (name, "params.yaml"),
                text=text.replace(line, f"{start} {value}", 1),
                may_be_read=True,
            )
        for what, new in (
            ("twice", f"{line}\n{line}"),
            ("left out", ""),
            ("a tab", f"{start}\t{'{'}"),
            ("of a class", f"{start} !!python/object/apply:os.system [touch PWNED]"),
        ):
            yield Case(
                EDITED,
                f"{name} {what}",
                (name, "params.yaml"),
                text=text.replace(f"{line}\n", f"{new}\n", 1),
                may_be_read=what == "left out",
            )
    for rounds in (
        "5",
        "[]",
        "{}",
        "~",
        "{'r03; touch PWNED #': r02}",
        "{'../../src': r00}",
        "{r01: '../../src'}",
        "[r00]",
        "{r01: [1]}",
        "{1: 2}",
        "{r01: r00, r01: r00}",
        "{r1: r00}",
    ):
        for name in config.DERIVED:
            lines = text[text.index(f"\n{name}:") + 1 :]
            end = next((i for i, line in enumerate(lines.splitlines(True)[1:], 1) if not line.startswith(" ")), None)
            old = "".join(lines.splitlines(True)[:end])
            yield Case(
                EDITED,
                f"{name}: {rounds}",
                (name, "params.yaml"),
                text=text.replace(old, f"{name}: {rounds}\n"),
                may_be_read=yaml.safe_load(old) == {name: yaml.load(rounds, yaml.BaseLoader)},
            )
    bomb = "a: &a [x,x,x,x,x,x,x,x,x]\n" + "".join(
        f"{b}: &{b} [{','.join([f'*{a}'] * 9)}]\n" for a, b in zip("abcdefgh", "bcdefghi", strict=True)
    )
    for what, whole_text in (
        ("empty", ""),
        ("a list", "- noise\n"),
        ("text", "noise\n"),
        ("null", "~\n"),
        ("two documents", f"{text}---\n{text}"),
        ("zeros", "\0" * 100),
        ("not UTF-8", "\udcff\udcfe: 1"),
        ("half", text[: len(text) // 2]),
        ("deep", "[" * 5000),
        ("a bomb", bomb + text),
        ("a number as a name", f"5: 1\n{text}"),
        ("a list as a name", f"[a]: 1\n{text}"),
        ("null as a name", f"~: 1\n{text}"),
        ("a huge number", text.replace("noise: 0.4", "noise: " + "9" * 6000)),
        ("merged", f"<<: {{noise: 2}}\n{text}"),
        ("a tab", f"\tnoise: 1\n{text}"),
        ("a percent sign", f"%x\n{text}"),
        ("CR", text.replace("\n", "\r") + "x"),
        ("a long name", f"{'n' * 3000}: 1\n{text}"),
        ("a name of two lines", f'"a\\nb": 1\n{text}'),
    ):
        yield Case(EDITED, what, ("",), text=whole_text, may_be_read=what == "merged")


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
        return Outcome(case, "as DVC reads it", "")
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
