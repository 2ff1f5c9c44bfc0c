"""params.yaml as frozen, validated settings (schema.py); anything wrong in it ends in one line.

A stage gets only what dvc.yaml declares for it (`read`): what it could read undeclared, DVC could not version.
"""

import difflib
from collections.abc import Mapping
from pathlib import Path
from typing import Any, cast

from pydantic import BaseModel, ValidationError

from prunelab import pipeline, presets, studies, yaml12
from prunelab.errors import UserError, cut, short
from prunelab.fields import Derived
from prunelab.schema import Config, allowed, field


def needs_rounds(config: Config) -> bool:
    """Whether a chosen study looks at the dense network and its pruning rounds."""
    return any(studies.parameters(name).ROUNDS for name in config.studies)


def early_networks(config: Config) -> list[str]:
    """The early ensemble, where a chosen study looks at it."""
    return ["ensemble"] if any(getattr(studies.parameters(name), "EARLY", False) for name in config.studies) else []


def dense_rounds(config: Config) -> list[str]:
    """The dense network's round, r00, where one is needed."""
    return ["r00"] if needs_rounds(config) else []


def round_chain(config: Config) -> dict[str, str]:
    """Each pruning round and the round it prunes; r00 is the dense model. None where no study needs them.

    Iterative: {"r01": "r00", "r02": "r01", ...}. One-shot: every round prunes r00.
    """
    before = {"iterative": lambda i: i - 1, "one_shot": lambda i: 0}[config.prune.schedule]
    last = config.n_rounds if needs_rounds(config) else 0
    return {f"r{i:02d}": f"r{before(i):02d}" for i in range(1, last + 1)}


def chosen(config: Config) -> dict[str, list[str]]:
    """Each study, and itself if it is chosen: over what its stages that are no round's are made."""
    return {name: [name] if name in config.studies else [] for name in studies.names()}


def plotted(config: Config) -> dict[str, str]:
    """Each study, and the folder of plots/ that DVC shows for it: one of tables without a row, if it is not chosen."""
    return {name: name if name in config.studies else "not_chosen" for name in studies.names()}


def _of_study(name: str, derived: Derived) -> Derived:
    """Nothing to make where the study is not chosen."""
    return Derived(lambda config: derived.derive(config) if name in config.studies else [], derived.source)


# What conf/ derives from the parameters; hydra_plugins/chain.py makes a resolver of each.
DERIVED: dict[str, Derived] = {
    "early_networks": Derived(early_networks, "studies"),
    "dense_rounds": Derived(dense_rounds, "studies"),
    "rounds": Derived(round_chain, "n_rounds and prune.schedule"),
    "chosen": Derived(chosen, "studies"),
    "plotted": Derived(plotted, "studies"),
} | {
    name: _of_study(study, derived)
    for study in studies.names()
    for name, derived in studies.parameters(study).DERIVED.items()
}


def derived(config: Config) -> dict[str, Any]:
    """Everything that conf/ derives from the parameters, by name."""
    return {name: one.derive(config) for name, one in DERIVED.items()}


def validate(values: Mapping[str, Any]) -> Config:
    """Check a whole study.

    Raises UserError with one line: which parameter, what it was, what is allowed.
    """
    try:
        config = Config.model_validate(dict(values))
    except ValidationError as error:
        raise UserError(_one_line(error)) from None
    for name in config.studies:
        if check := getattr(studies.parameters(name), "check", None):
            check(config)
    return config


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
    given = {name: values.pop(name, None) for name in DERIVED}
    odd = next((name for name in yaml12.names(values) if not isinstance(name, str)), None)
    if odd is not None:
        raise UserError(f"params.yaml: {short(odd)} is no name of a parameter")
    config = validate(values)
    if (root / presets.CONF).is_dir() and config.setting not in presets.names(root):
        raise UserError(presets.allowed(config.setting, root))
    for name, right in derived(config).items():
        if given[name] != right:
            raise UserError(
                f"params.yaml: `{name}` does not match {DERIVED[name].source}, from which "
                "`dvc exp run -S name=value` derives it; use that, not an editor"
            )
    names = declared(stage, root)
    return config if names is None else cast(Config, _Declared(config, stage, "", names))


def declared(stage: str, root: Path = Path()) -> list[str] | None:
    """The dotted names of the parameters that a stage is given (pipeline.given); None for the whole file."""
    kinds = pipeline.load(root)
    return pipeline.given(kinds[stage], kinds)[1]


def rounds_of(stage: str, root: Path = Path()) -> dict[str, str]:
    """The rounds that dvc.yaml makes a stage for, and of each what it starts from: for `prune`, the round it prunes.

    Not among a stage's parameters but in its paths, data/rounds/${item}; `read` has checked that they are as derived.
    """
    return pipeline.load(root)[stage].items(yaml12.load(root / "params.yaml")) or {}


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


def _named(path: tuple[Any, ...]) -> list[str]:
    """The names in a path, down to a parameter: what follows are positions in a list, and kinds of a union."""
    names: list[str] = []
    for part in path:
        found = field(tuple(names)) if names else None
        if not isinstance(part, str) or (found is not None and not getattr(found.annotation, "model_fields", None)):
            break
        names.append(part)
    return names


def _one_line(error: ValidationError) -> str:
    """The first thing that is wrong, in the form `train.lr=-1: must be a number greater than 0`."""
    # Misspelt names first: a misspelt `noise` is also a missing `noise`, and the former says what to do.
    first = sorted(error.errors(), key=lambda e: e["type"] != "extra_forbidden")[0]
    path = tuple(first["loc"])
    name = ".".join(_named(path))
    if first["type"] == "extra_forbidden":
        return unknown(name, first["input"])
    if first["type"] == "missing":
        return f"{name}: is missing; must be {allowed(path)}"
    if first["type"] == "value_error":  # what no single value shows, of the whole or of a section
        return str(first["ctx"]["error"])
    if not path:
        return "params.yaml: must hold named values"
    return f"{cut(name)}={short(first['input'])}: must be {allowed(path)}"
