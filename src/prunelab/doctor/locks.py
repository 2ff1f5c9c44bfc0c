"""Lock files whose owners are dead: git's, and the two of DVC's that hold up the next command."""

import json
import time
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from prunelab.doctor import processes
from prunelab.doctor.place import Finding, Place

PAUSE = 0.5  # seconds between two looks: a lock that is only passing through is nobody's leftover


def of_git(place: Place) -> list[Finding]:
    """Locks in the git directory that no process holds."""
    found = _git_locks(place)
    if not found:
        return []
    if any(_is_git(process) for process in processes.here(place.top)):
        return [Finding(f"{place.shown(found[0])}: git is at work here; look again when it has ended", harmless=True)]
    held = processes.open_files(set(found))
    return [
        Finding(
            f"{place.shown(lock)}: left by a killed process, and git refuses to work beside it",
            partial(lock.unlink, missing_ok=True),
        )
        for lock in found
        if lock not in held
    ]


def _git_locks(place: Place) -> list[Path]:
    """Those that are there twice, half a second apart, unchanged."""
    first = _seen(place)
    if first:
        time.sleep(PAUSE)
    return sorted(lock for lock, _ in first.items() & _seen(place).items())


def _seen(place: Place) -> dict[Path, tuple[int, float]]:
    found: set[Path] = set()
    for folder in place.git_dirs:
        found |= {*folder.glob("*.lock"), *(folder / "objects").glob("??/*.lock")}
        for inner in ("refs", "logs"):
            found |= set((folder / inner).rglob("*.lock"))
    seen = {}
    for lock in found:
        with suppress(FileNotFoundError):
            seen[lock] = (lock.stat().st_ino, lock.stat().st_mtime)
    return seen


def _is_git(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return bool(process.name() == "git")
    return False


def of_dvc(place: Place) -> list[Finding]:
    """Both rwlocks (of the pipeline, of experiments) where they would hold up DVC, and the hard-linked kind of lock."""
    found = []
    for folder in (place.tmp, place.exps):
        file = folder / "rwlock"
        if not file.is_file():
            continue
        name = place.shown(file)
        if not _is_readable(file):
            text = f"{name}: cut off while DVC wrote it, and DVC refuses to start"
        elif processes.owners(file):  # none of them lives, or nobody would look here
            dead = ", ".join(map(str, sorted(processes.owners(file))))
            text = f"{name}: names dead processes ({dead}), which hold up DVC once their numbers are taken"
        else:
            continue
        found.append(Finding(text, partial(file.unlink, missing_ok=True)))
    return found + _hard_links(place)


def _is_readable(file: Path) -> bool:
    """As DVC reads it."""
    from dvc.rwlock import SCHEMA
    from voluptuous import Invalid

    try:
        SCHEMA(json.loads(file.read_bytes()))
    except (ValueError, Invalid):
        return False
    return True


def _hard_links(place: Place) -> list[Finding]:
    """`core.hardlink_lock`: such a lock is a mere file, for a year. It may be that of another machine."""
    from dvc.config import Config, ConfigError

    try:
        used = Config(str(place.root / ".dvc")).get("core", {}).get("hardlink_lock", False)
    except ConfigError:
        return []
    locks = [
        file for file in (place.tmp / "lock", place.tmp / "rwlock.lock", place.exps / "rwlock.lock") if file.exists()
    ]
    return [
        Finding(
            f"{place.shown(lock)}: held, and nothing runs here; if no DVC runs on another machine, remove it by hand"
        )
        for lock in locks
        if used
    ]
