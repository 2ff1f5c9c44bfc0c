"""Replicates side by side: one process each on a CPU, one after the other on a GPU.

A small network cannot keep two cores busy, but two small networks can; the operating system shares the cores
among more replicates than cores. Every process has as many threads as it is told, whatever cores there are and
whatever runs beside it, because sums are split among threads: a replicate's result is its seed's alone.
"""

import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

import torch
from threadpoolctl import threadpool_limits

from prunelab import errors
from prunelab.core import lifetime
from prunelab.core.training import kernels
from prunelab.errors import UserError

Row = dict[str, Any]
OnEpoch = Callable[[Row, int], None]
Work = Callable[[int, torch.device, OnEpoch], None]

# More replicates than this wait for others to end: each holds its own copy of the data as floats.
AT_ONCE = 8


def choose_device(name: str) -> torch.device:
    """`auto` is a GPU if there is one. Raises UserError for `cuda` where there is none."""
    usable = name != "cpu" and torch.cuda.is_available()
    if name == "cuda" and not usable:
        raise UserError("device='cuda': must be cpu or auto here, PyTorch finds no usable GPU")
    return torch.device("cuda" if usable else "cpu")


def run(
    work: Work, seeds: Sequence[int], device_name: str, threads: int, on_epoch: Callable[[int, Row, int], None]
) -> None:
    """Do the work of every seed and return when all of it is done.

    Args:
        work: called as work(seed, device, on_epoch); it writes its results itself. It must not rely on the
            caller's later state: on a CPU it runs in a forked process.
        seeds: one replicate each.
        device_name: auto, cpu or cuda.
        threads: of each replicate.
        on_epoch: called in this process as on_epoch(seed, row, number of epochs) while the work goes on.

    Raises:
        UserError: what the work of some seed raised, or that its process died. The other replicates are ended.
    """
    device = choose_device(device_name)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        limit_threads(threads)
        for seed in seeds:
            work(seed, device, lambda row, epochs, seed=seed: on_epoch(seed, row, epochs))  # type: ignore[misc]
        return
    kernels.load()
    waiting = list(reversed(seeds))
    readers: dict[Connection, tuple[int, Any]] = {}
    try:
        while waiting or readers:
            while waiting and len(readers) < max(AT_ONCE, len(os.sched_getaffinity(0))):
                seed = waiting.pop()
                reader, process = _start(work, seed, threads)
                readers[reader] = (seed, process)
            _follow(readers, on_epoch)
    finally:
        for _, process in readers.values():
            process.terminate()


def limit_threads(threads: int) -> None:
    """So many for PyTorch and for NumPy's and SciPy's algebra: as many as there are cores would round otherwise."""
    torch.set_num_threads(threads)
    threadpool_limits(threads, user_api="blas")


def _start(work: Work, seed: int, threads: int) -> tuple[Connection, Any]:
    context = multiprocessing.get_context("fork")
    reader, writer = context.Pipe(duplex=False)
    process = context.Process(target=_child, args=(work, seed, threads, writer, os.getpid()), daemon=True)
    process.start()
    writer.close()  # so that the child's death ends the pipe
    return reader, process


def _follow(readers: dict[Connection, tuple[int, Any]], on_epoch: Callable[[int, Row, int], None]) -> None:
    """Hand on what the children have reported by now; one that has said that it is done leaves `readers`."""
    for ready in wait(list(readers)):
        assert isinstance(ready, Connection)
        seed, process = readers[ready]
        try:
            kind, content = ready.recv()
        except EOFError:
            process.join()
            raise UserError(f"seed {seed}: its process ended early ({_why(process.exitcode)})") from None
        if kind == "epoch":
            on_epoch(seed, *content)
        elif kind == "done":
            process.join()
            del readers[ready]
        elif kind == "user error":
            raise UserError(content)
        else:
            raise RuntimeError(f"seed {seed} failed:\n{content}")


def _why(exit_code: int) -> str:
    """An exit code in words; a process that the kernel ends for want of memory gets SIGKILL."""
    memory = ": is there enough memory for all replicates side by side?" if exit_code == -signal.SIGKILL else ""
    return f"exit code {exit_code}{memory}"


def _child(work: Work, seed: int, threads: int, writer: Connection, parent: int) -> None:
    lifetime.end_with(parent)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # a terminal sends it to all; the parent ends them
    limit_threads(threads)

    def report(row: Row, epochs: int) -> None:
        writer.send(("epoch", (row, epochs)))

    try:
        work(seed, torch.device("cpu"), report)
        writer.send(("done", None))
    except Exception as error:
        line = errors.line(error)
        writer.send(
            ("user error", f"seed {seed}: {line}" if not isinstance(error, UserError) else line)
            if line
            else ("failed", traceback.format_exc())
        )
