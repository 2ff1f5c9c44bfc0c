"""What only takes up room: unfinished folders, copies that broke off, clones in which experiments ran."""

import json
import re
import shutil
import time
from collections.abc import Iterable
from contextlib import suppress
from functools import partial
from pathlib import Path

from prunelab.core import artifacts
from prunelab.doctor import processes
from prunelab.doctor.locks import PAUSE
from prunelab.doctor.place import Finding, Place
from prunelab.doctor.stashes import ARGUMENTS
from prunelab.errors import UserError

# DVC copies to such a name first: dvc_objects.fs.utils.tmp_fname.
COPY = re.compile(r".*\.[\w-]{22}\.tmp")
# Seconds: a worker on another machine may be writing into this cache, and nothing here shows it.
HOUR = 3600
FINISHED = (4, 5, 6)  # failed, cancelled, all done: dvc.repo.experiments.executor.base.TaskStatus


def found(place: Place) -> list[Finding]:
    """One line for each kind, with how many and where."""
    return [*_unfinished(place), *_clones(place), *_arguments(place), *_entries(place), *_copies(place)]


def _unfinished(place: Place) -> list[Finding]:
    folder = place.root / artifacts.UNFINISHED
    if not folder.exists():
        return []
    if any(processes.is_stage(process) for process in processes.here(place.root)):
        return [
            Finding(f"{artifacts.UNFINISHED}: a stage is at work here; look again when it has ended", harmless=True)
        ]
    inside = sorted(str(path.relative_to(folder)) for path in folder.glob("*/*"))
    text = f"{artifacts.UNFINISHED}: what a killed stage had not finished ({', '.join(inside) or 'empty'})"
    return [Finding(text, partial(shutil.rmtree, folder))]


def _clones(place: Place) -> list[Finding]:
    """Of `exp run --temp` and of queue workers; what they finished is in the cache."""
    alone = place.exps / "standalone"
    clones = [path for folder in (alone, place.exps) for path in sorted(folder.glob("tmp*")) if path.is_dir()]
    records = [path for path in sorted((alone / "run").glob("*")) if path.is_dir() and not _is_over(path)]
    if not clones and not records:
        return []
    names = ", ".join(place.shown(path) for path in clones or records)
    text = f"{names}: in which an experiment ran that was killed; its finished stages are in the cache"
    return [Finding(text, partial(_remove_clones, clones, records))]


def _is_over(record: Path) -> bool:
    """Whether DVC noted the end of that experiment: such a record it keeps itself."""
    try:
        content = json.loads((record / f"{record.name}.run").read_bytes())
        return content["status"] in FINISHED
    except (OSError, ValueError, TypeError, KeyError):
        return False


def _remove_clones(clones: Iterable[Path], records: Iterable[Path]) -> None:
    for clone in clones:
        if any(processes.here(clone)):
            raise UserError(f"{clone}: a process stands in it; it is left")
        shutil.rmtree(clone)
    for record in records:
        shutil.rmtree(record)


def _arguments(place: Place) -> list[Finding]:
    """Which DVC adds to git's index for a moment."""
    file, name = place.root / ARGUMENTS, place.inner(ARGUMENTS)
    staged = bool(place.git("ls-files", "--", name))
    in_head = bool(place.try_git("rev-parse", "-q", "--verify", f"HEAD:{name}"))
    if not file.exists() and (not staged or in_head):
        return []

    def remove() -> None:
        if staged and not in_head:
            place.git("update-index", "--force-remove", "--", name)
        file.unlink(missing_ok=True)

    return [Finding(f"{ARGUMENTS}: the options of a killed `dvc exp run`, on their way into a commit", remove)]


def _entries(place: Place) -> list[Finding]:
    """Of DVC's run-cache. It takes whatever lies in such a folder for an entry, and breaks down where nothing does."""
    runs = place.cache / "runs"
    first = _broken(runs)
    if not first:
        return []
    time.sleep(PAUSE)  # a whole entry gets another name at once
    left = sorted(first & _broken(runs))
    text = f"{place.shown(runs)}: {len(left)} unfinished entries of the run-cache, over which DVC stumbles"
    return [Finding(text, partial(_remove_entries, left))] if left else []


def _broken(runs: Path) -> set[Path]:
    """Files that are no whole entries, and folders that have none."""
    found = set()
    for folder in runs.glob("??/*"):
        files = set(folder.iterdir())
        copies = {file for file in files if COPY.fullmatch(file.name)}
        found |= copies | ({folder} if files == copies else set())
    return found


def _remove_entries(paths: Iterable[Path]) -> None:
    """Files before the folder that they are in."""
    for path in sorted(paths, reverse=True):
        with suppress(OSError):  # a folder that has an entry by now
            path.rmdir() if path.is_dir() else path.unlink(missing_ok=True)


def _copies(place: Place) -> list[Finding]:
    """Of files into the cache, or out of it below data/."""
    found = []
    for folder, age in ((place.cache, HOUR), (place.root / "data", 0)):
        files = [file for file in folder.rglob("*.tmp") if COPY.fullmatch(file.name) and _age(file) >= age]
        if files:
            size = sum(file.lstat().st_size for file in files) / 1e6
            text = f"{place.shown(folder)}: {len(files)} copies that broke off, {size:.1f} MB"
            found.append(Finding(text, partial(_unlink, files)))
    return found


def _unlink(files: Iterable[Path]) -> None:
    for file in files:
        file.unlink(missing_ok=True)


def _age(file: Path) -> float:
    return time.time() - file.lstat().st_mtime
