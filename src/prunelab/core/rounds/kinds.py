"""The kinds of round (jobs.py), each trained at once: from the same arguments to an `Outcome`, for checkpoint.py."""

from collections.abc import Callable
from functools import wraps
from typing import ParamSpec

from prunelab.core.rounds import jobs, trained
from prunelab.core.rounds.task import Job, Outcome

P = ParamSpec("P")


def _trained(describe: Callable[P, Job]) -> Callable[P, Outcome]:
    @wraps(describe)
    def run(*args: P.args, **kwargs: P.kwargs) -> Outcome:
        return trained.run(describe(*args, **kwargs))

    return run


dense = _trained(jobs.dense)
prune = _trained(jobs.prune)
redense = _trained(jobs.redense)
reinit = _trained(jobs.reinit)
