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

Found = TypeVar("Found")
# How DVC ends the log of an experiment whose stage was killed: by a signal, or as a shell says it.
KILLED = re.compile(rb"exited with (-\d+|137)\s*$")


def dead(place: Place) -> list[Finding]:
    """Those that are shown as running: every worker is dead, or nobody would look here."""
    return [
        Finding(
            f"{name} is shown as running, but its queue worker was killed"
            + ("; its result is there" if over else "; go on with `dvc queue start`, finished stages are in the cache"),
            partial(_mark if over else _put_back, place, revision),
            "marked as done" if over else "put back into the queue",
        )
        for name, revision, over in _listed(
            place, lambda queue: [_about(queue, one.entry) for one in queue._iter_active_tasks()]
        )
    ]


def killed(place: Place) -> list[Finding]:
    """Those that failed because a process of theirs was killed: by whom, and whether to try again, the user knows."""
    failed = _listed(place, lambda queue: [_about(queue, one.entry) for one in queue.iter_failed()])
    return [
        Finding(
            f"{name} failed in the queue because it was killed: `dvc queue remove {shlex.quote(name)}`, and queue it "
            "again; finished stages are in the cache",
            harmless=True,
        )
        for name, revision, _ in failed
        if _was_killed(place.exps / "run" / revision / revision)
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


def _about(queue: Any, entry: Any) -> tuple[str, str, bool]:
    """An experiment's name, its commit in the queue, and whether its result is there."""
    result = None
    with suppress(OSError, ValueError, KeyError, TypeError):
        result = queue._load_info(entry.stash_rev).result
    over = bool(result and result.ref_info and queue.scm.get_ref(str(result.ref_info)))
    return str(entry.name or entry.stash_rev[:7]), str(entry.stash_rev), over


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


def _mark(place: Place, revision: str) -> None:
    """As its worker would have done next."""
    from dvc.repo import Repo

    with Repo(str(place.root)) as repo:
        queue = repo.experiments.celery_queue
        for number, _, _ in _tasks(queue, revision):
            queue.celery.backend.mark_as_done(number, None)


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
