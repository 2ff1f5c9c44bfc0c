"""What keeps DVC from running an experiment in a clone (`--temp`, its queue, a sweep), said before it starts.

DVC itself ends in a message about a codec, in "No such file", or in an invitation to ask for help.
"""

import os
import re
import shlex
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from prunelab import pipeline, presets
from prunelab.errors import UserError
from prunelab.programs import output

CLONED = "an experiment runs in a clone"


def identity() -> dict[str, str]:
    """The name and e-mail address that sign experiments. Raises UserError if git knows none."""
    found = {}
    for what in ("name", "email"):
        try:
            found[what] = os.environ.get(f"GIT_COMMITTER_{what.upper()}") or output("git", "config", f"user.{what}")
        except UserError:
            line = f"git does not know your {what}, and experiments are commits: `git config user.{what} ...`"
            raise UserError(line) from None
    return {what: value.strip() for what, value in found.items()}


def path(root: Path) -> None:
    """Raise UserError if DVC cannot make a clone below this folder: it takes its path for a URL."""
    odd = re.search(r"[^ -~]|[#?]", str(root.resolve()))
    if odd:
        raise UserError(
            f"{root.resolve()}: DVC cannot clone below a path with {odd[0]!r} (--temp and its queue); "
            "move the repository, or use `dvc exp run` without them"
        )


def in_git(params: Mapping[str, Any], root: Path = Path()) -> None:
    """Raise UserError naming a file that a study with these parameters needs, and that no clone would have."""
    from dvc.utils.serialize import load_yaml

    wanted: set[str] = set()
    for stage in pipeline.stages(load_yaml(str(root / "dvc.yaml")), params):
        wanted |= {dep for dep in stage.deps if not dep.startswith(("data/", "plots/", "metrics/"))}
    place = str(params["data_root"])
    if not Path(place).is_absolute() and (root / place).exists() and not _known(place, root):
        written = shlex.quote(f"data_root={presets.written(str((root / place).resolve()))}")
        raise UserError(f"data_root={place}: is not in git, and {CLONED}: give the whole path, {written}")
    new = untracked(sorted(dep for dep in wanted if not Path(dep).is_absolute()), root)
    if new:
        raise UserError(f"{new[0]}: is not in git, and {CLONED}: `git add {new[0]}`")


def _known(name: str, root: Path) -> bool:
    return bool(output("git", "-C", str(root), "--literal-pathspecs", "ls-files", "--", name))


def untracked(paths: Iterable[str], root: Path = Path()) -> list[str]:
    """Files among these, or in these folders, that git neither knows nor ignores."""
    there = [name for name in paths if (root / name).exists()]
    command = ("git", "-C", str(root), "--literal-pathspecs", "ls-files", "-z", "--others", "--exclude-standard", "--")
    return [name for name in output(*command, *there).split("\0") if name] if there else []
