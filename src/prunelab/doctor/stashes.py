"""Changes of the user's that a killed `dvc exp run` took out of the working tree, and did not put back.

DVC stashes what differs from HEAD (git's own stash), composes, stashes that under refs/exps/stash, and restores the
working tree; to run, it checks out HEAD by force and applies refs/exps/exec/EXEC_MERGE, which holds the same changes.
Killed in between, the working tree lacks them, and the next run starts without.
"""

from dataclasses import dataclass
from functools import partial
from pathlib import Path

from prunelab.doctor import head, processes
from prunelab.doctor.place import KEPT, Finding, Place
from prunelab.errors import UserError

GIT, DVC = "refs/stash", "refs/exps/stash"
ARGUMENTS = ".dvc/tmp/repro.dat"
COMPOSED = ("params.yaml", "dvc.lock", ARGUMENTS)  # what DVC itself writes between stashing and restoring
MADE = ("metrics/", "plots/")  # by stages, in git


@dataclass(frozen=True)
class Change:
    """A file that differs between HEAD and what was stashed: git's names of the contents, "" where there is none."""

    path: str  # from the top of the repository
    before: str
    after: str


def of_git(place: Place) -> list[Finding]:
    """git's stash holds what DVC took away."""
    found = _taken(place)
    if found is None:
        return []
    number, commit = found
    name = f"stash@{{{number}}}"
    text = f"git's stash {name} ({commit[:7]}) holds your changes, which a killed `dvc exp run` took away"
    if place.git("rev-parse", f"{commit}^1").strip() != place.commit:
        return [Finding(f"{text} from another commit: `git stash show -p {name}`, `git stash pop --index {name}`")]
    changed = _since(place, commit)
    if changed:
        return [Finding(f"{text}; {changed[0]} was changed since: commit it, then `git stash pop --index {name}`")]
    return [Finding(text, partial(_put_back, place, commit, name), "put back")]


def merged(place: Place) -> list[Finding]:
    """EXEC_MERGE holds what DVC's checkout took away."""
    commit = place.try_git("rev-parse", "-q", "--verify", head.MERGE).strip()
    if not commit or not place.commit:
        return []
    composed = {place.inner(name) for name in COMPOSED}
    made = tuple(place.inner(name) + "/" for name in MADE)
    changes = [one for one in _changes(place, f"{commit}^1", commit) if one.path not in composed]
    lost = [one for one in changes if _is_without(place, one)]
    own = [one for one in changes if not one.path.startswith(made)]
    # A file that is as in HEAD may be so because the user went back to it: then not all are.
    if not lost or not (_cut_off(place) or (own and all(one in lost for one in own))):
        return []
    text = f"{head.MERGE} ({commit[:7]}) holds your changes to {_listed(lost)}, which a killed `dvc exp run` took away"
    return [Finding(text, partial(_restore, place, commit, lost), "put back")]


def staged(place: Place) -> list[Finding]:
    """Files that were staged as new: EXEC_MERGE has them in its index, and DVC leaves them untracked.

    Only what git knows becomes part of an experiment, so the next run's would lack them.
    """
    commit = place.try_git("rev-parse", "-q", "--verify", head.MERGE).strip()
    if not commit or not place.commit or not place.try_git("rev-parse", "-q", "--verify", f"{commit}^2"):
        return []
    composed = {place.inner(name) for name in COMPOSED}
    known = set() if _loses_index(place) else _in_index(place)
    new = [
        one
        for one in _changes(place, f"{commit}^1", f"{commit}^2")
        if not one.before and one.path not in composed | known
    ]
    if not new:
        return []
    text = f"{head.MERGE} ({commit[:7]}): a killed `dvc exp run` took {_listed(new)} out of git's index"
    return [Finding(text, partial(_stage, place, commit, [one.path for one in new]), "added to it again")]


def _in_index(place: Place) -> set[str]:
    return set(place.git("ls-files", "-z").split("\0"))


def _loses_index(place: Place) -> bool:
    """Whether putting HEAD back will read the branch's index anew."""
    try:
        branch = head.came_from(place)
    except UserError:
        return False
    return branch is not None and head.has_its_index(place, branch)


def _stage(place: Place, commit: str, paths: list[str]) -> None:
    # `merged` has put back what was to be, and HEAD is on its branch.
    there = [path for path in set(paths) - _in_index(place) if (place.top / path).is_file()]
    listed = place.git("ls-tree", "-r", "-z", f"{commit}^2", "--", *there) if there else ""
    place.git("update-index", "--add", "-z", "--index-info", given=listed.encode(errors="surrogateescape"))


def passing(place: Place) -> list[Finding]:
    """EXEC_MERGE in git's stash, where DVC puts it for the moment in which it is applied."""
    commit = place.try_git("rev-parse", "-q", "--verify", head.MERGE).strip()
    if not commit or place.try_git("rev-parse", "-q", "--verify", GIT).strip() != commit:
        return []
    text = f"git's stash@{{0}} ({commit[:7]}): put there by a killed `dvc exp run` on the way to the working tree"
    return [Finding(text, partial(_drop, place, commit, "stash@{0}"), f"moved to {KEPT}")]


def of_dvc(place: Place) -> list[Finding]:
    """Plans of killed runs. DVC would carry them out after the next one's, by force, over what the working tree has."""
    listed = place.try_git("log", "-g", "--format=%H %gs", DVC).splitlines()
    plain = place.try_git("rev-parse", "-q", "--verify", DVC).strip()
    commits = dict(line.split(" ", 1) for line in listed if " " in line) or ({plain: ""} if plain else {})
    if not commits:
        return []
    looks = ", ".join(f"`git show -m --stat {commit[:10]}`" for commit in commits)
    text = (
        f"{DVC}: {len(commits)} run(s) that were killed before they began, which the next would compute too ({looks})"
    )
    return [Finding(text, partial(_set_aside, place, list(commits)), f"moved to {KEPT}")]


