"""One epoch of LeNet-300-100 on MNIST-shaped data, training plus evaluation of all 70,000 images, against

(a) the matrix-multiply time its floating-point operations need on the same core, and
(b) the usual loop: PIL images through torchvision transforms, a DataLoader, torch.optim.SGD.

    uv run python -m benchmarks.epoch           # 1-2 minutes
"""

import os
import statistics
from itertools import pairwise

import numpy as np
import torch
import torch.nn.functional as F
from PIL import Image
from torch import nn
from torch.utils.data import DataLoader, Dataset
from torchvision import transforms

from benchmarks.table import Side, Table, seconds
from prunelab.core import networks, split, streams
from prunelab.core.images import Images
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds import replicates
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import SGD

BATCH, WIDTHS = 128, (300, 100, 10)


def images(num_train: int, num_test: int, side: int = 28) -> Images:
    """Random pixels and labels, by default in MNIST's shape."""
    rng = np.random.default_rng(0)

    def part(n: int) -> tuple[np.ndarray, np.ndarray]:
        return rng.integers(0, 256, (n, 1, side, side), dtype=np.uint8), rng.integers(0, 10, n)

    return Images(*part(num_train), *part(num_test), num_classes=10, max_value=255)


def data(
    num_train: int = 60_000, num_test: int = 10_000, side: int = 28, device: torch.device | None = None
) -> split.Split:
    """The same with 40% of the labels counted as permuted."""
    pictures = images(num_train, num_test, side)
    labels = {"given": pictures.y_train, "permuted": np.arange(num_train) % 5 < 2}
    return split.make(pictures, labels | {"validation": np.zeros(num_train, dtype=bool)}, device or torch.device("cpu"))


def lenet(side: int = 28) -> nn.Module:
    """A fresh network, the same for every way of training it."""
    return networks.build("lenet", (1, side, side), 10, 1.0, "ones", streams.generator(0, "init"))


def flops(num_train: int, num_test: int, side: int = 28, *, evaluated: bool = True) -> float:
    """Multiply-adds count 2. Forward and weight gradients of all layers, input gradients of all but the first; and
    forward of everything once more where it is evaluated.
    """
    layers = [a * b for a, b in pairwise((side**2, *WIDTHS))]
    forward = 2 * sum(layers)
    training = num_train * (2 * forward + 2 * sum(layers[1:]))
    return training + evaluated * (num_train + num_test) * forward


def matmul_rate(size: int = 2048) -> float:
    """Floating-point operations a second of a large square product: what these cores can do."""
    a, b = torch.randn(size, size), torch.randn(size, size)
    return 2 * size**3 / min(seconds(lambda: a @ b) for _ in range(5))


def ours(data: split.Split, masks: Masks, *, sparse: bool, epochs: int = 1, evaluated: bool = True) -> Side:
    """Epochs of a network with these masks by the project's engine, per-epoch measures of all subsets included."""
    network = lenet(data.x_N.sample_shape[1])
    for name, survivors in masks.items():
        network.get_parameter(name).data *= survivors
    learner = Engine().learner(network, masks, sparse=sparse)
    rates = [0.1] * (epochs * loop.steps_per_epoch(len(data.x_N), BATCH))
    plan = loop.Plan(rates, BATCH, order=lambda epoch: streams.generator(0, "order", epoch))
    measure = evaluate.Measure(learner, data)
    measure()  # lays the sets out by feature, once for all epochs of a round

    def train() -> None:
        for _ in loop.Run(learner, SGD(learner), data.x_N, data.given_N, plan):
            if evaluated:
                measure()

    return train


class Pictures(Dataset[tuple[torch.Tensor, int]]):
    """Item by item as torchvision's own data sets do it: an array to a PIL image to a normalised tensor."""

    def __init__(self, x: np.ndarray, y: np.ndarray) -> None:
        self.x, self.y = x, y
        self.transform = transforms.Compose([transforms.ToTensor(), transforms.Normalize((0.1307,), (0.3081,))])

    def __len__(self) -> int:
        return len(self.x)

    def __getitem__(self, index: int) -> tuple[torch.Tensor, int]:
        return self.transform(Image.fromarray(self.x[index, 0])), int(self.y[index])


def usual(data: Images, workers: int) -> Side:
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


def measure(table: Table, repeats: int) -> None:
    """Ours against the floor, and the usual loop (once, with the faster number of workers) against ours."""
    replicates.limit_threads(1)  # as a replicate is trained; the loader's workers have the other cores
    epoch = ours(data(), {}, sparse=True)
    epoch()
    floors, engine = [], []
    for _ in range(8 * repeats):  # side by side; many, because slow moments of a shared machine last seconds
        floors.append(flops(60_000, 10_000) / matmul_rate())
        engine.append(seconds(epoch))
    floor, mine = statistics.median(floors), statistics.median(engine)
    what = "LeNet-300-100, 60,000 + 10,000 images: epoch with evaluation"
    table.add(f"{what}, over its FLOPs as one matrix product", f"{mine:.2f} s", f"{floor:.2f} s", mine / floor)
    # Memory slowed by a neighbour slows an epoch for tens of seconds, but not one product that stays in caches.
    quiet, least = min(engine), min(floors)
    table.add("the same, fastest of each", f"{quiet:.2f} s", f"{least:.2f} s", quiet / least)
    pictures = images(60_000, 10_000)
    loops = {workers: seconds(usual(pictures, workers)) for workers in (0, len(os.sched_getaffinity(0)))}
    workers, slow = min(loops.items(), key=lambda item: item[1])
    table.add(
        f"transforms + `DataLoader` ({workers} workers), over ours", f"{slow:.2f} s", f"{mine:.2f} s", slow / mine
    )


if __name__ == "__main__":
    Table.command(__doc__, measure)
