"""The studies, a folder each: its parameters, tables, claims, figures and its own science. None imports another.

A study is there once its folder is: `parameters.py` in it says which sections of parameters it has (PARAMETERS), what
conf/ derives from them for dvc.yaml (DERIVED), whether it needs the pruning rounds (ROUNDS), and EARLY where it
needs the early ensemble. A `check` in it is given all parameters, and refuses what this study cannot do with them.
"""

from importlib import import_module
from pathlib import Path
from types import ModuleType


def names() -> list[str]:
    """All studies that there are."""
    return sorted(file.parent.name for file in Path(__file__).parent.glob("*/parameters.py"))


def parameters(name: str) -> ModuleType:
    """A study's parameters.py."""
    return import_module(f"{__name__}.{name}.parameters")
