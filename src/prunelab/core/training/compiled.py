"""Functions compiled by Numba, each once for all clones and queue folders of a machine.

Numba keeps what it compiled beside the source, or under the source's path: every experiment that runs in a folder of
its own would compile anew, for seconds. Kept under the source's *content* it is found from anywhere.
"""

import hashlib
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

from numba import njit
from numba.core import config as numbas
from numba.core.caching import UserWideCacheLocator

config: Any = numbas  # which options it has, it finds out when it is imported

# Sums may be split among vector lanes, in one way on one processor, and multiply-adds fused. NaN and infinity stay what
# they are, so that a run that diverges is seen to. Python's lock is not needed.
OPTIONS: dict[str, Any] = {
    "fastmath": {"reassoc", "contract", "nsz", "arcp"},
    "error_model": "numpy",
    "nogil": True,
}


class ByContent(UserWideCacheLocator):
    """Where Numba keeps the compiled functions of a source file: the user's cache, by SHA-256 of it and this file."""

    @classmethod
    def get_suitable_cache_subpath(cls, py_file: str) -> str:
        """The folder's name."""
        sources = Path(py_file).read_bytes() + Path(__file__).read_bytes()  # here are the options
        return f"prunelab_{hashlib.sha256(sources).hexdigest()}"


def compiled(function: Callable[..., Any]) -> Any:
    """The function, compiled at its first call with arguments of new types, without Python's lock meanwhile.

    What it calls must stand in the same file: the cache knows that file only.
    """
    before = config.CACHE_LOCATOR_CLASSES
    config.CACHE_LOCATOR_CLASSES = f"{__name__}.ByContent,InTreeCacheLocator"
    try:
        return njit(function, cache=True, **OPTIONS)
    except RuntimeError:  # neither the user's cache nor the source's folder can be written to
        return njit(function, **OPTIONS)
    finally:
        config.CACHE_LOCATOR_CLASSES = before


def load(function: Any, signature: tuple[Any, ...]) -> None:
    """Have a compiled function ready for arguments of these types, from the cache or compiled.

    What is damaged there (a file of length 0, after the power went) is removed, and made again.
    """
    try:
        function.compile(signature)
    except Exception:  # Numba unpickles its own files, which may end in anything
        folder = Path(str(function.stats.cache_path))
        if not folder.name.startswith("prunelab_"):
            raise
        shutil.rmtree(folder, ignore_errors=True)
        folder.mkdir(parents=True, exist_ok=True)
        function.compile(signature)
