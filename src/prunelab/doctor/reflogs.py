"""git's reflogs where a kill cut them off, or between writing one and writing its reference.

git's stash is nothing but a reflog: changes that DVC puts there next, it would not find again, or leave there for good.
"""

from collections.abc import Iterator
from functools import partial
from pathlib import Path

from prunelab.doctor import damaged
from prunelab.doctor.place import Finding, Place

NONE = "0" * 40
GIT = "refs/stash"


def cut_off(place: Place) -> list[Finding]:
    """Reflogs that do not end with the end of a line."""
    return [
        Finding(
            f"{place.shown(file)}: its last line was cut off, and the next would be lost with it",
            partial(_shorten, place, file),
            f"cut back to its last whole line, the old one moved to .dvc/tmp/{damaged.ASIDE}",
        )
        for file in _logs(place, "*")
        if (content := file.read_bytes()) and not content.endswith(b"\n")
    ]


def of_stashes(place: Place) -> list[Finding]:
    """Stashes whose reference is not what their reflog ends with: an entry half made, or half taken away."""
    found = []
    for file in _logs(place, "refs/**/stash"):
        name = str(file.relative_to(next(folder / "logs" for folder in place.git_dirs if folder in file.parents)))
        content = file.read_bytes()
        if content and not content.endswith(b"\n"):
            continue  # `cut_off` comes first
        now = place.try_git("rev-parse", "-q", "--verify", name).strip()
        before, after = _last(content)
        if now == after:
            continue
        # git and libgit2 write an entry first and its reference then; dulwich, for DVC's own, the other way round.
        if name == GIT and content and (now or NONE) == before:
            text = f"{name}: an entry ({after[:7]}) that a killed command had not finished making"
            found.append(Finding(text, partial(_without_last, place, file, after)))
        elif now and (after or name == GIT):
            text = f"{name}: at {now[:7]}, an entry that a killed command had not finished making or taking away"
            found.append(Finding(text, partial(_set, place, name, now, after), f"put back to {after[:7] or 'nothing'}"))
    return found


def _last(content: bytes) -> tuple[str, str]:
    """The commits before and after the last entry; "" if there is none."""
    words = content.decode(errors="replace").rstrip("\n").rpartition("\n")[2].split()
    return (words[0], words[1]) if len(words) > 1 else ("", "")


def _logs(place: Place, pattern: str) -> Iterator[Path]:
    for folder in place.git_dirs:
        yield from (file for file in sorted((folder / "logs").rglob(pattern)) if file.is_file())


def _shorten(place: Place, file: Path) -> None:
    content = file.read_bytes()
    damaged.aside(place, file)
    file.write_bytes(content[: content.rfind(b"\n") + 1])


def _without_last(place: Place, file: Path, commit: str) -> None:
    """git keeps the commit all the same."""
    if place.try_git("cat-file", "-t", commit):
        place.keep(commit)
    file.write_bytes(b"".join(file.read_bytes().splitlines(keepends=True)[:-1]))


def _set(place: Place, name: str, now: str, to: str) -> None:
    """The reference as its reflog has it, without a note of this; git keeps the commit all the same."""
    place.keep(now)
    contents = {file: file.read_bytes() for file in _logs(place, name) if to}
    place.git("update-ref", *((name, to) if to else ("-d", name)))
    for file, content in contents.items():
        file.write_bytes(content)
