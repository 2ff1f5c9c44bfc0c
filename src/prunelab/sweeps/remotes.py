"""Where a sweep starts from and what it leaves behind: git's and DVC's remotes."""

import re
from collections.abc import Collection, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from prunelab.comparison.runs import inside
from prunelab.errors import UserError
from prunelab.programs import output
from prunelab.sweeps import checks

GIT_REMOTE = "origin"
SWITCH = r"(?i:true|false|none)|\d{1,4}"  # a value that is no secret, and would blacken half a log


@dataclass(frozen=True)
class Origin:
    """What a worker needs for a clone that can compute and push; plain values, sent over the network.

    Dask writes the arguments of a task that failed into its workers' logs: what may hold a secret is not in the repr.
    """

    url: str = field(repr=False)  # of the git remote
    commit: str
    storage: str  # name of the DVC remote
    options: tuple[tuple[str, str], ...] = field(repr=False)  # of that remote, url among them
    cache: str  # DVC's cache on the machine that started the sweep, used by workers that see it
    name: str  # who signs the experiments' commits
    email: str
    folder: str = ""  # of the project in the git repository; "" if it is the whole

    def secrets(self) -> set[str]:
        """What no log may show: the values of the DVC remote's options, line by line, but for its URL and switches."""
        values = [value for name, value in self.options if name != "url" and not re.fullmatch(SWITCH, value)]
        return {line for value in values for line in value.splitlines() if line.strip()}


def origin() -> Origin:
    """Of the repository in this folder.

    Raises UserError with one line if other machines could not start from it, or not push to it.
    """
    from dvc.repo import Repo

    who = checks.identity()
    # The working tree's results differ after every experiment; what is computed is the commit's.
    changed = output("git", "status", "--porcelain", "--untracked-files=no", "--", ".", ":!dvc.lock", ":!params.yaml")
    project = f"{inside(Path.cwd())}/".removeprefix("/")
    names = [line[3:].removeprefix(project) for line in changed.splitlines()]
    names = [name for name in names if not name.startswith(("plots/", "metrics/"))]
    if names:
        raise UserError(f"{names[0]}: differs from the last commit; commit and push, or stash, first")
    urls = output("git", "config", "--get-regexp", rf"^remote\.{GIT_REMOTE}\.url$") if _has_remote() else ""
    if not urls:
        raise UserError(f"no git remote called {GIT_REMOTE}: `git remote add {GIT_REMOTE} URL`, then `git push`")
    url = urls.split(maxsplit=1)[1].strip()
    output("git", "fetch", "-q", GIT_REMOTE)
    commit = output("git", "rev-parse", "HEAD").strip()
    if not output("git", "branch", "-r", "--contains", commit, "--list", f"{GIT_REMOTE}/*").strip():
        raise UserError(f"the last commit is not on {GIT_REMOTE}, where workers clone from: `git push` first")
    with Repo() as repo:
        storage = repo.config["core"].get("remote")
        if not storage:
            raise UserError("no default DVC remote: `dvc remote add -d NAME URL` first (README, Share results)")
        options = {key: str(value) for key, value in repo.config["remote"][storage].items()}
        cache = Path(repo.cache.local.path).parent.parent
    cache.mkdir(parents=True, exist_ok=True)  # workers of this machine compute into it, so that it has to be there
    local = Path(url)
    return Origin(
        str(local.resolve()) if local.exists() else url,
        commit,
        storage,
        tuple(options.items()),
        str(cache),
        who["name"],
        who["email"],
        inside(Path.cwd()),
    )


def reference(name: str, commit: str) -> str:
    """Where git keeps an experiment with this baseline."""
    return f"refs/exps/{commit[:2]}/{commit[2:]}/{name}"


def references(names: Sequence[str], commit: str) -> dict[str, str]:
    """Experiments on the git remote with this baseline: name -> hash, of those asked for."""
    found = beginning("", commit)
    return {name: found[name] for name in names if name in found}


def beginning(prefix: str, commit: str) -> dict[str, str]:
    """The same, of those whose names begin so."""
    listed = output("git", "ls-remote", GIT_REMOTE, f"{reference(prefix, commit)}*")
    return {line.split("/")[-1]: line.split()[0] for line in listed.splitlines()}


def fetch(names: Sequence[str], commit: str, *, keep: bool = True) -> None:
    """Bring experiments' commits, not their data; their names too, unless they are not to be shown among others."""
    wanted = [reference(name, commit) for name in names]
    if wanted:
        output("git", "fetch", "-q", GIT_REMOTE, *(f"+{ref}:{ref}" if keep else ref for ref in wanted))


def forget(names: Sequence[str], commit: str) -> None:
    """Remove experiments with this baseline from the git remote; `dvc exp remove` knows names only, not baselines."""
    if names:
        output("git", "push", "-q", GIT_REMOTE, "--delete", *(reference(name, commit) for name in names))


def missing_data(revision: str, storage: str, stages: Collection[str] | None = None) -> list[str]:
    """Outputs of a commit that the DVC remote lacks, by name; of these stages, if they are given."""
    from dvc.output import CollectCacheError
    from dvc.repo import Repo
    from dvc_data.hashfile.status import status

    lacking = set()
    with Repo() as repo, repo.switch(revision):
        remote = repo.cloud.get_remote_odb(storage, "status")
        for stage in repo.index.stages:
            if stages is not None and getattr(stage, "name", None) not in stages:
                continue
            try:
                used = stage.get_used_objs(remote=storage)
            except CollectCacheError:  # not even the list of a folder's files, here or there
                lacking |= {str(out) for out in stage.outs}
                continue
            # What is not under None was imported from elsewhere. Asked file by file: `dvc status` itself asks for the
            # list of a folder's files only, and remembers the answer.
            if status(remote, used.get(None, set()), cache_odb=repo.cache.local, shallow=False).missing:
                lacking |= {str(out) for out in stage.outs if out.use_cache}
    return sorted(lacking)


def _has_remote() -> bool:
    return GIT_REMOTE in output("git", "remote").split()
