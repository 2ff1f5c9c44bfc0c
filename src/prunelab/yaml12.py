"""YAML as DVC reads it: version 1.2, where 010 is ten, `no` and 1:30 are text, 1e-3 is a number, no name comes twice.

Another reader would train one thing while DVC records another.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from ruamel.yaml import YAML, YAMLError

from prunelab.errors import UserError, cut


def parse(text: str | bytes, name: str) -> Any:
    """The content of a YAML file.

    Args:
        text: all of it, UTF-8 if bytes.
        name: of the file, for the message.

    Raises:
        UserError: one line: it is not YAML, or not text.
    """
    try:
        return YAML(typ="safe").load(text.decode() if isinstance(text, bytes) else text)
    except (YAMLError, ValueError, RecursionError) as error:
        # The library's explanation of a name that comes twice goes on for five lines.
        said = " ".join(str(error).split()).partition(" To suppress")[0].replace(' in "<unicode string>",', ",")
        raise UserError(f"{name}: is not YAML ({cut(said, 200) or type(error).__name__})") from None


def load(path: Path) -> dict[str, Any]:
    """A file of named values, such as params.yaml.

    Raises:
        UserError: one line: it is not there, not YAML, or holds something else.
    """
    try:
        found = parse(path.read_bytes(), str(path))
    except FileNotFoundError:
        raise UserError(f"{path}: not found; run from the root of the repository") from None
    if not isinstance(found, dict):
        raise UserError(f"{path}: must hold named values")
    return found


def at(values: Mapping[str, Any], name: str) -> Any:
    """The value of a dotted name, such as "train.lr"; None if there is none."""
    found: Any = values
    for part in name.split("."):
        found = found.get(part) if isinstance(found, Mapping) else None
    return found


def names(values: Mapping[Any, Any]) -> Iterator[Any]:
    """All names, those in sections too; a hand-written file may have others than text."""
    for name, value in values.items():
        yield name
        if isinstance(value, Mapping):
            yield from names(value)


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Nested values by dotted name."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {f"{prefix}{name}": value}
    return found
