"""Runs as DVC and git keep them: experiments, branches, tags, commits, and the working tree."""

import csv
import difflib
import io
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fnmatch import fnmatchcase
from functools import cached_property
from typing import Any

import yaml

from prunelab import config
from prunelab.errors import UserError

CURVE = "plots/double_descent.csv"
COLUMNS = ("round", "seed", "sparsity", "remaining", "train", "test_last", "test_best")
WORKSPACE = "workspace"
Row = dict[str, str]


@dataclass(frozen=True)
class Run:
    """One run; `files` (a DVCFileSystem at its commit) reads whatever else it left behind."""

    name: str
    commit: str  # "" for the working tree
    params: Mapping[str, Any]  # nested, as params.yaml
    rows: Sequence[Row]  # of CURVE
    files: Any = None
    baseline: str = ""  # the commit an experiment was run on; "" for what is no experiment

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Parameters by dotted name; what is derived from other parameters is left out."""
        return flat(self.params)

    def text(self, path: str) -> str | None:
        """A file of this run; None if it has none."""
        found = self.bytes(path)
        return None if found is None else found.decode()

    def bytes(self, path: str) -> bytes | None:
        """A file of this run; None if it has none."""
        try:
            return bytes(self.files.read_bytes(path))
        except (OSError, AttributeError):
            return None


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted names; what is derived from other parameters is left out."""
    result: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and key not in config.DERIVED:
            result |= flat(value, f"{prefix}{key}.")
        elif key not in config.DERIVED:
            result[f"{prefix}{key}"] = value
    return result


def expand(names: Sequence[str], known: Sequence[str]) -> list[str]:
    """Names with `*`, `?` or `[...]` become the experiments they match; others stay. Each once, in order.

    Raises UserError for a pattern without a match.
    """
    expanded: list[str] = []
    for name in names:
        if not any(character in name for character in "*?["):
            expanded.append(name)
            continue
        matching = [other for other in known if fnmatchcase(other, name)]
        if not matching:
            raise UserError(f"{name}: matches no experiment; there are {_listed(known)}")
        expanded += matching
    return list(dict.fromkeys(expanded))


def read(names: Sequence[str]) -> list[Run]:
    """The runs of these names or patterns; of HEAD and all experiments on it, if none is named.

    Raises UserError with one line for a name that does not exist or a run that has no curve.
    """
    from dvc.exceptions import NotDvcRepoError
    from dvc.repo import Repo  # here: it takes a second to load, and the rest of this module does not need it

    try:
        with Repo() as repo:
            on_head = sorted(name for found in repo.experiments.ls().values() for name, _ in found)
            listed = repo.experiments.ls(all_commits=True)
            everywhere = sorted({name for found in listed.values() for name, _ in found})
            baselines = {commit: baseline for baseline, found in listed.items() for _, commit in found}
            wanted = expand(names, everywhere) if names else ["HEAD", *on_head]
            commits = {name: _commit(repo.scm, name, everywhere) for name in wanted}
    except NotDvcRepoError:
        raise UserError("not inside a prunelab repository; run from its root") from None
    return [_read(name, commit, baselines.get(commit, "")) for name, commit in commits.items()]


def _commit(scm: Any, name: str, known: Sequence[str]) -> str:
    from dvc.scm import RevError, resolve_rev

    if name == WORKSPACE:
        return ""
    try:
        return str(resolve_rev(scm, name))
    except RevError:
        close = difflib.get_close_matches(name, known, 1)
        hint = f"did you mean {close[0]}?" if close else f"experiments are {_listed(known)}"
        raise UserError(f"{name}: no such experiment, branch, tag or commit; {hint}") from None


def _read(name: str, commit: str, baseline: str) -> Run:
    from dvc.api import DVCFileSystem

    files = DVCFileSystem(rev=commit or None)
    run = Run(name, commit, {}, [], files)
    params, table = run.text("params.yaml"), run.text(CURVE)
    if params is None or table is None:
        missing = "params.yaml" if params is None else f"{CURVE}, so no metrics: it failed, or is not finished"
        raise UserError(f"{name}: has no {missing}")
    rows = list(csv.DictReader(io.StringIO(table)))
    lacking = [column for column in COLUMNS if not rows or column not in rows[0]]
    if lacking:
        raise UserError(f"{name}: its {CURVE} has no {', '.join(lacking)}")
    return Run(name, commit, yaml.safe_load(params), rows, files, baseline)


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return shown or "none yet"
