"""Do the sparse and the dense path agree? One round of the study in this folder from the same start, three ways.

    uv run python -m benchmarks.agreement r08 r12 r20

Needs a finished `dvc repro`. The control is a third path: dense like the second, by autograd, which adds up in another
order. What differs between the two dense paths is rounding and nothing else, grown by training. A row gives, for one
round, the largest difference over replicates of a per-epoch train loss, within 20 epochs and within all of them; and
the least agreement of masks after pruning once more.
"""

import argparse
from contextlib import AbstractContextManager, nullcontext
from pathlib import Path
from typing import Any
from unittest import mock

import torch

from prunelab import config, yaml12
from prunelab.core import artifacts, images, split
from prunelab.core.pruning import select
from prunelab.core.rounds import checkpoint, kinds
from prunelab.core.rounds.task import Outcome, Task
from prunelab.core.training import perceptron

EARLY = 20  # epochs
PATHS = {"dense": False, "sparse": True, "autograd": False}


def trained(path: str, task: Task, key: str, parent: str) -> Outcome:
    """One round by one of PATHS."""
    folder, origin = (
        artifacts.replicate(where, task.seed)
        for where in (artifacts.of_round(artifacts.ROUNDS, parent), artifacts.ORIGIN)
    )
    masks = checkpoint.load_masks(folder, task.layout)
    task = Task(task.seed, task.split, task.params.model_copy(update={"sparse": PATHS[path]}), lambda row, epochs: None)
    by_autograd: AbstractContextManager[Any] = mock.patch.object(perceptron, "is_one", return_value=False)
    with by_autograd if path == "autograd" else nullcontext():
        return kinds.prune(
            task,
            int(key[1:]),
            (checkpoint.load_state(folder, artifacts.WEIGHTS, masks, task.layout), masks),
            rewind=checkpoint.load_state(origin, artifacts.REWIND, {}, task.layout),
            init=checkpoint.load_state(origin, artifacts.INIT, {}, task.layout),
            parent_number=int(parent[1:]),
        )


def losses(a: Outcome, b: Outcome) -> list[float]:
    """Difference of the train loss, epoch by epoch."""
    return [abs(x["train_loss"] - y["train_loss"]) for x, y in zip(a.history, b.history, strict=True)]


def overlap(a: Outcome, b: Outcome) -> float:
    """Share of entries on which the next masks agree, pruned by magnitude."""
    ours, theirs = (
        select.prune(one.masks, {name: one.weights[name].abs() for name in one.masks}, 0.2, "global") for one in (a, b)
    )
    same = sum(int((ours[name] == theirs[name]).sum()) for name in ours)
    return same / sum(part.numel() for part in ours.values())


def main() -> None:
    """Print a row for each round."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("rounds", nargs="+", metavar="rNN")
    torch.set_num_threads(1)  # as a replicate is trained
    values = yaml12.load(Path("params.yaml"))
    chain = {name: values.pop(name) for name in config.DERIVED}["rounds"]
    params = config.validate(values)
    print("| round | dense, sparse: 20 epochs | all | masks | dense, autograd: 20 epochs | all | masks |")
    print("|---|---|---|---|---|---|---|", flush=True)
    for key in parser.parse_args().rounds:
        rows = []
        for seed in params.seeds:
            labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
            data = split.make(images.read(artifacts.RAW), labels, torch.device("cpu"))
            task = Task(seed, data, params, lambda row, epochs: None)
            dense, sparse, autograd = (trained(path, task, key, chain[key]) for path in PATHS)
            pairs = [(losses(dense, other), overlap(dense, other)) for other in (sparse, autograd)]
            rows.append([(max(found[:EARLY]), max(found), 1 - same) for found, same in pairs])
        cells = [max(row[side][i] for row in rows) for side in (0, 1) for i in range(3)]
        shown = [f"{100 * (1 - c):.3f}%" if i % 3 == 2 else f"{c:.1e}" for i, c in enumerate(cells)]
        print(f"| {key} | {' | '.join(shown)} |", flush=True)


if __name__ == "__main__":
    main()
