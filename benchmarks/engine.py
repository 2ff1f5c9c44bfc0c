"""The engine's switches: epochs of training and evaluation, each against the matrix-multiply time of the same FLOPs.

    python benchmarks/engine.py                                       # LeNet on MNIST's shape, and CIFAR ResNet-20
    python benchmarks/engine.py --cases resnet18,3,32,50000,10000     # on a GPU: model, channels, size, train, test

Random images; runs on a GPU if there is one, and without DVC. All sides of a case run in turn, so that a slow moment
of the machine slows them all; medians.
"""

import argparse
import os
import platform
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))

import numpy as np
import torch
from torch.utils.flop_counter import FlopCounterMode

from prunelab.core import networks, split, streams
from prunelab.core.images import Images
from prunelab.core.rounds.replicates import choose_device
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import SGD

BATCH = 128
SWITCHES = {
    "float32": Engine(),
    "channels_last": Engine(channels_last=True),
    "bfloat16": Engine(bfloat16=True),
    "bfloat16, channels_last": Engine(bfloat16=True, channels_last=True),
    "compile": Engine(compile=True),
    "compile, channels_last": Engine(compile=True, channels_last=True),
}


def data(channels: int, size: int, num_train: int, num_test: int, device: torch.device) -> split.Split:
    """Random images with random labels, as the engine trains on them."""
    rng = np.random.default_rng(0)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, channels, size, size), dtype=np.uint8), rng.integers(0, 10, n)

    images = Images(*part(num_train), *part(num_test), num_classes=10)
    labels = {"given": images.y_train, "permuted": np.arange(num_train) % 5 < 2}
    return split.make(images, labels | {"validation": np.zeros(num_train, bool)}, device)


def build(name: str, split_: split.Split) -> torch.nn.Module:
    """The same initial network for every side."""
    return networks.build(name, split_.x_N.sample_shape, 10, 1.0, "ones", streams.generator(0, "init"))


def flops(name: str, data: split.Split) -> float:
    """Of an epoch: training on all training images, and a forward pass over all images."""
    network = build(name, data)
    x = torch.zeros(2, *data.x_N.sample_shape)
    with FlopCounterMode(display=False) as forward:
        network(x)
    with FlopCounterMode(display=False) as both:
        network(x).sum().backward()
    per_image, per_trained = forward.get_total_flops() / 2, both.get_total_flops() / 2
    return len(data.x_N) * per_trained + (len(data.x_N) + len(data.x_test_T)) * per_image


def seconds(work: Callable[[], object], device: torch.device) -> float:
    """Wall-clock time of one call, the GPU's work included."""
    if device.type == "cuda":
        torch.cuda.synchronize()
    start = time.perf_counter()
    work()
    if device.type == "cuda":
        torch.cuda.synchronize()
    return time.perf_counter() - start


def matmul_rate(device: torch.device, dtype: torch.dtype) -> float:
    """Floating-point operations a second of a large square product."""
    size = 8192 if device.type == "cuda" else 2048
    a, b = (torch.randn(size, size, device=device).to(dtype) for _ in range(2))
    a @ b
    return 2 * size**3 / min(seconds(lambda: a @ b, device) for _ in range(3))


def epoch(name: str, engine: Engine, data: split.Split) -> Callable[[], object]:
    """One epoch by the project's loop, all measures included."""
    network = build(name, data).to(data.x_N.device)
    learner = engine.learner(network, {})
    measure = evaluate.Measure(learner, data)
    rates = [0.01] * loop.steps_per_epoch(len(data.x_N), BATCH)
    plan = loop.Plan(rates, BATCH, order=lambda number: streams.generator(0, "order", number))

    def train() -> None:
        for _ in loop.Run(learner, SGD(learner, momentum=0.9), data.x_N, data.given_N, plan):
            measure()

    return train


def main() -> None:
    """Print one table per case."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    default = ["lenet,1,28,60000,10000", "resnet20,3,32,2000,1000"]
    arguments.add_argument("--cases", nargs="+", default=default, help="MODEL,CHANNELS,SIZE,TRAIN,TEST")
    arguments.add_argument("--switches", nargs="+", default=list(SWITCHES)[:4], choices=SWITCHES)
    arguments.add_argument("--repeats", type=int, default=3)
    args = arguments.parse_args()
    device = choose_device("auto")
    torch.set_num_threads(len(os.sched_getaffinity(0)))
    what = torch.cuda.get_device_name() if device.type == "cuda" else f"{torch.get_num_threads()} CPU cores"
    print(f"{platform.machine()}, {what}, torch {torch.__version__}, batch {BATCH}, medians of {args.repeats}")
    for case in args.cases:
        name, *numbers = case.split(",")
        channels, size, num_train, num_test = map(int, numbers)
        some = data(channels, size, num_train, num_test, device)
        sides = {switch: epoch(name, SWITCHES[switch], some) for switch in args.switches}
        first = {switch: seconds(side, device) for switch, side in sides.items()}
        times: dict[str, list[float]] = {switch: [] for switch in sides}
        floors: dict[torch.dtype, list[float]] = {torch.float32: [], torch.bfloat16: []}
        for _ in range(args.repeats):
            for dtype, found in floors.items():
                found.append(flops(name, some) / matmul_rate(device, dtype))
            for switch, side in sides.items():
                times[switch].append(seconds(side, device))
        plain = statistics.median(times[args.switches[0]])
        print(f"\n{name}, {channels}x{size}x{size}, {num_train:,} training and {num_test:,} test images")
        print(f"{'':26s}{'first s':>10s}{'epoch s':>10s}{'x FLOP floor':>14s}{'gain':>8s}")
        for switch, some_times in times.items():
            half = SWITCHES[switch].bfloat16
            floor = statistics.median(floors[torch.bfloat16 if half else torch.float32])
            took = statistics.median(some_times)
            print(f"{switch:26s}{first[switch]:10.2f}{took:10.2f}{took / floor:14.2f}{plain / took:8.2f}")


if __name__ == "__main__":
    main()
