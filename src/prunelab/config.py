"""params.yaml as frozen, validated settings (schema.py); anything wrong in it ends in one line.

A stage gets only what dvc.yaml declares for it (`read`): what it could read undeclared, DVC could not version.
"""

import difflib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from prunelab import presets, yaml12
from prunelab.errors import UserError, cut, short
from prunelab.schema import Config, allowed, field


def round_chain(config: Config) -> dict[str, str]:
    """Each pruning round and the round it prunes; r00 is the dense model.

    Iterative: {"r01": "r00", "r02": "r01", ...}. One-shot: every round prunes r00.
    """
    before = {"iterative": lambda i: i - 1, "one_shot": lambda i: 0}[config.prune.schedule]
    return {f"r{i:02d}": f"r{before(i):02d}" for i in range(1, config.n_rounds + 1)}


def redense_rounds(config: Config) -> list[str]:
    """The rounds that are re-dense trained, from r00 on."""
    return [f"r{i:02d}" for i in range(0, config.n_rounds + 1, config.redense.every)]


def reinit_rounds(config: Config) -> list[str]:
    """The rounds whose masks are trained from a new initialisation as well; none if `reinit.every` is 0."""
    every = config.reinit.every
    return [f"r{i:02d}" for i in range(every, config.n_rounds + 1, every)] if every else []


def landscape_rounds(config: Config) -> list[str]:
    """Of the re-dense rounds, every such one, from r00 on; none if `landscape.every` is 0."""
    every = config.landscape.every
    return redense_rounds(config)[::every] if every else []


# What conf/ derives from the parameters; hydra_plugins/chain.py makes a resolver of each.
DERIVED: dict[str, Callable[[Config], Any]] = {
    "rounds": round_chain,
    "redense_rounds": redense_rounds,
    "reinit_rounds": reinit_rounds,
    "landscape_rounds": landscape_rounds,
}


def validate(values: Mapping[str, Any]) -> Config:
    """Check a whole study.

    Raises UserError with one line: which parameter, what it was, what is allowed.
    """
    try:
        return Config.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(_one_line(error)) from None


def read(stage: str, root: Path = Path()) -> Config:
    """The settings of one stage: all of params.yaml is checked, but only what dvc.yaml declares can be read.

    Args:
        stage: the stage's name in dvc.yaml, without `@rNN`.
        root: the repository; stages run there.

    Raises:
        UserError: params.yaml holds something that is not allowed.
        AttributeError: (on access) the stage reads a parameter that its entry in dvc.yaml does not list.
    """
    values = yaml12.load(root / "params.yaml")
    derived = {name: values.pop(name, None) for name in DERIVED}
    odd = next((name for name in yaml12.names(values) if not isinstance(name, str)), None)
    if odd is not None:
        raise UserError(f"params.yaml: {short(odd)} is no name of a parameter")
    config = validate(values)
    if (root / presets.CONF).is_dir() and config.setting not in presets.names(root):
        raise UserError(presets.allowed(config.setting, root))
    for name, derive in DERIVED.items():
        if derived[name] != derive(config):
            raise UserError(
                f"params.yaml: `{name}` does not match n_rounds={config.n_rounds} and the like, from which "
                "`dvc exp run -S n_rounds=...` derives it; use that, not an editor"
            )
    names = declared(stage, root)
    return config if names is None else cast(Config, _Declared(config, stage, "", names))


def declared(stage: str, root: Path = Path()) -> list[str] | None:
    """The dotted names of the parameters that dvc.yaml declares for a stage; None for the whole file."""
    entry = yaml12.load(root / "dvc.yaml")["stages"][stage]
    names = entry.get("do", entry).get("params", [])
    return None if names == [{"params.yaml": None}] else names


def rounds_of(stage: str, root: Path = Path()) -> dict[str, str]:
    """The rounds that dvc.yaml makes a stage for, and of each what it starts from: for `prune`, the round it prunes.

    Not among a stage's parameters but in its paths, data/rounds/${item}; `read` has checked that they are as derived.
    """
    over = yaml12.load(root / "dvc.yaml")["stages"][stage]["foreach"]
    found = yaml12.load(root / "params.yaml")[over[2:-1]]
    return dict(found) if isinstance(found, Mapping) else dict(zip(found, found, strict=True))


def at(params: Any, name: str) -> Any:
    """The value of a dotted name, such as "train.lr"."""
    for part in name.split("."):
        params = getattr(params, part)
    return params


class _Declared:
    """A view of settings that lets only declared names through."""

    def __init__(self, section: BaseModel, stage: str, path: str, names: list[str]) -> None:
        self._section, self._stage, self._path, self._names = section, stage, path, names

    def __getattr__(self, name: str) -> Any:
        path = f"{self._path}{name}"
        value = getattr(self._section, name)
        if path in self._names:
            return value
        if any(declared.startswith(path + ".") for declared in self._names):
            return _Declared(value, self._stage, path + ".", self._names)
        raise AttributeError(f"stage {self._stage} reads {path}, which dvc.yaml does not declare for it")


def unknown(name: str, value: object) -> str:
    """The line for a parameter that does not exist, by its dotted name."""
    *sections, last = name.split(".")
    parent = field(tuple(sections)) if sections else None
    known = list(getattr(parent.annotation, "model_fields", {}) if parent else Config.model_fields)
    close = difflib.get_close_matches(last, known, 1)
    hint = f"did you mean {'.'.join([*sections, close[0]])}?" if close else "known are " + ", ".join(known)
    return f"{cut(name)}={short(value)}: unknown parameter; {hint}"


def _one_line(error: ValidationError) -> str:
    """The first thing that is wrong, in the form `train.lr=-1: must be a number greater than 0`."""
    # Misspelt names first: a misspelt `noise` is also a missing `noise`, and the former says what to do.
    first = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
    path = tuple(first["loc"])
    name = ".".join(str(part) for part in path if isinstance(part, str))
    if first["type"] == "extra_forbidden":
        return unknown(name, first["input"])
    if first["type"] == "missing":
        return f"{name}: is missing; must be {allowed(path)}"
    if not path:
        return str(first["ctx"]["error"]) if "ctx" in first else "params.yaml: must hold named values"
    return f"{cut(name)}={short(first['input'])}: must be {allowed(path)}"
