"""How cost grows: with the number of training images, and bytes on disk with the weights that survive.

uv run python -m benchmarks.growth            # 2 minutes
"""

import tempfile
from pathlib import Path

import torch

from benchmarks.epoch import data, ours
from benchmarks.table import Table, medians
from prunelab.core import networks, streams
from prunelab.core.pruning import mask, select
from prunelab.core.rounds import checkpoint
from prunelab.core.rounds.task import Outcome
from prunelab.core.training import record

SIZES = (1_000, 4_000, 15_000, 60_000)
RESNET18_ROUNDS, CIFAR_EXAMPLES, CIFAR_EPOCHS = 30, 50_000, 160


def training_set(table: Table, repeats: int) -> None:
    """An epoch by the number of images, each size against the one before; proportional would be their ratio."""
    times = medians([ours(data(size, 1_000), {}, sparse=True) for size in SIZES], 3 * repeats)
    for i in range(1, len(SIZES)):
        what = f"dense LeNet-300-100, {SIZES[i]:,} images over {SIZES[i - 1]:,} ({SIZES[i] / SIZES[i - 1]:g} times)"
        table.add(what, f"{times[i]:.3f} s", f"{times[i - 1]:.3f} s", times[i] / times[i - 1])


def size_of(folder: Path) -> int:
    """Bytes of all files."""
    return sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())


def disk(table: Table) -> None:
    """What one replicate of a ResNet-18 chain on CIFAR-10 stores: real files, written from random weights."""
    network = networks.build("resnet18", (3, 32, 32), 10, 1.0, "ones", streams.generator(0, "init"))
    weights, names = networks.state(network), networks.prunable("resnet18", network)
    masks = everything = mask.dense(weights, names)
    values = torch.rand(CIFAR_EXAMPLES)
    history = [
        {"epoch": epoch, **{f"measure{i}": 1 / (epoch + i) for i in range(1, 13)}} for epoch in range(CIFAR_EPOCHS)
    ]
    sizes = []
    for number in range(RESNET18_ROUNDS + 1):
        if number:
            masks = select.prune(masks, {n: weights[n].abs() for n in names}, 0.2, "global")
        state = mask.applied(weights, masks)
        with tempfile.TemporaryDirectory() as folder:
            predicted = (10 * values).long()
            right, over_epochs = values < 0.5, dict.fromkeys(record.KINDS, values)
            outcome = Outcome(masks, state, state, history, predicted, values, over_epochs, right, right, {})
            checkpoint.save(Path(folder), outcome)
            sizes.append(size_of(Path(folder)))
        if number in (0, 5, 10, 20, 30):
            share = mask.survivors(masks) / mask.prunable(everything)
            what = f"bytes of round r{number:02d} of ResNet-18 over r00's ({100 * share:.3g}% of the weights left)"
            table.add(what, f"{sizes[-1] / 1e6:.2f} MB", f"{sizes[0] / 1e6:.2f} MB", sizes[-1] / sizes[0])
    every = sum(sizes), sizes[0] * len(sizes)
    what = f"{RESNET18_ROUNDS} rounds of ResNet-18, one replicate, over as many whole networks"
    table.add(what, f"{every[0] / 1e6:.0f} MB", f"{every[1] / 1e6:.0f} MB", every[0] / every[1])


def measure(table: Table, repeats: int) -> None:
    """Both."""
    training_set(table, repeats)
    disk(table)


if __name__ == "__main__":
    Table.command(__doc__, measure)
