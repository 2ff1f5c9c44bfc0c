"""Who is at work in a repository, and who goes on although the DVC that started it is dead."""

import json
import os
from collections.abc import Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path

import psutil

from prunelab.doctor.place import Finding, Place

PATIENCE = 15  # seconds that a process is given to end by itself
NAMES = ("dvc", "prunelab")


def living(place: Place) -> list[Finding]:
    """DVC at work here, one line for each: as long as it is, everything is its own."""
    found: dict[int, str] = {}
    for process in here(place.root):
        if _is_dvc(process) and not _left_alone(process):
            found[process.pid] = _said(process)
    for process in _named_in_locks(place):
        found.setdefault(process.pid, _said(process))
    for own in (os.getpid(), *(parent.pid for parent in psutil.Process().parents())):
        found.pop(own, None)
    return [
        Finding(
            f"process {pid} is at work here ({command}): nothing is touched; look again when it has ended",
            harmless=True,
        )
        for pid, command in found.items()
    ]


def orphans(place: Place) -> list[Finding]:
    """What DVC started here and nobody will collect any more."""
    found = []
    for process in here(place.root):
        if _is_dvc(process) and _left_alone(process):
            what = "computes an experiment whose queue worker was killed"
        elif is_stage(process) and _started_by_dvc(process) and not _has_parent_at_work(process, place.root):
            what = "is a stage whose DVC was killed"
        else:
            continue
        text = f"process {process.pid} {what}: nothing will record its result ({_said(process)})"
        found.append(Finding(text, partial(_end, process), "ended"))
    return found


def here(folder: Path) -> Iterator[psutil.Process]:
    """Processes that stand in this folder or below it."""
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            if process.status() != psutil.STATUS_ZOMBIE and is_below(process.cwd(), folder):
                yield process


def is_below(path: str | Path, folder: Path) -> bool:
    """Whether a path is this folder or in it."""
    return Path(path) == folder or folder in Path(path).parents


def is_stage(process: psutil.Process) -> bool:
    """Whether it is `python -m stages.NAME`, and not a child that such a process forked."""
    command = _command(process)
    if "-m" not in command[:4] or not command[command.index("-m") + 1 :][:1]:
        return False
    if not command[command.index("-m") + 1].startswith("stages."):
        return False
    parent = process.parent()
    return parent is None or _command(parent) != command


def open_files(paths: set[Path]) -> set[Path]:
    """Those of these files that some process has open."""
    held = set()
    for process in psutil.process_iter():
        with suppress(psutil.Error, OSError):
            held |= {path for opened in process.open_files() if (path := Path(opened.path)) in paths}
    return held


def alive(pid: int, since: float) -> bool:
    """Whether the process that had this number at that time (seconds since 1970) still runs."""
    with suppress(psutil.Error):
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.create_time() <= since + 2
    return False


def _named_in_locks(place: Place) -> Iterator[psutil.Process]:
    """Who DVC's locks say is at work: however it was started."""
    for folder in (place.tmp, place.exps):
        file = folder / "rwlock"
        for pid in owners(file):
            if alive(pid, file.stat().st_mtime):
                yield psutil.Process(pid)


def owners(rwlock: Path) -> set[int]:
    """Processes that an rwlock of DVC's names; none if there is none or it cannot be read."""
    try:
        content = json.loads(rwlock.read_bytes())
        entries = [
            *content.get("write", {}).values(),
            *(one for some in content.get("read", {}).values() for one in some),
        ]
        return {int(entry["pid"]) for entry in entries}
    except (OSError, ValueError, AttributeError, TypeError, KeyError):
        return set()


def _command(process: psutil.Process) -> list[str]:
    with suppress(psutil.Error):
        return list(process.cmdline())
    return []


def _is_dvc(process: psutil.Process) -> bool:
    """`dvc ...`, `python .../dvc ...`, `python -m dvc ...`; and prunelab, but for another doctor."""
    program, *rest = [*_command(process), ""]
    if Path(program).name.startswith("python"):
        given = [part for part in rest if not part.startswith("-")]
        program = given[0] if given else ""
    return Path(program).name in NAMES and "doctor" not in rest


def _left_alone(process: psutil.Process) -> bool:
    """Whether it runs an experiment of the queue and the worker that would collect it is gone."""
    if "exec-run" not in _command(process):
        return False
    with suppress(psutil.Error):
        return not any("queue-worker" in _command(parent) for parent in process.parents())
    return False


def _started_by_dvc(process: psutil.Process) -> bool:
    with suppress(psutil.Error):
        return "DVC_STAGE" in process.environ()
    return False


def _has_parent_at_work(process: psutil.Process, root: Path) -> bool:
    """Whether whoever started it may still wait for it. A killed one's children are adopted from outside."""
    with suppress(psutil.Error, OSError):
        return any(is_below(parent.cwd(), root) for parent in process.parents() if parent.pid != 1)
    return True  # when in doubt it is not ours to end


def _end(process: psutil.Process) -> None:
    """A stage at once; an experiment of the queue by way of its stage, so that DVC says that it failed."""
    with suppress(psutil.Error):
        stages = [child for child in process.children(recursive=True) if is_stage(child)]
        for one in stages or [process]:
            one.terminate()
        _, still = psutil.wait_procs([process, *stages], PATIENCE)
        for one in still:
            one.kill()
        psutil.wait_procs(still, PATIENCE)


def _said(process: psutil.Process) -> str:
    command = _command(process)
    words = [Path(part).name if i < 2 else part for i, part in enumerate(command)]
    line = " ".join(words)
    return line if len(line) <= 60 else line[:57] + "..."
