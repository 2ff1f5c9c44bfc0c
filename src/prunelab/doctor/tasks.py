"""Experiments of DVC's queue that are shown as running and that nobody computes any more."""

import shlex
from functools import partial
from typing import Any

from prunelab.doctor.place import Finding, Place


def dead(place: Place) -> list[Finding]:
    """One line for each. Every worker is dead, or nobody would look here."""
    if not any((place.exps / "celery" / "broker" / "processed").glob("*.celery.msg")):
        return []
    from dvc.exceptions import DvcException
    from dvc.repo import Repo

    try:
        with Repo(str(place.root)) as repo:
            names = {one.entry.stash_rev: _name(one) for one in repo.experiments.celery_queue._iter_active_tasks()}
    except (DvcException, ValueError, KeyError):  # a message that is cut off (damaged.py): the next look will tell
        return []
    return [
        Finding(
            f"{name} is shown as running, but its queue worker was killed (afterwards: "
            f"`dvc queue remove {shlex.quote(name)}`, and queue it again; finished stages come from the cache)",
            partial(_mark, place, revision),
            "marked as failed",
        )
        for revision, name in names.items()
    ]


def _name(task: Any) -> str:
    return str(task.entry.name or task.entry.stash_rev[:7])


def _mark(place: Place, revision: str) -> None:
    """As `dvc queue kill` does for a task whose process is gone; DVC keeps what a failed one started from."""
    from dvc.repo import Repo

    with Repo(str(place.root)) as repo:
        queue = repo.experiments.celery_queue
        for task in queue._iter_active_tasks():
            if task.entry.stash_rev != revision:
                continue
            queue.celery.backend.mark_as_failure(task.async_result.id, None)
            if place.try_git("cat-file", "-t", revision) and task.entry.head_rev:
                queue.stash_failed(task.entry)
