"""A few tiny studies in which every switch is on somewhere, and what they end with as named numbers."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from unittest import mock

import numpy as np
import torch
from torch import nn

from prunelab import config, corruption, presets
from prunelab.core import networks, sources, split, streams
from prunelab.core.rounds import kinds
from prunelab.core.rounds.task import Task
from prunelab.models import resnet20
from prunelab.studies.sdd.landscape import survey

ROOT = Path(__file__).resolve().parents[2]
CPU = torch.device("cpu")
# Few epochs: training amplifies rounding, and these numbers must be any processor's.
BASE = {
    "setting": "digits",
    "dataset": "digits",
    "model.name": "lenet",
    "model.width": 0.08,
    "model.batchnorm_init": "ones",
    "noise": 0.4,
    "noise_type": "symmetric",
    "train.epochs": 3,
    "train.batch_size": 32,
    "train.optimizer": "sgd",
    "train.lr": 0.1,
    "train.momentum": 0.0,
    "train.weight_decay": 0.0,
    "train.milestones": [],
    "train.gamma": 0.1,
    "train.warmup_epochs": 0,
    "train.augment": "none",
    "train.validation": 0,
    "train.rewind_iteration": 0,
    "prune.criterion": "magnitude",
    "prune.fraction": 0.4,
    "prune.scope": "global",
    "prune.schedule": "iterative",
    "prune.retrain": "rewind",
    "finetune.epochs": 1,
    "finetune.lr": 0.04,
    "redense.epochs": 2,
    "redense.lr": 0.07,
    "landscape.examples": 60,
    "landscape.directions": 2,
    "landscape.eigenvalues": 2,
    "landscape.probes": 3,
    "landscape.density": 8,
    "landscape.density_probes": 2,
    "landscape.plane": False,
    "sparse": False,
    "engine": [],
}


@dataclass(frozen=True)
class Study:
    """Changes of BASE, and which replicate."""

    seed: int
    changes: dict
    landscape: bool = False


STUDIES = {
    "rewind": Study(
        0,
        {
            "train.momentum": 0.9,
            "train.weight_decay": 0.01,
            "train.milestones": [2],
            "train.gamma": 0.3,
            "train.warmup_epochs": 1,
            "train.validation": 30,
            "train.rewind_iteration": 3,
            "landscape.plane": True,
        },
        landscape=True,
    ),
    "lr_rewind": Study(
        1,
        {
            "train.optimizer": "nesterov",
            "train.momentum": 0.8,
            "train.augment": "flip_shift",
            "train.rewind_iteration": 7,
            "prune.criterion": "gradient",
            "prune.scope": "layer",
            "prune.retrain": "lr_rewind",
            "noise_type": "pairflip",
        },
    ),
    "scratch": Study(
        2,
        {
            "train.optimizer": "adam",
            "train.lr": 0.003,
            "train.weight_decay": 0.02,
            "prune.criterion": "snip",
            "prune.retrain": "scratch",
            "noise_type": "uniform_other",
        },
    ),
    "finetune": Study(
        3,
        {
            "prune.criterion": "random",
            "prune.retrain": "finetune",
            "prune.schedule": "one_shot",
            "noise_type": "asymmetric",
            "noise": 0.2,
        },
    ),
    "sparse": Study(
        4, {"prune.fraction": 0.9, "train.augment": "shift", "sparse": True, "train.lr": 0.3, "redense.lr": 0.3}
    ),
    "batch norm": Study(
        5,
        {
            "model.name": "resnet20",  # but `shallow`
            "model.width": 0.5,
            "model.batchnorm_init": "uniform",
            "train.epochs": 2,
            "train.momentum": 0.5,
            "train.weight_decay": 0.01,
            "train.augment": "flip",
            "train.rewind_iteration": 2,
            "train.lr": 0.05,
            "redense.epochs": 1,
            "redense.lr": 0.02,
            "prune.criterion": "synflow",
            "landscape.examples": 50,
            "landscape.directions": 1,
            "landscape.eigenvalues": 1,
        },
        landscape=True,
    ),
}
LOSSES = ("train", "permuted", "unpermuted", "restored", "test", "validation")


def shallow(sample_shape, num_classes, width):
    """Two convolutions with batch norm: through the twenty of the smallest ResNet, rounding is amplified too much."""
    first, second = round(16 * width), round(24 * width)
    return nn.Sequential(
        nn.Conv2d(sample_shape[0], first, 3, padding=1, bias=False),
        nn.BatchNorm2d(first),
        nn.ReLU(),
        nn.Conv2d(first, second, 3, stride=2, padding=1),
        nn.BatchNorm2d(second),
        nn.ReLU(),
        nn.AdaptiveAvgPool2d(1),
        nn.Flatten(),
        nn.Linear(second, num_classes),
    )


def nested(values):
    """Parameters from dotted names."""
    result = {}
    for name, value in values.items():
        *sections, last = name.split(".")
        place = result
        for section in sections:
            place = place.setdefault(section, {})
        place[last] = value
    return result


def settings(study: Study) -> config.Config:
    """A whole study's parameters."""
    return config.validate(nested(presets.values("digits", ROOT) | BASE | study.changes))


