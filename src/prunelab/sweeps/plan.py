"""A grid of experiments before it runs: names, checked parameters, and which stages its points share.

A point shares a stage with another if they agree on every parameter that the stage and those before it declare.
"""

import re
import subprocess
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, zip_longest
from pathlib import Path
from typing import Any

from prunelab import pipeline, yaml12
from prunelab.errors import UserError, cut
from prunelab.overrides import check, parse
from prunelab.programs import output
from prunelab.sweeps import replicates

# Stages every study passes through, in order. What else is shared (re-dense rounds, say) hangs on these.
TRUNK = ("fetch", "corrupt", "dense", "prune")
# Of a name, in bytes: with what is added to those of parts and of shared stages it is a file's, of at most 255.
LONGEST = 120


@dataclass(frozen=True)
class Point:
    """One experiment to be."""

    name: str
    overrides: tuple[str, ...]  # "noise=0.2", as `dvc exp run -S` takes them
    params: Mapping[str, Any]  # what they compose to


@dataclass(frozen=True)
class Shared:
    """Stages that several points need: all of TRUNK up to `target`."""

    target: str
    members: tuple[Point, ...]
    parent: int | None  # position of the Shared that must come first, if any


def points(overrides: Sequence[str], prefix: str = "", *, apart: bool = False) -> list[Point]:
    """Every combination of `name=value,value` overrides, composed and checked as `dvc exp run` would.

    Args:
        overrides: Hydra's syntax, lists in brackets: "noise=0.2,0.4", "seeds=[0,1,2]". Seeds outside of brackets
            ("seeds=0,1,2", "seeds=range(0,3)") are one study's (replicates.py).
        prefix: goes before each name.
        apart: such seeds are allowed.

    Raises:
        UserError: one line: not an override, a value that is not allowed (the line names it), or one given twice.
    """
    from dvc.exceptions import DvcException
    from dvc.utils.hydra import get_hydra_sweeps
    from hydra.errors import HydraException

    parsed = parse(overrides)
    check(parsed, Path())
    varying = [override.key_or_group for override in parsed if override.is_sweep_override()]
    seeds = replicates.swept(parsed)
    typed = next((cut(text) for text in overrides if text.startswith(f"{replicates.SEEDS}=")), "")
    if seeds is not None and not apart:
        raise UserError(f"{typed}: one study in parts is for `prunelab sweep`; here give a list, such as seeds=[0,1,2]")
    if seeds is not None:
        overrides = replicates.listed(overrides, seeds)
    try:
        combined = [tuple(sweep["params.yaml"]) for sweep in get_hydra_sweeps({"params.yaml": list(overrides)})]
    except (HydraException, DvcException) as error:
        raise UserError(f"{' '.join(overrides)}: {' '.join(str(error).split())}") from None
    shown = varying or [override.key_or_group for override in parsed]
    try:
        composed = [(some, compose(some)) for some in combined]
    except UserError as error:
        refused, must, allowed = str(error).partition(": must ")
        if seeds is None or not refused.startswith(f"{replicates.SEEDS}="):
            raise
        raise UserError(f"{typed}{must}{allowed}") from None
    known = {} if seeds is None else {replicates.SEEDS: replicates.span(seeds)}
    found = [Point(_name(some, shown, prefix, known), some, params) for some, params in composed]
    names = [point.name for point in found]
    twice = next((name for name in names if names.count(name) > 1), None)
    if twice:
        raise UserError(f"{twice}: two points of the grid have this name; are two values the same?")
    for name in names:
        _check(name)
    return found


def _check(name: str) -> None:
    """Raises UserError for what git and DVC would not take as an experiment's name, or only when it was computed."""
    if len(name.encode()) > LONGEST:
        raise UserError(f"{cut(name)}: an experiment's name must be at most {LONGEST} letters long; sweep over less")
    if (
        "/" in name
        or name.startswith("-")
        or subprocess.run(["git", "check-ref-format", f"refs/exps/{name}"]).returncode
    ):
        raise UserError(f"{cut(name)}: not a name that an experiment can have; --name: letters, digits, -, _ and dots")


