"""Which `-S` options give some parameters: the preset's name, and what differs from its values."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

CONF = Path("conf")


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested parameters by dotted name."""
    result: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping):
            result |= flat(value, f"{prefix}{key}.")
        else:
            result[f"{prefix}{key}"] = value
    return result


def values(setting: str, root: Path = Path()) -> dict[str, Any]:
    """A preset's parameters by dotted name: conf/config.yaml and what conf/setting/NAME.yaml puts over it.

    What is derived from others (`${...}`) is left out.
    """
    found: dict[str, Any] = {}
    for file in (CONF / "config.yaml", CONF / "setting" / f"{setting}.yaml"):
        content = yaml.safe_load((root / file).read_text(encoding="utf-8"))
        content.pop("defaults", None)
        found |= flat(content)
    return {name: value for name, value in found.items() if not (isinstance(value, str) and value.startswith("${"))}


def overrides(settings: Mapping[str, Any], root: Path = Path()) -> list[str]:
    """As `-S` takes them: the preset, if it is not the default one, and what differs from it.

    Args:
        settings: parameters by dotted name.
        root: the repository.
    """
    setting = str(settings["setting"])
    preset = values(setting, root)
    changed = {name: settings[name] for name in preset if name in settings and settings[name] != preset[name]}
    first = [f"setting={setting}"] if setting != default(root) else []
    return first + [f"{name}={written(value)}" for name, value in changed.items() if name != "setting"]


def default(root: Path = Path()) -> str:
    """The name of the preset that is loaded when none is named."""
    content = yaml.safe_load((root / CONF / "config.yaml").read_text(encoding="utf-8"))
    return str(content["setting"])


def written(value: Any) -> str:
    """As Hydra reads it."""
    return json.dumps(value, separators=(",", ":")) if isinstance(value, list | bool) else str(value)
