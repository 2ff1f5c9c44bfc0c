"""What `-S name=value` may say, in one line where it may not.

Hydra has its own words for most of it, hundreds of them; this comes before Hydra's composition (hydra_plugins/chain.py)
and, for `prunelab queue` and `sweep`, before its parser too.
"""

import re
import shlex
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from prunelab import config, presets, schema
from prunelab.errors import UserError, cut

# A list of as many seeds as may be has fewer letters. Hydra's parser takes minutes for ten times as many.
LONGEST = 12_000
NAME = re.compile(r"[A-Za-z_][\w.]*")

MOST = 8  # names that a line lists


def parse(overrides: Sequence[str]) -> list[Any]:
    """Hydra's parsed overrides. Raises UserError with one line on the first that it cannot read, with quotes added."""
    from hydra.core.override_parser.overrides_parser import OverridesParser
    from hydra.errors import HydraException

    parser = OverridesParser.create()
    parsed = []
    for override in overrides:
        if len(override) > LONGEST:
            raise UserError(f"{cut(override)}: is too long, must have at most {LONGEST} letters")
        try:
            parsed += parser.parse_overrides([override])
        except HydraException:
            raise UserError(unreadable(override)) from None
    return parsed


def unreadable(override: str) -> str:
    """The line for what Hydra cannot parse."""
    name, equals, value = override.partition("=")
    if not equals or not NAME.fullmatch(name):
        return f"{override}: not name=value[,value...]"
    quoted = presets.quoted(value.strip("\"'"))
    if len(quoted) > 80:
        return f"{cut(name)}={cut(value)}: cannot be read; text goes in quotes: '{cut(name)}=\"...\"'"
    return f"{name}={value}: cannot be read; as text it is {shlex.quote(f'{name}={quoted}')}"


def check(parsed: Sequence[Any], root: Path) -> None:
    """Look at each override by itself; what its value may be, config.validate says.

    Args:
        parsed: Hydra's `Override`s.
        root: the repository.

    Raises:
        UserError: one line that names the parameter.
    """
    for override in parsed:
        name, given = override.key_or_group, cut(override.input_line)
        if name.split(".")[0] in config.DERIVED:
            raise UserError(f"{given}: is derived from {config.DERIVED[name.split('.')[0]].source}; change those")
        if name.split(".")[0] == "hydra" or override.package is not None or "/" in name:
            raise UserError(f"{given}: not a parameter; known are {', '.join(schema.Config.model_fields)}")
        known = _is_known(name)
        if override.is_delete():
            hint = _change(name) if known else _unknown(name)
            raise UserError(f"{given}: a parameter cannot be taken away; {hint}")
        if not known:
            raise UserError(f"{given.lstrip('+')}: {_unknown(name)}")
        if override.is_add() or override.is_force_add():
            raise UserError(f"{given}: the parameter is there; change it without the plus sign: {given.lstrip('+')}")
        if not override.is_sweep_override():
            _check_value(name, override.value(), given.partition("=")[2], root)


def _check_value(name: str, value: Any, text: str, root: Path) -> None:
    if _fields(name):
        within = [f"{name}.{one}" for one in _fields(name)]
        more = f" and {len(within) - MOST} more" if len(within) > MOST else ""
        raise UserError(f"{name}={cut(str(value))}: is a section; set one of {', '.join(within[:MOST])}{more}")
    if name == "setting" and value not in presets.names(root):
        raise UserError(presets.allowed(value, root))
    if name == "data_root" and not isinstance(value, str) and not hasattr(value, "text"):
        written = shlex.quote(f"data_root={presets.quoted(text)}")
        raise UserError(f"data_root={text}: is read as {_kind(value)}, must be a path; as text it is {written}")


def _unknown(name: str) -> str:
    parent = name.rpartition(".")[0]
    if parent and _is_known(parent) and not _fields(parent):
        return f"unknown parameter; {parent} is a single value"
    return config.unknown(name, None).partition(": ")[2]


def _fields(name: str) -> dict[str, Any]:
    """Of a section, by name; empty for a single value."""
    return dict(getattr(schema.field(tuple(name.split("."))).annotation, "model_fields", None) or {})


def _is_known(name: str) -> bool:
    *sections, last = name.split(".")
    parent = schema.field(tuple(sections)) if sections else None
    fields = getattr(parent.annotation, "model_fields", {}) if parent else schema.Config.model_fields
    return len(sections) <= 1 and last in fields


def _change(name: str) -> str:
    return f"it is changed by {name}=VALUE, which must be {schema.allowed(tuple(name.split('.')))}"


def _kind(value: object) -> str:
    if value is None:
        return "nothing"
    return {bool: "true or false", int: "a number", float: "a number", list: "a list"}.get(type(value), "named values")
