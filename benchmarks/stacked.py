"""Replicates trained as one stack against one after the other: LeNet-300-100 on MNIST-shaped data, an epoch each.

Training and evaluation of all 70,000 images for every replicate, updates as CUDA graphs where there is a GPU.

    uv run python -m benchmarks.stacked --replicates 100     # on a GPU; on a CPU, where nothing is gained, try 5
"""

import argparse

import torch

from benchmarks.epoch import BATCH, data, lenet
from benchmarks.table import Side, Table, medians
from prunelab.core import split, streams
from prunelab.core.rounds import replicates
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import SGD
from prunelab.core.training.stack import Stack


def plan(seed: int, epochs: int) -> loop.Plan:
    """Of one replicate."""
    steps = loop.steps_per_epoch(60_000, BATCH)
    return loop.Plan([0.1] * (epochs * steps), BATCH, order=lambda epoch: streams.generator(seed, "order", epoch))


def stacked(some: split.Split, count: int, epochs: int) -> Side:
    """All at once; the labels are the same for all, which changes no work."""
    networks = [lenet().to(some.x_N.device) for _ in range(count)]
    stack = Stack(networks, [{} for _ in networks])
    measures = [evaluate.Measure(stack.one(number), some) for number in range(count)]
    y_RN = some.given_N.expand(count, -1).contiguous()
    plans = [plan(seed, epochs) for seed in range(count)]

    def train() -> None:
        for _ in loop.Together(stack, SGD(stack), some.x_N, y_RN, plans, graphs=True):
            for measure in measures:
                measure()

    return train


def alone(some: split.Split, epochs: int) -> Side:
    """One of them, as it is trained without stacking."""
    learner = Engine().learner(lenet().to(some.x_N.device), {})
    measure = evaluate.Measure(learner, some)

    def train() -> None:
        for _ in loop.Run(learner, SGD(learner), some.x_N, some.given_N, plan(0, epochs)):
            measure()

    return train


def main() -> None:
    """Seconds of an epoch of all replicates, either way."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--replicates", type=int, default=5)
    arguments.add_argument("--epochs", type=int, default=1, help="of a timing")
    arguments.add_argument("--repeats", type=int, default=3, help="timings of each side; medians are printed")
    options = arguments.parse_args()
    device = replicates.choose_device("auto")
    replicates.limit_threads(1)
    some = data(device=device)
    count, epochs = options.replicates, options.epochs
    sides = medians([alone(some, epochs), stacked(some, count, epochs)], options.repeats)
    one_by_one, together = count * sides[0] / epochs, sides[1] / epochs
    name = torch.cuda.get_device_name() if device.type == "cuda" else "a core"
    what = f"{count} replicates on {name}: an epoch of all, one after the other over stacked"
    Table().add(what, f"{one_by_one:.2f} s", f"{together:.2f} s", one_by_one / together)


if __name__ == "__main__":
    main()
