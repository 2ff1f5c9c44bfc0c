"""Runs as DVC and git keep them: experiments, branches, tags, commits, and the working tree."""

import difflib
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from fnmatch import fnmatchcase
from functools import cached_property
from importlib import import_module
from pathlib import Path
from types import ModuleType
from typing import Any

from prunelab import config, studies, yaml12
from prunelab.comparison import provenance
from prunelab.core import artifacts, sources
from prunelab.errors import UserError

WORKSPACE = "workspace"
FIRST = "sdd"  # named where no run ran any
Row = dict[str, Any]


@dataclass(frozen=True)
class Run:
    """One run; `files` (a DVCFileSystem at its commit) reads whatever else it left behind."""

    name: str
    commit: str  # "" for the working tree
    params: Mapping[str, Any]  # nested, as params.yaml
    rows: Sequence[Row]  # of its study's curve
    files: Any = None
    baseline: str = ""  # the commit an experiment was run on; "" for what is no experiment
    study: str = FIRST  # whose curve it is

    @cached_property
    def settings(self) -> dict[str, Any]:
        """Parameters by dotted name; what is derived from other parameters is left out.

        Beside them, of data that is a user's own, `data`: which it was. A path does not say that.
        """
        found = flat(self.params)
        own = self._own_data(str(found.get("dataset")), str(found.get("data_root")))
        return found | ({"data": own} if own else {})

    def _own_data(self, dataset: str, data_root: str) -> str | None:
        """The name of the file or folder and the beginning of the hash that DVC recorded; None if it is published."""
        try:
            if sources.source(dataset).NUM_TRAIN is not None:
                return None
        except UserError:  # a data set that this version does not have
            return None
        try:
            deps = yaml12.parse(self.bytes("dvc.lock") or b"", "dvc.lock")["stages"]["fetch"]["deps"]
            md5 = next(dep["md5"] for dep in deps if not dep["path"].startswith(("src/", "stages/")))
        except (UserError, KeyError, TypeError, StopIteration):
            return data_root
        return f"{Path(data_root).name} ({md5[:6]})"

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


def flat(params: Mapping[str, Any]) -> dict[str, Any]:
    """Dotted names; what is derived from other parameters is left out."""
    return yaml12.flat({key: value for key, value in params.items() if key not in config.DERIVED})


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


def compared() -> list[str]:
    """The studies whose runs can be compared: those that say in their places.py what their curve is."""
    return [name for name in studies.names() if hasattr(_places(name), "CURVE")]


def read(names: Sequence[str], study: str | None = None) -> tuple[list[Run], list[str]]:
    """The runs of these names or patterns; of HEAD and all experiments on it, if none is named.

    Args:
        names: of experiments, branches, tags, commits, or workspace.
        study: whose runs; default: the one that most of them ran.

    Returns:
        Those that are whole, and a line on each other one: what lies in its tree is not its own (provenance.py).

    Raises:
        UserError: one line: a name that does not exist, a table without a curve, or no run that is whole.
    """
    from dvc.exceptions import DvcException
    from dvc.repo import Repo  # here: it takes a second to load, and the rest of this module does not need it
    from scmrepo.exceptions import SCMError

    try:
        with Repo() as repo:
            on_head = sorted(name for found in repo.experiments.ls().values() for name, _ in found)
            listed = repo.experiments.ls(all_commits=True)
            everywhere = sorted({name for found in listed.values() for name, _ in found})
            baselines = {commit: baseline for baseline, found in listed.items() for _, commit in found}
            wanted = expand(names, everywhere) if names else ["HEAD", *on_head]
            commits = {name: _commit(repo.scm, name, everywhere) for name in wanted}
    except (DvcException, SCMError) as error:  # no .dvc/, no git, not one commit
        raise UserError(" ".join(str(error).split())) from None
    trees = {name: tree(commit) for name, commit in commits.items()}
    lacking = {name: what for name, files in trees.items() if (what := provenance.lacks(files))}
    ran = {name: _ran(files) for name, files in trees.items() if name not in lacking}
    study = study or _most(ran)
    lacking |= {name: f"did not run the study {study}" for name, some in ran.items() if study not in some}
    whole = [name for name in commits if name not in lacking]
    notes = provenance.told(lacking, len(whole))
    return [_read(name, commits[name], baselines.get(commits[name], ""), study, trees[name]) for name in whole], notes


def _ran(files: Any) -> list[str]:
    """The studies that a whole run ran. Its tree may hold another's tables."""
    kept = provenance.kept(files)
    return [name for name in compared() if str(_places(name).PLOTS) in kept]


def _most(ran: Mapping[str, Sequence[str]]) -> str:
    """The study that most runs ran; of as many, the first run's first."""
    counts = Counter(name for some in ran.values() for name in some)
    return counts.most_common(1)[0][0] if counts else FIRST


def _places(study: str) -> ModuleType:
    return import_module(f"prunelab.studies.{study}.places")


def tree(commit: str) -> Any:
    """The project's files in a commit, in the working tree if it is "", as a file system of fsspec's."""
    from dvc.api import DVCFileSystem
    from fsspec.implementations.dirfs import DirFileSystem  # type: ignore[import-untyped]

    prefix = inside(Path.cwd()) if commit else ""
    if not prefix:
        return DVCFileSystem(rev=commit or None)
    # A commit is that of the whole repository, in which the project is a folder: to DVC a repository within another.
    return DirFileSystem(f"/{prefix}", DVCFileSystem(rev=commit, subrepos=True))


def inside(root: Path) -> str:
    """Where in its git repository a project is: "" if it is the whole, else such as "tools/pl"."""
    top = next((folder for folder in (root, *root.parents) if (folder / ".git").exists()), root)
    return str(root.relative_to(top)) if root != top else ""


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


def _read(name: str, commit: str, baseline: str, study: str, files: Any) -> Run:
    params = yaml12.parse(files.read_bytes("params.yaml"), f"{name}: params.yaml")
    run = Run(name, commit, params, [], files, baseline, study)
    curve = _places(study).CURVE
    try:
        rows = artifacts.table_of(run.text(str(curve)) or "")
    except ValueError:
        rows = []
    lacking = [column for column in _places(study).CURVE_COLUMNS if not rows or column not in rows[0]]
    if lacking:
        raise UserError(f"{name}: its {curve} has no {', '.join(lacking)}")
    return replace(run, rows=rows)


def _listed(names: Sequence[str], most: int = 8) -> str:
    shown = ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")
    return shown or "none yet"
