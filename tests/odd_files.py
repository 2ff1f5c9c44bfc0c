"""Files as people have them, each with the right outcome written beside it: exact values, or the one line.

The cases stand in odd_pictures.py, odd_arrays.py, odd_tables.py and odd_published.py; test_odd_files.py runs them all,
and `python -m benchmarks.odd_files` prints what each one does.
"""

import contextlib
import io
import re
import tempfile
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from unittest import mock
from urllib.error import URLError

import numpy as np

from prunelab.core import describe, images, sources
from prunelab.errors import UserError


@dataclass(frozen=True)
class Read:
    """What must have been read; None: not looked at.

    first: the first training example, or all of them where it has their number of dimensions.
    """

    first: Any = None
    y_train: Any = None
    y_test: Any = None
    classes: Any = None
    given: Any = None
    says: str = ""  # a pattern in what fetch prints
    num_train: int | None = None

    def differs(self, got: images.Images, printed: str) -> str:
        """What is not as it must be, in words; empty if all is."""
        if self.first is not None:
            want = np.asarray(self.first)
            x = got.x_train if want.ndim == 4 else got.x_train[0]
            if x.dtype != want.dtype or x.shape != want.shape or not np.allclose(x, want, atol=0, rtol=1e-6):
                return f"pixels {x.dtype} {x.shape} {x.ravel()[:6]}, not {want.dtype} {want.shape} {want.ravel()[:6]}"
        for name, want, found in (
            ("y_train", self.y_train, got.y_train.tolist()),
            ("y_test", self.y_test, got.y_test.tolist()),
            ("classes", self.classes and tuple(self.classes), got.classes),
            ("given", self.given, None if got.given_train is None else got.given_train.tolist()),
            ("number", self.num_train, len(got.y_train)),
        ):
            if want is not None and want != found:
                return f"{name} {found}, not {want}"
        return "" if re.search(self.says, printed) else f"prints {printed!r}, not {self.says!r}"


@dataclass(frozen=True)
class Case:
    """One odd thing. `make(folder)` writes it and returns the data_root, a path; else it is the folder."""

    name: str
    dataset: str
    make: Callable[[Path], Any]
    right: Read | str  # what is read, or a pattern of the line
    patches: dict[str, Any] = field(default_factory=dict)


def outcome(case: Case) -> tuple[bool, str]:
    """Whether a case ended as it must, and what happened, in a line."""

    def no_network(*args: Any, **kwargs: Any) -> None:
        raise URLError("no network")

    with tempfile.TemporaryDirectory() as folder, contextlib.ExitStack() as stack:
        stack.enter_context(contextlib.redirect_stderr(io.StringIO()))  # progress bars
        for name, value in {"urllib.request.urlopen": no_network, **case.patches}.items():
            stack.enter_context(mock.patch(name, value))
        root = case.make(Path(folder))
        root = root if isinstance(root, Path) else Path(folder)
        try:
            sources.check_root(case.dataset, root)  # what composition calls
            got = sources.fetch(case.dataset, root)
        except UserError as error:
            line = str(error).replace(folder, "DIR")
            right = isinstance(case.right, str) and re.search(case.right, line) is not None
            return right and line.isprintable(), line
    printed = "\n".join(describe.lines(case.dataset, got)).replace(folder, "DIR")
    if isinstance(case.right, str):
        return False, f"was read: {printed.splitlines()[0]}"
    differs = case.right.differs(got, printed)
    return not differs, differs or printed.splitlines()[0]


def all_cases() -> list[Case]:
    """Every case there is."""
    import odd_arrays
    import odd_pictures
    import odd_published
    import odd_tables

    return [*odd_pictures.CASES, *odd_arrays.CASES, *odd_tables.CASES, *odd_published.CASES]
