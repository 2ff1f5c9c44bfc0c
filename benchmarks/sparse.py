"""What sparsity buys: LeNet-300-100 on MNIST-shaped data, one epoch of training and evaluation of all 70,000 images.

Each round's network is trained twice in turn: by this project's dense path (`sparse: false`), and touching only what
survives. Masks are global magnitude pruning of the initial weights, the last layer kept, as in a study; rounds of 20%.
Then the products themselves, by density: where layers.DENSEST and DENSEST_GRADIENT come from.

    uv run python -m benchmarks.sparse            # 2-3 minutes
"""

import argparse
import os
import platform
import statistics
from collections.abc import Callable, Sequence
from functools import partial

import numpy as np
import torch

from benchmarks.epoch import BATCH, flops, images, lenet, matmul_rate, seconds
from prunelab.core import networks, split, streams
from prunelab.core.pruning import mask, select
from prunelab.core.training import evaluate, layers, loop
from prunelab.core.training.engine import Engine

SPARSITIES = (0.0, 0.8, 0.95, 0.98, 0.99, 0.999)
DENSITIES = (0.5, 0.35, 0.25, 0.15, 0.1, 0.07, 0.05, 0.02, 0.01, 0.001)


def masks_at(sparsity: float) -> mask.Masks:
    """Global magnitude pruning of the initial weights."""
    network = lenet()
    weights = networks.state(network)
    names = networks.prunable("lenet", network)
    return select.prune(mask.dense(weights, names), {n: weights[n].abs() for n in names}, sparsity, "global")


def epoch(data: split.Split, masks: mask.Masks, *, sparse: bool) -> Callable[[], object]:
    """One epoch of a pruned network, with the measures of all subsets."""
    network = lenet()
    network.load_state_dict(mask.applied(networks.state(network), masks))
    learner = Engine().learner(network, masks, sparse=sparse)
    steps = loop.steps_per_epoch(len(data.x_N), BATCH)
    plan = loop.Plan([0.1] * steps, BATCH, order=lambda epoch: streams.generator(0, "order", epoch))
    measure = evaluate.Measure(learner, data)
    measure()  # lays the sets out by feature, once for all epochs of a round
    return lambda: loop.train(learner, data.x_N, data.given_N, plan, measure, lambda row, n: None)


def medians(sides: Sequence[Callable[[], object]], repeats: int) -> list[float]:
    """Median seconds of each side, taken in turn so that a slow moment of the machine slows all."""
    for side in sides:
        side()
    times = [[seconds(side) for side in sides] for _ in range(repeats)]
    return [statistics.median(column) for column in zip(*times, strict=True)]


def epochs(data: split.Split, repeats: int) -> None:
    """Sparse against dense at given sparsities, and against the FLOP floor at 0."""
    print(f"{'sparsity':>9s}{'dense s':>9s}{'sparse s':>10s}{'dense / sparse':>16s}")
    for sparsity in SPARSITIES:
        masks = masks_at(sparsity)
        dense, sparse = medians([epoch(data, masks, sparse=False), epoch(data, masks, sparse=True)], repeats)
        print(f"{100 * sparsity:8g}%{dense:9.2f}{sparse:10.2f}{dense / sparse:14.2f} x", flush=True)
        if not sparsity:
            floor = flops(len(data.x_N), len(data.x_test_T)) / matmul_rate()
            print(f"{'':9s}{dense / floor:.2f} x the {floor:.2f} s of the FLOPs as one large matrix product")


def chain(data: split.Split, rounds: int, repeats: int) -> None:
    """A whole chain: one epoch stands for each round, and the slowest round is named."""
    ratios, totals = {}, np.zeros(2)
    for number in range(rounds + 1):
        masks = masks_at(1 - 0.8**number)
        times = medians([epoch(data, masks, sparse=False), epoch(data, masks, sparse=True)], repeats)
        totals += times
        ratios[number] = times[0] / times[1]
    worst = min(ratios, key=lambda number: ratios[number])
    print(f"\nr00 to r{rounds:02d}: {totals[0] / totals[1]:.2f} x; least in r{worst:02d}: {ratios[worst]:.2f} x")


def taken(gradient_OB: torch.Tensor, x_IB: torch.Tensor, flat_S: torch.Tensor) -> object:
    """Gradient by survivors through the dense product, and by the bias."""
    return (gradient_OB @ x_IB.t()).view(-1).index_select(0, flat_S), gradient_OB.sum(dim=1)


def repeat(side: Callable[[], object], times: int) -> None:
    """Call it so often."""
    for _ in range(times):
        side()


def products(repeats: int) -> None:
    """The three products of the first layer by density, dense over sparse, in microseconds."""
    print(f"\n784 -> 300, batch {BATCH}; microseconds\n{'density':>9s}{'forward':>20s}{'by weights':>20s}")
    x_IB, gradient_OB = torch.randn(784, BATCH), torch.randn(300, BATCH)
    weight, bias = torch.randn(300, 784), torch.zeros(300)
    for density in DENSITIES:
        survivors = torch.rand(weight.shape, generator=torch.Generator().manual_seed(0)) < density
        kept = layers.DENSEST_GRADIENT
        layers.DENSEST_GRADIENT = 1.0  # measure the sparse product at every density
        sparse, dense = layers.Sparse(weight * survivors, bias, survivors), layers.Dense(weight * survivors, bias)
        layers.DENSEST_GRADIENT = kept
        flat = survivors.flatten().nonzero()[:, 0]
        sides: list[Callable[[], object]] = [
            partial(dense.forward, x_IB),
            partial(sparse.forward, x_IB),
            partial(taken, gradient_OB, x_IB, flat),
            partial(sparse.by_parameters, gradient_OB, x_IB),
        ]
        often = [partial(repeat, side, 100) for side in sides]
        f_dense, f_sparse, w_dense, w_sparse = (1e4 * t for t in medians(often, repeats))
        pairs = (f"{d:.0f} / {s:.0f} = {d / s:.1f} x" for d, s in ((f_dense, f_sparse), (w_dense, w_sparse)))
        print(f"{100 * density:8g}%" + "".join(f"{pair:>20s}" for pair in pairs), flush=True)


def main() -> None:
    """Print all tables."""
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--repeats", type=int, default=5, help="timings of each side")
    arguments.add_argument("--rounds", type=int, default=30, help="length of the chain")
    arguments.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    args = arguments.parse_args()
    torch.set_num_threads(args.threads)
    print(f"{platform.processor() or platform.machine()}, {args.threads} threads, torch {torch.__version__}")
    print(f"LeNet-300-100, batch {BATCH}, medians of {args.repeats}\n")
    pictures = images(60_000, 10_000)
    labels = {"given": pictures.y_train, "permuted": np.arange(60_000) % 5 < 2, "validation": np.zeros(60_000, bool)}
    data = split.make(pictures, labels, torch.device("cpu"))
    epochs(data, args.repeats)
    chain(data, args.rounds, max(1, args.repeats // 2))
    products(args.repeats)


if __name__ == "__main__":
    main()
