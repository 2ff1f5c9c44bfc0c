"""What a network costs: time on one thread of a CPU, floating-point operations, bytes of its file."""

import platform
import statistics
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from prunelab.core import machine
from prunelab.tickets.compact import CompactNetwork

SAMPLES = 1000  # in one batch
REPEATS = 21
LEAST = 3
SECONDS = 30.0  # about so long at most: fewer repeats, and for a slow network fewer samples
FEW = 20


@dataclass(frozen=True)
class Cost:
    """Of one network."""

    milliseconds: float  # for 1,000 samples, one thread; median of the repeats
    flops: int  # for one sample: a product and a sum for each weight that is used
    bytes: int  # of the ticket


def thousand(pixels: NDArray[Any]) -> Tensor:
    """1,000 samples of these, in order, again from the first where there are fewer."""
    return torch.from_numpy(np.ascontiguousarray(pixels[np.arange(SAMPLES) % len(pixels)]))


@torch.inference_mode()
def milliseconds(networks: Sequence[nn.Module], pixels: Tensor, batch: int = SAMPLES) -> list[float]:
    """The median time of each network for all of `pixels`, [N, C, H, W] raw, `batch` at once, on one thread.

    In turn, so that whatever else the machine does falls on all of them alike. Where that would take long, of the first
    few samples, and in proportion.
    """
    taken: list[list[float]] = [[] for _ in networks]
    with _one_thread():
        for network in networks:
            network(pixels[:FEW])  # once for what only a first call does
        slowest = max(_seconds(network, pixels[:FEW]) for network in networks)
        affordable = int(FEW * SECONDS / slowest / (LEAST * len(networks)))
        some = pixels[: max(FEW, affordable)]
        started = time.perf_counter()
        for repeat in range(REPEATS + 1):
            if repeat > LEAST and time.perf_counter() - started > SECONDS:
                break
            for network, times in zip(networks, taken, strict=True):
                times.append(sum(_seconds(network, part) for part in some.split(batch)))
    # The first of each was with caches as another network left them, and memory that was not there yet.
    return [1000 * statistics.median(times[1:]) * len(pixels) / len(some) for times in taken]


def _seconds(network: nn.Module, pixels: Tensor) -> float:
    before = time.perf_counter()
    network(pixels)
    return time.perf_counter() - before


def flops(network: nn.Module, sample_shape: tuple[int, int, int]) -> int:
    """For one sample, of products of matrices and convolutions: what is pruned counts unless it was left out."""
    if isinstance(network, CompactNetwork):
        return network.flops
    with torch.inference_mode(), FlopCounterMode(display=False) as counter:
        network(torch.zeros(1, *sample_shape))
    return int(counter.get_total_flops())


@contextmanager
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def where() -> str:
    """The machine, in words."""
    made = machine.description()
    return f"{_processor()} ({made['processor']}), one thread, PyTorch {made['torch']}"


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.machine()
    return next((line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")), platform.machine())


def times(dense: float, other: float) -> float:
    """How many times less; infinite where nothing is left."""
    return dense / other if other else float("inf")