@cache
def digits():
    """So few that all studies take seconds."""
    return sources.sample(sources.fetch("digits", Path()), 150, 80)


def data(params, seed):
    """What stages/corrupt.py does; its own numbers are pinned by the tables."""
    found = digits()
    n, held_out = len(found.y_train), np.zeros(len(found.y_train), dtype=bool)
    held_out[streams.numpy_generator(seed, "validation").permutation(n)[: params.train.validation]] = True
    given, permuted = corruption.corrupt(
        found.y_train,
        ~held_out,
        found.num_classes,
        params.noise,
        params.noise_type,
        sources.source("digits").LOOK_ALIKE,
        streams.numpy_generator(seed, "noise"),
    )
    return split.make(found, {"given": given, "permuted": permuted, "validation": held_out}, CPU)


@mock.patch.object(resnet20, "build", shallow)
def run(study):
    """Name -> number."""
    params = settings(study)
    found = data(params, study.seed)
    numbers = {"given labels": along(found.given_N), "pixels": along(found.x_N[:])}
    task = Task(study.seed, found, params, lambda row, n: None)
    dense = kinds.dense(task)
    first = kinds.prune(task, 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    parent, number = ((dense, 0), (first, 1))[params.prune.schedule == "iterative"]
    second = kinds.prune(task, 2, (parent.weights, parent.masks), dense.rewind, dense.start, number)
    state = (second.weights, second.masks)
    last_epoch = second.record["last"]["epoch"]
    again = kinds.redense(task, 2, state, second.start, dense.start, last_epoch)
    reinit = kinds.reinit(task, 2, second.masks)
    outcomes = {"dense": dense, "r01": first, "r02": second, "re-dense": again, "reinit": reinit}
    for name, outcome in outcomes.items():
        numbers |= {f"{name}, {what}": value for what, value in of_outcome(outcome).items()}
    if study.landscape:
        numbers |= {f"landscape, {what}": value for what, value in around(task, second, again).items()}
    return numbers


def of_outcome(outcome):
    """What a round of a replicate leaves behind, in a few numbers."""
    last, distance = outcome.record["last"], outcome.record["distance"]
    return {
        "sparsity": outcome.record["sparsity"],
        "masks": sum(along(mask) for mask in outcome.masks.values()),
        "start": sum(along(value) for value in outcome.start.values()),
        "weights": sum(along(value) for value in outcome.weights.values()),
        "norm": float(sum(v.double().square().sum() for v in outcome.weights.values()) ** 0.5),
        "loss of examples": along(outcome.loss_N),
        "from start": distance["from_start"],
        "from dense init": distance["from_dense_init"],
        "from start, first layer": next(iter(distance["layers"].values()))["from_start"],
        "learning rate": last["learning_rate"],
        "epoch": last["epoch"],
        "mean train loss": float(np.mean([row["train_loss"] for row in outcome.history])),
        **{f"{name} loss": last[f"{name}_loss"] for name in LOSSES if f"{name}_loss" in last},
    }


def around(task, sparse, redense):
    """The loss around the solutions."""
    network = networks.build(
        task.params.model.name,
        task.split.x_N.sample_shape,
        task.split.num_classes,
        task.params.model.width,
        task.params.model.batchnorm_init,
        streams.generator(0, "init"),
    )
    solutions = {
        name: survey.Solution(outcome.weights, outcome.masks)
        for name, outcome in (("sparse", sparse), ("redense", redense))
    }
    found = survey.survey(network, task.split, solutions, task.params.landscape, task.seed, lambda: None)
    numbers = {f"path, {s} loss": along([row[f"{s}_loss"] for row in found.path]) for s in ("train", "test")}
    numbers |= {"lines": along([row["train_loss"] for row in found.lines])}
    numbers |= {"planes": along([row["train_loss"] for row in found.planes])}
    numbers |= {f"layers, {what}": along([row[what] for row in found.layers]) for what in ("eigenvalue", "trace")}
    for name in solutions:
        record = found.record[name]
        numbers |= {f"{name}, {what}": record[what] for what in ("parameters", "trace", "trace_error", "train_loss")}
        numbers |= {f"{name}, gradient covariance": record["gradient_covariance"]}
        numbers |= {f"{name}, trace of the spectrum": record["spectrum_trace"]}
        numbers |= {f"{name}, leading eigenvalue {i}": value for i, value in enumerate(record["leading"])}
        numbers |= {f"{name}, eigenvalue {i}": value for i, value in enumerate(record["eigenvalues"])}
    return numbers


def along(values):
    """A sum in which every value counts, and its place."""
    flat = np.asarray(values, dtype=np.float64).ravel()
    return float(flat @ np.cos(1 + np.arange(len(flat))))


def numbers():
    """All of them, by the study's name and their own."""
    return {f"{name}: {what}": value for name, study in STUDIES.items() for what, value in run(study).items()}
