"""One epoch of LeNet-300-100 on MNIST-shaped data, training plus evaluation of all 70,000 images, against

(a) the matrix-multiply time its floating-point operations need on the same cores, and
(b) the usual loop: PIL images through torchvision transforms, a DataLoader, torch.optim.SGD.

All sides are timed in this one run. `uv run python benchmarks/epoch.py` prints the table; 1-2 minutes.
"""

import argparse
import os
import platform
import statistics
import time
from collections.abc import Callable
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from prunelab.core import networks, split, streams
from prunelab.core.images import Images
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine

BATCH, WIDTHS = 128, (784, 300, 100, 10)


def images(num_train: int, num_test: int) -> Images:
    """Random pixels and labels in MNIST's shape."""
    rng = np.random.default_rng(0)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 1, 28, 28), dtype=np.uint8), rng.integers(0, 10, n)

    return Images(*part(num_train), *part(num_test), num_classes=10, max_value=255)


def lenet() -> nn.Module:
    """A fresh network, the same for every side."""
    return networks.build("lenet", (1, 28, 28), 10, 1.0, "ones", streams.generator(0, "init"))


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of one call."""
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


def flops(num_train: int, num_test: int) -> float:
    """Multiply-adds count 2. Forward and weight gradients of all layers, input gradients of all but the first."""
    layers = [a * b for a, b in pairwise(WIDTHS)]
    forward = 2 * sum(layers)
    training = num_train * (2 * forward + 2 * sum(layers[1:]))
    return training + (num_train + num_test) * forward


def matmul_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a large square product: what these cores can do."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(seconds(lambda: a @ b) for _ in range(5))


def ours(data: split.Split) -> Callable[[], object]:
    """One epoch by the project's engine, per-epoch measures of all subsets included."""
    learner = Engine().learner(lenet(), {})
    measure = evaluate.Measure(learner, data)
    steps = loop.steps_per_epoch(len(data.x_N), BATCH)
    plan = loop.Plan([0.1] * steps, BATCH, order=lambda epoch: streams.generator(0, "order", epoch))
    return lambda: loop.train(learner, data.x_N, data.given_N, plan, measure, lambda row, n: None)


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Item by item as torchvision's own data sets do it: an array to a PIL image to a normalised tensor."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.x[index, 0])), int(self.y[index])


def usual(data: Images, workers: int) -> Callable[[], object]:
    """One epoch the usual way: train, then accuracy and loss of both sets through loaders."""
    network = lenet()
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    train, test = Pictures(data.x_train, data.y_train), Pictures(data.x_test, data.y_test)
    shuffled = DataLoader(train, BATCH, shuffle=True, num_workers=workers)
    loaders = [DataLoader(part, BATCH, num_workers=workers) for part in (train, test)]

    def epoch() -> None:
        network.train()
        for x, y in shuffled:
            optimizer.zero_grad()
            F.cross_entropy(network(x), y).backward()
            optimizer.step()
        network.eval()
        with torch.no_grad():
            for loader in loaders:
                for x, y in loader:
                    logits = network(x)
                    F.cross_entropy(logits, y, reduction="sum").item()
                    (logits.argmax(1) == y).sum().item()

    return epoch


def main() -> None:
    """Print the table."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5, help="epochs of ours, interleaved with matmul timings")
    arguments.add_argument("--train", type=int, default=60_000, help="training images")
    arguments.add_argument("--test", type=int, default=10_000, help="test images")
    args = arguments.parse_args()
    cores = len(os.sched_getaffinity(0))
    torch.set_num_threads(cores)
    data = images(args.train, args.test)
    labels = {"given": data.y_train, "permuted": np.arange(args.train) % 5 < 2}
    labels["validation"] = np.zeros(args.train, dtype=bool)
    epoch = ours(split.make(data, labels, torch.device("cpu")))
    epoch()
    floors, engine = [], []
    for _ in range(args.repeats):  # side by side, so that a slow moment of the machine slows both
        floors.append(flops(args.train, args.test) / matmul_rate())
        engine.append(seconds(epoch))
    loops = {workers: seconds(usual(data, workers)) for workers in sorted({0, cores})}
    workers, slow = min(loops.items(), key=lambda item: item[1])
    floor, mine = statistics.median(floors), statistics.median(engine)
    print(f"{platform.processor() or platform.machine()}, {cores} cores, torch {torch.__version__}")
    print(f"{args.train:,} training and {args.test:,} test images, batch {BATCH}, medians of {args.repeats}\n")
    print(f"{'':58s}{'seconds':>9s}{'ratio':>18s}")
    print(f"{'(a) matrix-multiply time of the FLOPs':58s}{floor:9.2f}")
    print(f"{'    prunelab, train + evaluate':58s}{mine:9.2f}{mine / floor:11.2f} x (a)")
    title = f"(b) transforms + DataLoader ({workers} workers, the faster), one run"
    print(f"{title:58s}{slow:9.2f}{slow / mine:11.1f} x ours")


if __name__ == "__main__":
    main()
