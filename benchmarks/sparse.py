"""What sparsity buys: LeNet-300-100 on MNIST-shaped data, training and evaluation of all 70,000 images.

Each round's network is trained twice in turn: by this project's dense path (`sparse: false`), and touching only what
survives. Masks are global magnitude pruning of the initial weights, the last layer kept, as in a study; rounds of 20%.
Then the products themselves, by density: where layers.DENSEST comes from.

    uv run python -m benchmarks.sparse            # 5 minutes
"""

from collections.abc import Callable
from functools import partial

import torch

from benchmarks.epoch import BATCH, data, lenet, ours
from benchmarks.product import Product
from benchmarks.table import Side, Table, medians
from prunelab.core import networks, split
from prunelab.core.pruning import mask, select
from prunelab.core.rounds import replicates

SPARSITIES = (0.0, 0.8, 0.95, 0.98, 0.99, 0.999)
DENSITIES = (0.5, 0.35, 0.25, 0.15, 0.1, 0.05, 0.02, 0.001)
ROUNDS = 30
EPOCHS = 2  # of a timing: what is done once a round is spread over at least 40 in a study


def masks_at(sparsity: float, side: int = 28) -> mask.Masks:
    """Global magnitude pruning of the initial weights; of images with so many rows."""
    network = lenet(side)
    weights = networks.state(network)
    names = networks.prunable("lenet", network)
    return select.prune(mask.dense(weights, names), {n: weights[n].abs() for n in names}, sparsity, "global")


def both(data: split.Split, sparsity: float, repeats: int, epochs: int) -> list[float]:
    """Seconds of an epoch, dense and sparse."""
    masks = masks_at(sparsity)
    sides = [ours(data, masks, sparse=sparse, epochs=epochs) for sparse in (False, True)]
    return [time / epochs for time in medians(sides, repeats)]


def epochs(table: Table, data: split.Split, repeats: int) -> None:
    """At given sparsities."""
    for sparsity in SPARSITIES:
        dense, sparse = both(data, sparsity, repeats, EPOCHS)
        what = f"epoch at {100 * sparsity:g}% sparsity: dense path over sparse path"
        table.add(what, f"{dense:.3f} s", f"{sparse:.3f} s", dense / sparse)


def chain(table: Table, data: split.Split, repeats: int) -> None:
    """A whole chain: an epoch stands for each round; and the round where sparse training gains least."""
    rounds = [both(data, 1 - 0.8**number, repeats, 1) for number in range(ROUNDS + 1)]
    dense, sparse = (sum(times) for times in zip(*rounds, strict=True))
    table.add(f"rounds r00 to r{ROUNDS}, an epoch each", f"{dense:.2f} s", f"{sparse:.2f} s", dense / sparse)
    worst = min(range(len(rounds)), key=lambda number: rounds[number][0] / rounds[number][1])
    dense, sparse = rounds[worst]
    what = f"the round that gains least, r{worst:02d} ({100 * (1 - 0.8**worst):.0f}% sparse)"
    table.add(what, f"{dense:.3f} s", f"{sparse:.3f} s", dense / sparse)


def repeat(side: Callable[[], object], times: int) -> None:
    """Call it so often."""
    for _ in range(times):
        side()


def products(table: Table, repeats: int) -> None:
    """Products of the first layer by density."""
    x_IB, gradient_OB = torch.randn(784, BATCH), torch.randn(300, BATCH)
    weight = torch.randn(300, 784)
    for density in DENSITIES:
        survivors = torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) < density
        product, pruned = Product(weight * survivors, survivors, BATCH), weight * survivors
        sides: list[Side] = [
            partial(torch.mm, pruned, x_IB),
            partial(product.forward, x_IB),
            partial(torch.mm, gradient_OB, x_IB.t()),
            partial(product.by_survivors, gradient_OB, x_IB),
        ]
        times = [1e4 * time for time in medians([partial(repeat, side, 100) for side in sides], repeats)]
        for i, what in enumerate(("outputs", "gradient by weights")):
            first, second = times[2 * i : 2 * i + 2]
            name = f"784 to 300, density {density:g}: {what}, dense product over sparse"
            table.add(name, f"{first:.0f} µs", f"{second:.0f} µs", first / second)


def measure(table: Table, repeats: int) -> None:
    """All of it, on one core, as a replicate is trained."""
    replicates.limit_threads(1)
    pictures = data()
    epochs(table, pictures, repeats)
    chain(table, pictures, repeats)
    products(table, repeats)


if __name__ == "__main__":
    Table.command(__doc__, measure)
