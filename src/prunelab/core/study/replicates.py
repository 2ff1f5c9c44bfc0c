"""Replicates side by side: one process each on a CPU, one after the other on a GPU.

A small network cannot keep two cores busy, but two small networks can; the operating system shares the cores
among more replicates than cores. Each process has its own share of threads, so results do not depend on which
replicate happens to run beside it.
"""

import ctypes
import multiprocessing
import os
import signal
import traceback
from collections.abc import Callable, Sequence
from multiprocessing.connection import Connection, wait
from typing import Any

import torch

from prunelab.errors import UserError

Row = dict[str, Any]
OnEpoch = Callable[[Row, int], None]
Work = Callable[[int, torch.device, OnEpoch], None]

PR_SET_PDEATHSIG = 1  # of linux/prctl.h


def choose_device(name: str) -> torch.device:
    """`auto` is a GPU if there is one. Raises UserError for `cuda` where there is none."""
    usable = name != "cpu" and torch.cuda.is_available()
    if name == "cuda" and not usable:
        raise UserError("device='cuda': must be cpu or auto here, PyTorch finds no usable GPU")
    return torch.device("cuda" if usable else "cpu")


def run(work: Work, seeds: Sequence[int], device_name: str, on_epoch: Callable[[int, Row, int], None]) -> None:
    """Do the work of every seed and return when all of it is done.

    Args:
        work: called as work(seed, device, on_epoch); it writes its results itself. It must not rely on the
            caller's later state: on a CPU it runs in a forked process.
        seeds: one replicate each.
        device_name: auto, cpu or cuda.
        on_epoch: called in this process as on_epoch(seed, row, number of epochs) while the work goes on.

    Raises:
        UserError: what the work of some seed raised, or that its process died. The other replicates are ended.
    """
    device = choose_device(device_name)
    if device.type == "cuda":
        torch.backends.cudnn.deterministic = True
        for seed in seeds:
            work(seed, device, lambda row, epochs, seed=seed: on_epoch(seed, row, epochs))  # type: ignore[misc]
        return
    threads = max(1, len(os.sched_getaffinity(0)) // len(seeds))
    context = multiprocessing.get_context("fork")
    readers: dict[Connection, tuple[int, Any]] = {}
    for seed in seeds:
        reader, writer = context.Pipe(duplex=False)
        process = context.Process(target=_child, args=(work, seed, threads, writer, os.getpid()), daemon=True)
        process.start()
        writer.close()  # so that the child's death ends the pipe
        readers[reader] = (seed, process)
    try:
        _follow(readers, on_epoch)
    finally:
        for _, process in readers.values():
            process.terminate()


def _follow(readers: dict[Connection, tuple[int, Any]], on_epoch: Callable[[int, Row, int], None]) -> None:
    """Hand on what the children report until each has said that it is done."""
    while readers:
        for ready in wait(list(readers)):
            assert isinstance(ready, Connection)
            seed, process = readers[ready]
            try:
                kind, content = ready.recv()
            except EOFError:
                process.join()
                raise UserError(f"seed {seed}: its process ended early (exit code {process.exitcode})") from None
            if kind == "epoch":
                on_epoch(seed, *content)
            elif kind == "done":
                process.join()
                del readers[ready]
            elif kind == "user error":
                raise UserError(content)
            else:
                raise RuntimeError(f"seed {seed} failed:\n{content}")


def _child(work: Work, seed: int, threads: int, writer: Connection, parent: int) -> None:
    _end_with(parent)
    torch.set_num_threads(threads)

    def report(row: Row, epochs: int) -> None:
        writer.send(("epoch", (row, epochs)))

    try:
        work(seed, torch.device("cpu"), report)
        writer.send(("done", None))
    except UserError as error:
        writer.send(("user error", str(error)))
    except Exception:
        writer.send(("failed", traceback.format_exc()))


def _end_with(parent: int) -> None:
    """Have the kernel kill this process when the one that forked it ends, however: it would train on for nobody.

    To be exact, when the thread ends that forked it, which is the one that waits for it in `run`.
    """
    ctypes.CDLL(None).prctl(PR_SET_PDEATHSIG, ctypes.c_ulong(signal.SIGKILL))
    if os.getppid() != parent:  # it ended before it was asked
        os._exit(1)
