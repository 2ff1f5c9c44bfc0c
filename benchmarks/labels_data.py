"""The data of benchmarks/labels.py: pictures drawn from the whole set, and labels with noise."""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prunelab import config, corruption, presets
from prunelab.core import byname, images, sources, split, streams
from prunelab.core.rounds.task import Task

Labels = NDArray[np.int64]
# By name: data set, images, network and its training. What a fully trained network is, is fixed here, before any score.
SETS: dict[str, dict[str, Any]] = {
    "mnist": {
        "images": 10_000,
        "prune.rounds": 6,
        "model.name": "lenet",
        "train.epochs": 20,
        "train.lr": 0.05,
        "train.momentum": 0.9,
        "train.batch_size": 100,
    },
    "cifar10": {
        "images": 2_000,
        "prune.rounds": 5,
        "model.name": "conv2",
        "model.width": 0.2,
        "engine": ["channels_last"],
        "train.epochs": 12,
        "train.lr": 0.02,
        "train.momentum": 0.9,
        "train.batch_size": 50,
    },
}
HELD_OUT = 1_000  # with noisy labels, for early stopping
NOISE = {
    "10%": ("uniform_other", 0.1),
    "20%": ("uniform_other", 0.2),
    "40%": ("uniform_other", 0.4),
    "look-alike 20%": ("look_alike", 0.2),
    "instance 20%": ("instance", 0.2),
}


@dataclass(frozen=True)
class Setting:
    """One column of the table, and which draw of it."""

    of: str
    noise: str
    draw: int

    @property
    def name(self) -> str:
        """As the table has it."""
        return f"{self.of} {self.noise}"


@dataclass(frozen=True)
class Data:
    """N examples to rank, and a replicate that trains on them; V others with noisy labels."""

    task: Task
    given_N: Labels
    original_N: Labels
    held_out_V: Any
    held_out_given_V: torch.Tensor


def draw(setting: Setting, root: Path) -> Data:
    """Pictures, labels and network seeds of one draw."""
    how = SETS[setting.of]
    x, y = _pictures(setting.of, root)
    rng = streams.numpy_generator(setting.draw, "benchmark", len(y))
    rows = rng.permutation(len(y))[: how["images"] + HELD_OUT]
    x, y = x[rows], y[rows]
    kind, share = NOISE[setting.noise]
    source: Any = byname.load("datasets", setting.of, "dataset")
    given, permuted = corruption.corrupt(
        y,
        np.ones(len(y), dtype=bool),
        10,
        share,
        kind,
        corruption.look_alikes(source, kind),
        rng,
        lambda: x.reshape(len(x), -1).astype(np.float32),
    )
    train, held = slice(0, how["images"]), slice(how["images"], None)
    pictures = images.Images(x[train], y[train], x[held], given[held], num_classes=10)
    labels = {"given": given[train], "permuted": permuted[train], "validation": np.zeros(how["images"], dtype=bool)}
    made = split.make(pictures, labels, torch.device("cpu"))
    task = Task(setting.draw, made, parameters(setting.of), lambda row, epochs: None)
    return Data(task, given[train], y[train], made.x_test_T, made.y_test_T)


def parameters(of: str) -> config.Config:
    """The house's, but for the network and how it is trained and pruned."""
    flat = presets.values("digits") | {name: value for name, value in SETS[of].items() if name != "images"}
    flat |= {"dataset": of, "prune.fraction": 0.6, "seeds": [0], "noise": 0.0}
    flat["n_rounds"] = flat.pop("prune.rounds")
    nested: dict[str, Any] = {}
    for name, value in flat.items():
        *sections, last = name.split(".")
        inside = nested
        for section in sections:
            inside = inside.setdefault(section, {})
        inside[last] = value
    return config.validate(nested)


def _pictures(of: str, root: Path) -> tuple[NDArray[np.uint8], Labels]:
    if of == "cifar10":
        with np.load(root / "cifar10.npz") as found:
            return np.ascontiguousarray(found["x_train"].transpose(0, 3, 1, 2)), found["y_train"].astype(np.int64)
    found = sources.fetch(of, root)
    return found.x_train, found.y_train