def _taken(place: Place) -> tuple[int, str] | None:
    """The newest entry of git's stash that DVC made and did not take back, with its number.

    libgit2, which DVC uses, leaves "moving from main to main" in HEAD's reflog, and git itself does not.
    """
    entries = place.try_git("log", "-g", "--format=%H %ct", GIT).splitlines()
    by_dvc = {
        entry.time
        for entry in head.log(place)
        if (found := head.MOVED.fullmatch(entry.message)) and found[1] == found[2]
    }
    for number, (commit, when) in enumerate(line.split() for line in entries):
        if any(0 <= moment - int(when) <= 2 for moment in by_dvc) or (number == 0 and _stashing(place, int(when))):
            return number, commit
    return None


def _stashing(place: Place, when: int) -> bool:
    """Whether DVC died while it stashed, and began before that moment."""
    rwlock = place.exps / "rwlock"
    return _holds(rwlock, '"workspace"') and int(rwlock.stat().st_mtime) <= when


def _cut_off(place: Place) -> bool:
    """Whether DVC died between its checkout by force and the end of putting things back."""
    return _holds(place.exps / "rwlock", f'"{head.EXEC}"')


def _holds(rwlock: Path, name: str) -> bool:
    return bool(processes.owners(rwlock)) and name in rwlock.read_text(encoding="utf-8")


def _changes(place: Place, before: str, after: str) -> list[Change]:
    listed = place.git("diff-tree", "-r", "-z", "--no-renames", before, after).split("\0")
    found = []
    for meta, path in zip(listed[::2], listed[1::2], strict=False):
        _, _, old, new, _ = meta.split()
        found.append(Change(path, old.strip("0") and old, new.strip("0") and new))
    return found


def _is_without(place: Place, change: Change) -> bool:
    """Whether the working tree has this file as HEAD has it, or the beginning of it or of the change."""
    file = place.top / change.path
    if not file.is_symlink() and not file.exists():
        return bool(change.after)
    if file.is_symlink() or not file.is_file():
        return False
    if _name(place, change.path) == change.after:
        return False
    content = file.read_bytes()
    return any(_blob(place, blob).startswith(content) for blob in (change.before, change.after) if blob)


def _name(place: Place, path: str) -> str:
    """git's name of a file's content in the working tree; "" if there is none."""
    file = place.top / path
    if not file.is_file():
        return ""
    return place.git("hash-object", f"--path={path}", "--", str(file)).strip()


def _blob(place: Place, name: str) -> bytes:
    return place.git("cat-file", "blob", name).encode(errors="surrogateescape")


def _since(place: Place, commit: str) -> list[str]:
    """Files in git whose content is neither HEAD's nor the stashed one, nor DVC's own."""
    known = {one.path: one for one in _changes(place, f"{commit}^1", commit)}
    listed = place.git("diff", "--name-only", "-z", "HEAD", "--").split("\0")
    composed = {place.inner(name) for name in COMPOSED}
    odd = []
    for path in sorted({*filter(None, listed), *known} - composed):
        now, head_has = _name(place, path), place.try_git("rev-parse", "-q", "--verify", f"HEAD:{path}").strip()
        one = known.get(path, Change(path, head_has, head_has))
        if now not in (one.before, one.after) and not _is_without(place, one):
            odd.append(path)
    return odd


def _restore(place: Place, commit: str, changes: list[Change]) -> None:
    """Write these files as that commit has them; git keeps what is there now. Raises UserError if one is not."""
    now = place.git("stash", "create").strip()
    if now:
        place.keep(now)
    there = [one.path for one in changes if one.after]
    if there:
        given = "".join(f"{path}\0" for path in there).encode(errors="surrogateescape")
        options = ("--pathspec-from-file=-", "--pathspec-file-nul")
        place.git("restore", f"--source={commit}", "--worktree", *options, given=given)
    for one in changes:
        if not one.after:
            (place.top / one.path).unlink(missing_ok=True)
        if _name(place, one.path) != one.after:
            raise UserError(f"{one.path}: could not be put back; `git show {commit[:10]}:{one.path}`")


def _put_back(place: Place, commit: str, name: str) -> None:
    """Working tree and index as they were, then the stash entry is dropped; git keeps the commit all the same."""
    changes = {one.path: one for one in _changes(place, f"{commit}^1", commit)}
    for path in filter(None, place.git("diff", "--name-only", "-z", "HEAD", "--").split("\0")):
        if path not in changes:  # DVC's own, or cut off
            content = place.try_git("rev-parse", "-q", "--verify", f"{commit}:{path}").strip()
            changes[path] = Change(path, content, content)
    _restore(place, commit, list(changes.values()))
    place.git("read-tree", f"{commit}^2")
    place.try_git("update-index", "-q", "--refresh")
    _drop(place, commit, name)


def _drop(place: Place, commit: str, name: str) -> None:
    """Take it out of git's stash; git keeps the commit all the same."""
    place.keep(commit)
    if place.git("rev-parse", name).strip() == commit:
        place.git("stash", "drop", "-q", name)


def _set_aside(place: Place, commits: list[str]) -> None:
    for commit in commits:
        place.keep(commit)
    place.git("update-ref", "--no-deref", "-d", DVC)
    for folder in place.git_dirs:
        (folder / "logs" / DVC).unlink(missing_ok=True)


def _listed(changes: list[Change]) -> str:
    names = [one.path for one in changes]
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
