"""Experiments of DVC's queue whose computation was killed."""

import json
import os
import re
import shlex
from collections.abc import Callable, Iterator
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any, TypeVar

from prunelab.doctor.place import Finding, Place
from prunelab.sweeps.remotes import reference

Found = TypeVar("Found")
# How DVC ends the log of an experiment whose stage was killed: by a signal, or as a shell says it.
KILLED = re.compile(rb"exited with (-\d+|137)\s*$")


def dead(place: Place) -> list[Finding]:
    """Those that are shown as running: every worker is dead, or nobody would look here."""
    active = _listed(place, lambda queue: [one.entry for one in queue._iter_active_tasks()])
    about = [(_name(entry), entry.stash_rev, _is_there(place, entry)) for entry in active]
    return [
        Finding(
            f"{name} is shown as running, but its queue worker was killed"
            + ("; its result is there" if over else "; go on with `dvc queue start`, finished stages are in the cache"),
            partial(_take_off if over else _put_back, place, revision),
            "taken off the queue's list" if over else "put back into the queue",
        )
        for name, revision, over in about
    ]


def killed(place: Place) -> list[Finding]:
    """Those that failed because a process of theirs was killed: by whom, and whether to try again, the user knows."""
    failed = _listed(place, lambda queue: [one.entry for one in queue.iter_failed()])
    return [
        Finding(
            f"{_name(entry)} failed in the queue because it was killed: "
            f"`dvc queue remove {shlex.quote(_name(entry))}`, and queue it again; finished stages are in the cache",
            harmless=True,
        )
        for entry in failed
        if _was_killed(place.exps / "run" / entry.stash_rev / entry.stash_rev) and not _is_there(place, entry)
    ]


def _listed(place: Place, ask: Callable[[Any], list[Found]]) -> list[Found]:
    """What DVC says of the tasks that a worker has taken."""
    if not any((place.exps / "celery" / "broker" / "processed").glob("*.celery.msg")):
        return []
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(place.root)) as repo:
            return ask(repo.experiments.celery_queue)
    except (DvcException, ValueError, KeyError):  # a message that is cut off (damaged.py): the next look will tell
        return []


def _name(entry: Any) -> str:
    return str(entry.name or entry.stash_rev[:7])


def _is_there(place: Place, entry: Any) -> bool:
    """Whether the experiment of a task was committed: its name is that of one which is not older than the task."""
    commit = reference(entry.name, entry.baseline_rev)
    times = [place.try_git("log", "-1", "--format=%ct", one, "--").strip() for one in (entry.stash_rev, commit)]
    return bool(entry.name) and all(times) and int(times[0]) <= int(times[1])


def _was_killed(record: Path) -> bool:
    """Whether that experiment's own process, or a stage of it, ended by a signal."""
    with suppress(OSError, ValueError, TypeError, KeyError):
        if json.loads(record.with_suffix(".json").read_bytes())["returncode"] < 0:
            return True
    with suppress(OSError):
        return bool(KILLED.search(record.with_suffix(".out").read_bytes()))
    return False


def _tasks(queue: Any, revision: str) -> Iterator[tuple[Any, Any, Path]]:
    """Task number, entry and message of a task that a worker has taken and not ended."""
    from celery.result import AsyncResult

    for message, entry in list(queue._iter_processed()):
        if entry.stash_rev == revision and not AsyncResult(message.headers["id"]).ready():
            yield message.headers["id"], entry, Path(queue.celery._processed_msg_path_cache[message.delivery_tag])


def _take_off(place: Place, revision: str) -> None:
    from dvc.repo import Repo

    with Repo(str(place.root)) as repo:
        for _, _, message in _tasks(repo.experiments.celery_queue, revision):
            message.unlink()


def _put_back(place: Place, revision: str) -> None:
    """As it was before a worker took it; if git has lost what it starts from, marked as failed."""
    from dvc.repo import Repo

    with Repo(str(place.root)) as repo:
        queue = repo.experiments.celery_queue
        for number, entry, message in _tasks(queue, revision):
            if not place.try_git("cat-file", "-t", revision):
                queue.celery.backend.mark_as_failure(number, None)
                continue
            if revision not in queue.stash.stash_revs:
                text = queue.stash.format_message(entry.head_rev, entry.baseline_rev, entry.name, entry.branch)
                repo.scm.set_ref(queue.stash.ref, revision, message=f"commit: {text}")
            os.replace(message, message.parent.parent / "in" / message.name)
