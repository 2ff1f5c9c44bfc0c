"""Where a repository keeps what a kill can break, and what a finding is."""

import os
import subprocess
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

from prunelab.errors import UserError

# Experiments' commits are signed by the user, what is kept here need not be.
NOBODY = {f"GIT_{who}_{what}": "prunelab" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
KEPT = "refs/prunelab/kept"  # what is moved aside: git keeps it, and nothing reads it


@dataclass(frozen=True)
class Finding:
    """One thing that is not as it should be."""

    text: str  # one line: what it is, and what it means
    mend: Callable[[], object] | None = None  # None: nothing is safe to do; the text says what the user can do
    done: str = "removed"  # what `mend` does, in one word or two that go after "is" or "would be"
    harmless: bool = False  # nothing has to be done


@dataclass(frozen=True)
class Place:
    """A repository that a study is in."""

    root: Path  # with dvc.yaml
    top: Path  # of the git repository, which may be a larger one
    git_dirs: tuple[Path, ...]  # of this working tree, and the one that it shares with others

    @classmethod
    def at(cls, root: Path) -> "Place":
        """The one at this folder. Raises UserError if git knows of none."""
        root = root.resolve()
        asked = ("rev-parse", "--path-format=absolute", "--show-toplevel", "--git-dir", "--git-common-dir")
        top, *dirs = git(root, *asked).splitlines()
        return cls(root, Path(top), tuple(dict.fromkeys(map(Path, dirs))))

    @property
    def tmp(self) -> Path:
        """DVC's folder for what is not an artefact."""
        return self.root / ".dvc" / "tmp"

    @property
    def exps(self) -> Path:
        """DVC's folder for experiments under way."""
        return self.tmp / "exps"

    @cached_property
    def cache(self) -> Path:
        """DVC's, which may be shared with other repositories."""
        from dvc.config import Config, ConfigError

        try:
            named = Config(str(self.root / ".dvc")).get("cache", {}).get("dir")
        except ConfigError:
            named = None
        return self.root / ".dvc" / (named or "cache")

    @cached_property
    def commit(self) -> str:
        """HEAD's; "" before the first."""
        return self.try_git("rev-parse", "-q", "--verify", "HEAD^{commit}").strip()

    def git(self, *command: str, given: str | bytes = "", env: Mapping[str, str] | None = None) -> str:
        """What git prints, at the top of the working tree. Raises UserError with its complaint."""
        return git(self.top, *command, given=given, env=env)

    def try_git(self, *command: str) -> str:
        """The same, "" if git refuses."""
        try:
            return self.git(*command)
        except UserError:
            return ""

    def inner(self, name: str) -> str:
        """The path of a file of the project as git has it."""
        return str((self.root / name).relative_to(self.top))

    def shown(self, path: Path) -> str:
        """A path as the user reads it, from the project's folder."""
        return os.path.relpath(path, self.root)

    def keep(self, commit: str) -> str:
        """Have git keep a commit that DVC no longer needs; its short hash."""
        short = commit[:10]
        self.git("update-ref", f"{KEPT}/{short}", commit)
        return short


def git(folder: Path, *command: str, given: str | bytes = "", env: Mapping[str, str] | None = None) -> str:
    """What a git command prints there. Raises UserError with its complaint if it fails."""
    own = {**NOBODY, "LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_LITERAL_PATHSPECS": "1"}
    data = given.encode() if isinstance(given, str) else given
    done = subprocess.run(
        ["git", *command], cwd=folder, env={**os.environ, **own, **(env or {})}, input=data, capture_output=True
    )
    if done.returncode:
        lines = done.stderr.decode(errors="replace").strip().splitlines() or ["no message"]
        raise UserError(f"git {command[0]}: {lines[0]}")
    return done.stdout.decode(errors="surrogateescape")
