"""Dask clusters by name."""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import dask
from distributed import Client, LocalCluster

from prunelab.errors import UserError

# Nobody looks at Dask's pages; what serves them takes any free port, or a second sweep would find the usual one taken.
NO_PAGES = {"dashboard": False, "dashboard_address": "127.0.0.1:0"}


def local(workers: int, options: dict[str, str], scratch: Path) -> LocalCluster:
    """Processes of this machine."""
    if options:
        raise UserError(f"--option {next(iter(options))}: --cluster local has none")
    return LocalCluster(
        n_workers=workers,
        threads_per_worker=1,
        scheduler_kwargs=NO_PAGES,
        local_directory=str(scratch),
        silence_logs=logging.CRITICAL,  # what a task printed is kept in its log
    )


def slurm(workers: int, options: dict[str, str], scratch: Path) -> object:
    """A Slurm job for each worker (dask-jobqueue); what is not given comes from its own configuration files."""
    try:
        from dask_jobqueue import SLURMCluster
    except ModuleNotFoundError:
        raise UserError("--cluster slurm: dask_jobqueue is not installed: `uv sync --extra slurm`") from None

    given: dict[str, Any] = {"memory": "4GB", "job_cpu": "1", **options}
    found = SLURMCluster(
        cores=1,  # tasks at once in a worker; `job_cpu` is what Slurm is asked for
        processes=1,
        job_cpu=int(given.pop("job_cpu")),
        local_directory=str(scratch.resolve()),
        log_directory=str((scratch / "slurm").resolve()),
        scheduler_options=NO_PAGES,
        **given,
    )
    found.scale(jobs=workers)
    return found


CLUSTERS: dict[str, Callable[[int, dict[str, str], Path], object]] = {"local": local, "slurm": slurm}


@contextmanager
def client(cluster: str, workers: int, options: Sequence[str], scratch: Path) -> Iterator[Client]:
    """A connection to a cluster, which is closed afterwards if it was started here.

    Args:
        cluster: one of CLUSTERS, or a scheduler's address.
        workers: how many; a running scheduler has its own.
        options: "name=value".
        scratch: where workers may keep clones.

    Raises:
        UserError: with one line for what is not among these.
    """
    wrong = [option for option in options if "=" not in option]
    if wrong:
        raise UserError(f"--option {wrong[0]}: must be NAME=VALUE")
    if workers < 1:
        raise UserError(f"--workers {workers}: must be at least 1")
    scratch.mkdir(parents=True, exist_ok=True)
    named = dict(option.split("=", 1) for option in options)
    # A task whose worker dies runs elsewhere; one that has killed so many workers is given up.
    with dask.config.set({"distributed.scheduler.allowed-failures": 5, "distributed.admin.log-length": 0}):
        if cluster in CLUSTERS:
            with CLUSTERS[cluster](workers, named, scratch) as started, Client(started) as connected:  # type: ignore[attr-defined]
                yield connected
        elif "://" in cluster:
            try:
                connected = Client(cluster, timeout="20s")
            except OSError as error:
                raise UserError(f"--cluster {cluster}: cannot be reached ({error})") from None
            with connected:
                yield connected
        else:
            raise UserError(f"--cluster {cluster}: must be one of {', '.join(CLUSTERS)} or an address (tcp://...)")


def workers(client: Client, cluster: str, asked: int) -> int:
    """How many tasks are run at once: as many as were asked for, or as a running scheduler has workers."""
    return asked if cluster in CLUSTERS else max(1, len(client.nthreads()))
