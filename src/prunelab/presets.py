"""Which `-S` options give some parameters: the preset's name, and what differs from its values."""

import difflib
import json
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from prunelab import yaml12
from prunelab.errors import cut

CONF = Path("conf")
# Text that Hydra takes for text without quotes, but for these words.
PLAIN = re.compile(r"[A-Za-z_./][A-Za-z0-9_./-]*")
NUMBER = re.compile(r"\.[0-9_]+(?:e-?[0-9]+)?", re.IGNORECASE)  # such as .5
WORDS = ("true", "false", "null", "inf", "nan")


def values(setting: str, root: Path = Path()) -> dict[str, Any]:
    """A preset's parameters by dotted name: conf/config.yaml, the studies' sections, and over them its own.

    What is derived from others (`${...}`) is left out.
    """
    found: dict[str, Any] = {}
    parts = [CONF / "study" / f"{name}.yaml" for name in sections(root)]
    for file in (CONF / "config.yaml", *parts, CONF / "setting" / f"{setting}.yaml"):
        content = yaml12.load(root / file)
        content.pop("defaults", None)
        found |= yaml12.flat(content)
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
    content = yaml12.load(root / CONF / "config.yaml")
    return str(content["setting"])


def names(root: Path = Path()) -> list[str]:
    """All presets."""
    return sorted(file.stem for file in (root / CONF / "setting").glob("*.yaml"))


def sections(root: Path = Path()) -> list[str]:
    """The studies that have a section of parameters, conf/study/NAME.yaml."""
    return sorted(file.stem for file in (root / CONF / "study").glob("*.yaml"))


def allowed(given: object, root: Path = Path()) -> str:
    """The line for a preset that there is not."""
    known = names(root)
    close = difflib.get_close_matches(str(given), known, 3)
    some = [*close, *(name for name in known if name not in close)]
    more = f" and {len(some) - 6} more in conf/setting/" if len(some) > 6 else ""
    return f"setting={cut(str(given))}: must be one of {', '.join(some[:6])}{more}"


def written(value: Any) -> str:
    """As Hydra reads it."""
    if isinstance(value, list):
        return f"[{','.join(map(written, value))}]"
    if isinstance(value, bool):
        return json.dumps(value)
    if isinstance(value, str):
        plain = PLAIN.fullmatch(value) and value.lower() not in WORDS and not NUMBER.fullmatch(value)
        return value if plain else quoted(value)
    return str(value)


def quoted(text: str) -> str:
    """Text in quotes, whatever is in it: a backslash escapes only where it comes before a quote."""
    text = re.sub(r'(\\*)"', r'\1\1\\"', text)
    return '"' + re.sub(r"(\\+)$", r"\1\1", text) + '"'
