"""A detached HEAD and references that a killed `dvc exp run` left, and the branch that they came from.

DVC detaches HEAD while it runs an experiment in the working tree, and goes back to the branch at the end. HEAD's reflog
names the branch, and refs/exps/exec holds what the run started from.
"""

import re
from dataclasses import dataclass

from prunelab.doctor import processes
from prunelab.doctor.place import Finding, Place
from prunelab.errors import UserError

EXEC = "refs/exps/exec"
BASELINE, MERGE, BRANCH = (f"{EXEC}/EXEC_{name}" for name in ("BASELINE", "MERGE", "BRANCH"))
TEMPORARY = "refs/exps/temp"
MOMENTS = 10  # seconds
MOVED = re.compile(r"checkout: moving from (.+) to (.+)")


@dataclass(frozen=True)
class Moved:
    """One line of HEAD's reflog."""

    before: str
    after: str
    time: int  # seconds since 1970
    message: str


def log(place: Place) -> list[Moved]:
    """HEAD's reflog, oldest first; empty if there is none."""
    file = place.git_dirs[0] / "logs" / "HEAD"
    if not file.is_file():
        return []
    lines = [line.partition("\t") for line in file.read_text(encoding="utf-8", errors="replace").splitlines()]
    parts = [(who.split(), message) for who, _, message in lines]
    return [Moved(some[0], some[1], int(some[-2]), message) for some, message in parts if len(some) >= 4]


def came_from(place: Place) -> str | None:
    """The branch that a killed run left; None if HEAD is where the user put it.

    Raises UserError with the line to show if it is such a run's, but what is safe cannot be known.
    """
    if not place.commit or place.try_git("symbolic-ref", "-q", "HEAD"):
        return None
    left = _left(place)
    if left is None:
        return None
    branch, tip = left
    if place.commit == tip or _is_experiment(place, tip):
        return branch
    raise UserError(
        f"HEAD is detached: a killed `dvc exp run` took it from the branch {branch}, and one of both has moved since: "
        f"`git branch NAME`, then `git switch {branch}`"
    )


def _left(place: Place) -> tuple[str, str] | None:
    """The branch that a killed run left, and where it was then."""
    entries = log(place)
    for i in reversed(range(len(entries))):
        moved = MOVED.fullmatch(entries[i].message)
        if moved and _tip(place, moved[1]):
            before = entries[i - 1] if i else None
            # DVC stashes first, goes back, and detaches HEAD again within moments.
            stashed = before and before.message == f"dvc: Restore HEAD to '{moved[1]}'"
            at_once = stashed and before and entries[i].time - before.time <= MOMENTS and moved[2] == entries[i].after
            return (moved[1], entries[i].after) if at_once or _was_running(place) else None
    here = place.git("for-each-ref", "--format=%(refname:short)", "--points-at", "HEAD", "refs/heads").split()
    return (here[0], place.commit) if len(here) == 1 and _was_running(place) else None


def _tip(place: Place, branch: str) -> str:
    return place.try_git("rev-parse", "-q", "--verify", f"refs/heads/{branch}^{{commit}}").strip()


def detached(place: Place) -> list[Finding]:
    """HEAD on no branch, because DVC was killed before it went back."""
    try:
        branch = came_from(place)
    except UserError as error:
        return [Finding(str(error))]
    if branch is None:
        return []
    text = f"HEAD is detached at {place.commit[:7]}: a killed `dvc exp run` took it from the branch {branch}"
    return [Finding(text, lambda: _attach(place, branch), f"put back on {branch}")]


def references(place: Place) -> list[Finding]:
    """What a killed run left below refs/exps/exec and refs/exps/temp. EXEC_HEAD stays after whole runs, too."""
    found = place.git("for-each-ref", "--format=%(refname)", EXEC, TEMPORARY).split()
    left = [name for name in found if name in (BASELINE, MERGE, BRANCH) or name.startswith(TEMPORARY)]
    if not left:
        return []
    text = f"{EXEC}: {len(left)} reference(s) of a killed `dvc exp run`, which DVC takes for a run under way"
    return [Finding(text, lambda: _forget(place, left))]


def _was_running(place: Place) -> bool:
    """Whether a run was killed between its first and its last step. DVC takes the references away at the end."""
    if place.try_git("rev-parse", "-q", "--verify", BASELINE):
        return True
    return bool(processes.owners(place.exps / "rwlock"))  # held while it stashes, all of them dead


def _is_experiment(place: Place, tip: str) -> bool:
    """Whether HEAD's commit is DVC's, of an experiment that was run on that commit."""
    if place.try_git("rev-parse", "-q", "--verify", "HEAD^").strip() != tip:
        return False
    named = place.git("for-each-ref", "--points-at", "HEAD", "refs/exps")
    return bool(named) or place.git("log", "-1", "--format=%s").startswith("dvc: commit experiment")


def has_its_index(place: Place, branch: str) -> bool:
    """Whether HEAD is at the commit of an experiment, and the index as well: the branch's is then read anew."""
    return place.commit != _tip(place, branch) and not place.git("diff-index", "--cached", "--name-only", "HEAD")


def _attach(place: Place, branch: str) -> None:
    """HEAD on the branch again. Files stay as they are; the index too, unless it is the experiment's own commit."""
    own = has_its_index(place, branch)
    if place.commit != _tip(place, branch):
        place.keep(place.commit)
    place.git("symbolic-ref", "-m", f"prunelab doctor: back to {branch}", "HEAD", f"refs/heads/{branch}")
    if own:
        place.git("read-tree", "HEAD")


def _forget(place: Place, names: list[str]) -> None:
    """Without the references; commits that may hold changes are kept elsewhere."""
    for name in names:
        if name.startswith((MERGE, f"{TEMPORARY}/merge")):
            place.keep(place.git("rev-parse", name).strip())
        place.git("update-ref", "--no-deref", "-d", name)