def compose(overrides: Sequence[str], root: Path = Path()) -> dict[str, Any]:
    """Parameters of one experiment. Raises UserError with the line that `dvc exp run` would end with."""
    from dvc.utils.hydra import compose_and_dump
    from hydra.errors import HydraException

    root = root.resolve()
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "params.yaml"
        try:
            compose_and_dump(file, str(root / "conf"), None, "config", str(root), list(overrides))
        except SystemExit as stopped:  # hydra_plugins ends DVC this way
            raise UserError(str(stopped.code).removeprefix("error: ")) from None
        except HydraException as error:
            raise UserError(f"{' '.join(overrides)}: {' '.join(str(error).split())}") from None
        return yaml12.load(file)


def recorded(commit: str) -> Any:
    """The parameters of an experiment that is there, as its commit has them."""
    return yaml12.parse(output("git", "show", f"{commit}:./params.yaml"), "params.yaml")


def shared(some: Sequence[Point], root: Path = Path()) -> list[Shared]:
    """What two or more points share, as a tree: wide groups first. Of each group, the last stage of TRUNK."""
    found: dict[tuple[str, ...], tuple[str, tuple[Point, ...]]] = {}
    kinds = pipeline.load(root)
    for target, groups in _groups(some, root).items():
        for group in groups:
            if len(group) > 1 and kinds[target].items(group[0].params) != {}:
                found[tuple(point.name for point in group)] = (target, tuple(group))
    result: list[Shared] = []
    for names, (target, members) in found.items():  # dictionaries keep their order: wide groups come first
        parents = [i for i, other in enumerate(result) if {p.name for p in other.members} > set(names)]
        result.append(Shared(target, members, parents[-1] if parents else None))
    return result


def spread(some: Sequence[Point], root: Path = Path()) -> list[Point]:
    """The same points, such that neighbours share as little as possible: workers then rarely do the same twice."""
    groups = _groups(some, root)["dense"]
    return [point for point in chain.from_iterable(zip_longest(*groups)) if point is not None]


def options(overrides: Sequence[str]) -> list[str]:
    """Overrides as `dvc exp run` takes them: -S before each."""
    return [part for override in overrides for part in ("-S", override)]


def num_stages(params: Mapping[str, Any], root: Path = Path()) -> int:
    """How many stages an experiment has."""
    return len(list(pipeline.stages(yaml12.load(root / pipeline.FILE), params)))


def _groups(some: Sequence[Point], root: Path) -> dict[str, list[list[Point]]]:
    """For each stage of TRUNK, points that share it."""
    kinds = pipeline.load(root)
    result = {}
    declared: list[str] = []
    for stage in TRUNK:
        over = kinds[stage].over
        declared += [*(kinds[stage].params or []), *([over] if over else [])]
        groups: dict[str, list[Point]] = {}
        for point in some:
            groups.setdefault(repr([yaml12.at(point.params, name) for name in declared]), []).append(point)
        result[stage] = list(groups.values())
    return result


def _name(overrides: Sequence[str], shown: Sequence[str], prefix: str, known: Mapping[str, str]) -> str:
    """Readable, and allowed as the name of a git reference: noise-0.2_criterion-random. `known`: shorter values."""
    values = {name: value for name, _, value in (override.partition("=") for override in overrides)}
    values = {name: _short(value) for name, value in values.items()} | dict(known)
    cleaned = {name: re.sub(r"[^A-Za-z0-9.]+|\.{2,}", "-", values[name]).strip("-.") for name in shown}
    parts = [f"{name.split('.')[-1]}-{value}" for name, value in cleaned.items()]
    return "_".join([prefix, *parts] if prefix else parts)


def _short(value: str) -> str:
    """A list of many whole numbers, such as seeds, as the sweep over one study's seeds names them."""
    if not re.fullmatch(r"\[[\d,\s]+\]", value):
        return value
    numbers = [int(number) for number in re.findall(r"\d+", value)]
    return replicates.span(numbers) if len(numbers) > replicates.NAMED else value
