"""dvc.yaml as everything else reads it: which kinds of stages there are, for what each is made, and what it is given.

What all rounds of a run were given, parameters and code, stands once in dvc.lock, with the stage that makes the common
basis of them (BASIS). It writes it into data/common/origin too (artifacts.GIVEN), so what depends on data/common is
made again when any of it changes, and does not list it: the lock, which DVC writes anew after every stage, is half as
long.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from prunelab import yaml12

FILE = "dvc.yaml"
COMMON = "data/common"
BASIS = "dense"
Values = Mapping[str, Any]


@dataclass(frozen=True)
class Kind:
    """One entry of dvc.yaml, made once or for each item of a `foreach`; what it is filled with is still `${...}`."""

    name: str
    over: str | None  # the parameter with the items
    deps: list[str]
    params: list[str] | None  # dotted names; None: all there are
    outs: list[str]
    in_git: list[str]  # of its outputs, those that DVC does not cache

    def items(self, params: Values) -> dict[str, str] | None:
        """For what it is made: key -> item; None if it is made once. Raises LookupError without that parameter."""
        if self.over is None:
            return None
        over = at(params, self.over)
        return dict(over) if isinstance(over, Mapping) else dict(zip(over, over, strict=True))


@dataclass(frozen=True)
class Stage:
    """One stage of a run: a kind with everything filled in."""

    name: str  # such as prune@r07
    kind: str
    deps: list[str]
    params: list[str] | None
    outs: list[str]
    in_git: list[str]


def load(root: Path = Path()) -> dict[str, Kind]:
    """The kinds of stages, in dvc.yaml's order, which is one in which they can run."""
    return kinds(yaml12.load(root / FILE))


def kinds(pipeline: Values) -> dict[str, Kind]:
    """The same from dvc.yaml's content."""
    return {name: _kind(name, entry) for name, entry in pipeline.get("stages", {}).items()}


def _kind(name: str, entry: Values) -> Kind:
    over = entry["foreach"][2:-1] if "foreach" in entry else None
    entry = entry.get("do", entry)
    outs = [*entry.get("outs", []), *entry.get("metrics", [])]
    flags = {path: how for out in outs for path, how in (out if isinstance(out, Mapping) else {out: {}}).items()}
    params = entry.get("params", [])
    return Kind(
        name,
        over,
        list(entry.get("deps", [])),
        None if params == [{"params.yaml": None}] else list(params),
        list(flags),
        [path for path, how in flags.items() if how.get("cache") is False],
    )


def given(kind: Kind, all_kinds: Mapping[str, Kind]) -> tuple[list[str], list[str] | None]:
    """Dependencies and parameters, also those that it has by way of data/common (see above)."""
    if COMMON not in kind.deps or kind.params is None:
        return kind.deps, kind.params
    basis = all_kinds[BASIS]
    code = [dep for dep in basis.deps if dep.startswith("src/")]
    return [*kind.deps, *code], [*(basis.params or []), *kind.params]


def stages(pipeline: Values, params: Values) -> Iterator[Stage]:
    """All stages that a run with these parameters has, in order. Raises LookupError naming a parameter it lacks."""
    for kind in kinds(pipeline).values():
        items = kind.items(params)
        if items is None:
            yield _filled(kind.name, kind, params)
        else:
            for key, item in items.items():
                yield _filled(f"{kind.name}@{key}", kind, {**params, "key": key, "item": item})


def _filled(name: str, kind: Kind, scope: Values) -> Stage:
    def fill(texts: list[str]) -> list[str]:
        return [re.sub(r"\$\{([^}]+)\}", lambda found: str(at(scope, found[1])), text) for text in texts]

    return Stage(name, kind.name, fill(kind.deps), kind.params, fill(kind.outs), fill(kind.in_git))


def at(values: Values, name: str) -> Any:
    """By dotted name. Raises LookupError if there is none."""
    found: Any = values
    for part in name.split("."):
        if not isinstance(found, Mapping) or part not in found:
            raise LookupError(name)
        found = found[part]
    return found
