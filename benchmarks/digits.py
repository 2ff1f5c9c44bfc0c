"""One epoch of one replicate of 1,000 images on one core, near its limit: digits (8x8) and MNIST's size (28x28).

Ours, with and without what is measured after each epoch, against the time of its floating-point operations as one large
matrix product on the same core (of the surviving weights: what nobody reaches), and against PyTorch's own loop on the
same tensors: autograd, torch.optim.SGD, gradients masked, nothing measured.

    uv run python -m benchmarks.digits            # a minute
"""

import statistics

import torch
import torch.nn.functional as F
from torch import nn

from benchmarks.epoch import BATCH, data, flops, lenet, matmul_rate, ours
from benchmarks.sparse import masks_at
from benchmarks.table import Side, Table, seconds
from prunelab.core import split
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds import replicates

IMAGES, TESTED = 1_000, 797
DENSITIES = (1.0, 0.2, 0.01)
EPOCHS = 20  # of a timing: what is done once a round is spread over 200 in a study


def usual(data: split.Split, network: nn.Module, masks: Masks) -> Side:
    """Epochs of PyTorch's own loop."""
    optimizer = torch.optim.SGD(network.parameters(), lr=0.1)
    x, y = data.x_N[:], data.given_N
    masked = [(network.get_parameter(name), mask) for name, mask in masks.items() if not bool(mask.all())]

    def train() -> None:
        for _ in range(EPOCHS):
            for batch in torch.randperm(len(y)).split(BATCH):
                optimizer.zero_grad()
                F.cross_entropy(network(x[batch]), y[batch]).backward()
                for parameter, mask in masked:
                    assert parameter.grad is not None
                    parameter.grad *= mask
                optimizer.step()

    return train


def measure(table: Table, repeats: int) -> None:
    """Each size and density, its sides in turn."""
    replicates.limit_threads(1)
    for side in (8, 28):
        pictures = data(IMAGES, TESTED, side)
        for density in DENSITIES:
            masks = masks_at(1 - density, side)
            sides = [
                ours(pictures, masks, sparse=True, epochs=EPOCHS, evaluated=evaluated) for evaluated in (False, True)
            ]
            sides.append(usual(pictures, lenet(side), masks))
            for one in sides:
                one()
            rounds = [[matmul_rate(1024), *(seconds(one) / EPOCHS for one in sides)] for _ in range(3 * repeats)]
            rate, trained, measured, plain = map(statistics.median, zip(*rounds, strict=True))
            what = f"{IMAGES:,} images {side}x{side}, {100 * density:g}% of the weights, one core: epoch"
            least = density * flops(IMAGES, 0, side, evaluated=False) / rate
            both = density * flops(IMAGES, TESTED, side) / rate
            table.add(f"{what}, over its FLOPs", _ms(trained), _ms(least), trained / least)
            table.add(f"{what} with evaluation, over its FLOPs", _ms(measured), _ms(both), measured / both)
            table.add(f"{what}, PyTorch's loop over ours", _ms(plain), _ms(trained), plain / trained)


def _ms(time: float) -> str:
    return f"{1e3 * time:.2f} ms"


if __name__ == "__main__":
    Table.command(__doc__, measure)
