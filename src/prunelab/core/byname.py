"""Variants by name: the parameter's value is the file's name. A table of all of them would be a dependency of all."""

import importlib
from pathlib import Path
from types import ModuleType

from prunelab.errors import UserError


def names(folder: str) -> list[str]:
    """The variants in a folder of src/prunelab, e.g. "models" -> ["lenet", ...]."""
    files = (Path(__file__).parent.parent / folder).glob("*.py")
    return sorted(file.stem for file in files if not file.stem.startswith("_"))


def load(folder: str, name: str, parameter: str) -> ModuleType:
    """Import a variant. Raises UserError, with the parameter and what exists, where there is no such file."""
    if name not in names(folder):
        raise UserError(f"{parameter}={name!r}: must be one of {', '.join(names(folder))}")
    return importlib.import_module(f"prunelab.{folder}.{name}")
