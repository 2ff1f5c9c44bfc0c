"""Every preset of conf/setting/: composes as DVC composes it, is what the papers state, and trains."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from conftest import make_images, make_split
from test_config import changed

from prunelab import config
from prunelab.core import networks, sources, streams
from prunelab.core.pruning import mask
from prunelab.core.rounds import kinds
from prunelab.core.rounds.task import Task

ROOT = Path(__file__).resolve().parent.parent
NAMES = sorted(file.stem for file in (ROOT / "conf" / "setting").glob("*.yaml"))
# (C, H, W) and number of classes, as each data set is published.
SHAPES = {
    "digits": ((1, 8, 8), 10),
    "mnist": ((1, 28, 28), 10),
    "cifar10": ((3, 32, 32), 10),
    "cifar100": ((3, 32, 32), 100),
    "tiny_imagenet": ((3, 64, 64), 200),
}
COMPOSE = """
import json, sys, yaml
from dvc.utils.hydra import compose_and_dump
for name in sys.argv[3:]:
    changes = [f"setting={name}", "data_root=" + sys.argv[2]]
    compose_and_dump(sys.argv[1], sys.argv[2] + "/conf", None, "config", sys.argv[2], changes)
    print(json.dumps(yaml.safe_load(open(sys.argv[1]))))
"""


@pytest.fixture(scope="module")
def composed(tmp_path_factory):
    """Each preset's params.yaml, by name; in a process of its own, which DVC's Hydra plugins need."""
    root = tmp_path_factory.mktemp("composed")
    (root / "tiny-imagenet-200" / "train").mkdir(parents=True)
    for name in ("wnids.txt", "val/val_annotations.txt"):
        (root / "tiny-imagenet-200" / name).parent.mkdir(exist_ok=True)
        (root / "tiny-imagenet-200" / name).touch()
    for name in ("conf", "hydra_plugins", "src"):
        (root / name).symlink_to(ROOT / name)
    done = subprocess.run(
        [sys.executable, "-c", COMPOSE, root / "params.yaml", root, *NAMES],
        cwd=root,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return dict(zip(NAMES, map(json.loads, done.stdout.splitlines()), strict=True))


def without_derived(values):
    return {name: value for name, value in values.items() if name not in config.DERIVED}


# SDD A.1 and its released code: epochs, batch, momentum, LR, divided by ten at, weight decay, warm-up, rewind
# iteration, re-dense LR and epochs, replicates.
SDD = {
    "mnist_lenet": (200, 128, 0.0, 0.1, [], 0.0, 0, 0, 0.1, 200, 5),
    "cifar10_resnet18": (160, 128, 0.9, 0.1, [80, 120], 1e-4, 0, 1000, 0.001, 160, 3),
    "cifar100_resnet18": (160, 128, 0.9, 0.1, [80, 120], 1e-4, 0, 1000, 0.001, 160, 3),
    "cifar10_vgg16": (160, 128, 0.9, 0.1, [80, 120], 1e-4, 0, 1000, 0.001, 160, 3),
    "cifar100_vgg16": (160, 128, 0.9, 0.1, [80, 120], 1e-4, 0, 1000, 0.001, 160, 3),
    "tiny_imagenet_resnet101": (200, 512, 0.9, 0.2, [100, 150], 1e-4, 5, 1000, 0.002, 200, 3),
}


@pytest.mark.parametrize("name", SDD)
def test_settings_are_as_published(composed, name):
    values = composed[name]
    train, redense = values["train"], values["redense"]
    assert SDD[name] == (
        *(train[k] for k in ("epochs", "batch_size", "momentum", "lr", "milestones", "weight_decay")),
        *(train[k] for k in ("warmup_epochs", "rewind_iteration")),
        *(redense[k] for k in ("lr", "epochs")),
        len(values["seeds"]),
    )
    assert f"{values['dataset']}_{values['model']['name']}" == name
    assert train["augment"] == ("none" if name.startswith("mnist") else "flip_shift")
    assert (values["prune"]["fraction"], values["prune"]["retrain"], train["gamma"]) == (0.2, "rewind", 0.1)
    assert values["prune"]["schedule"] == ("one_shot" if name.startswith("tiny") else "iterative")
    assert values["rounds"]["r05"] == ("r00" if name.startswith("tiny") else "r04")


@pytest.mark.parametrize("name", [name for name in NAMES if name.startswith("lens_") and name != "lens_digits"])
def test_lens_benchmarks_hold_out_2000_and_rewind_to_epoch_10(composed, name):
    values = composed[name]
    train = values["train"]
    steps = -(-(sources.source(values["dataset"]).NUM_TRAIN - 2000) // train["batch_size"])
    assert train["validation"] == 2000
    assert train["rewind_iteration"] == (0 if "lenet" in name else 10 * steps)
    assert (values["noise_type"], values["prune"]["criterion"], len(values["seeds"])) == (
        "uniform_other",
        "magnitude",
        3,
    )


# Stability, scripts of Figures 2, 4 and Table F1: epochs, optimiser, LR, divided by ten at, score; layers, fractions,
# starts, ends, periods, replicates.
TRADITIONAL = (165, "sgd", 0.1, [83, 125], "l1", 0, 0.1, 40, 100, [30, 60], 10)
STABILITY = {
    "cifar10_vgg11_stability": (
        *(325, "adam", 0.001, [150, 300], "l2", 4, [0.3, 0.3, 0.3, 0.9], [3, 4, 5, 6], [150, 150, 150, 275]),
        *([4, 40], 10),
    ),
    "cifar10_resnet18_stability": (
        *(325, "adam", 0.001, [150, 300], "activation", 4, [0.25, 0.4, 0.25, 0.95], [7, 8, 9, 10]),
        *([150, 150, 170, 275], [4, 40], 10),
    ),
    "cifar10_resnet18_traditional": TRADITIONAL,
    "cifar10_resnet20_traditional": TRADITIONAL,
    "cifar10_resnet56_traditional": TRADITIONAL,
    "cifar100_resnet18_stability": (4000, "adam", 0.0001, [2000], "l1", 1, 0.7, 2500, 3500, [750], 3),
}


@pytest.mark.parametrize("name", STABILITY)
def test_pruning_while_training_is_as_published(composed, name):
    values = composed[name]
    train, stability = values["train"], values["stability"]
    assert STABILITY[name] == (
        *(train[k] for k in ("epochs", "optimizer", "lr", "milestones")),
        *(stability[k] for k in ("score", "layers", "fraction", "start", "end", "periods")),
        len(values["seeds"]),
    )
    of = "_".join(name.split("_")[:2])
    assert f"{values['dataset']}_{values['model']['name']}" == of
    assert (train["batch_size"], train["gamma"], values["noise"]) == (128, 0.1, 0)
    heavy = name.endswith("traditional")
    assert (train["momentum"], train["weight_decay"]) == ((0.9, 1e-4) if heavy else (0, 0))
    assert train["augment"] == ("flip_shift" if heavy or "cifar100" in name else "none")
    assert next(iter(values["arms"])) == "none"


@pytest.mark.parametrize("name", NAMES)
def test_every_setting_builds_its_network_and_completes_two_rounds(composed, name):
    """At toy length and width, on noise in the data set's own shape; the full network is built once."""
    values = without_derived(composed[name])
    shape, classes = SHAPES[values["dataset"]]
    full = networks.build(values["model"]["name"], shape, classes, values["model"]["width"], "ones", torch.Generator())
    assert len(networks.prunable(values["model"]["name"], full)) > 1
    train = values["train"]
    toy = {
        **{"train.epochs": 2, "train.batch_size": 8, "redense.epochs": 1, "finetune.epochs": 1, "model.width": 0.1},
        **{"train.milestones": [1] if train["milestones"] else [], "train.lr": 0.01},
        **{"train.warmup_epochs": min(1, train["warmup_epochs"]), "train.validation": min(4, train["validation"])},
        **{"train.rewind_iteration": min(1, train["rewind_iteration"])},
        # Whose schedule has no room in two epochs.
        **{"studies": [name for name in values["studies"] if name != "stability"]},
    }
    params = config.validate(changed(values, toy))
    data = make_split(make_images(12, 4, classes, shape), permuted=range(4), validation=params.train.validation)
    task = Task(0, data, params, lambda row, n: None)
    dense = parent = kinds.dense(task)
    for key, before in list(config.round_chain(params).items())[:2]:
        number = int(key[1:])
        if before == "r00":
            parent = dense
        source = (parent.weights, parent.masks)
        parent = kinds.prune(task, number, source, dense.rewind, dense.start, int(before[1:]))
        left = mask.survivors(dense.masks)
        for _ in range(number):
            left -= int(params.prune.fraction * left + 0.5)
        assert mask.survivors(parent.masks) == left
        assert parent.record["last"]["test_loss"] < 1e4
    assert ("validation_accuracy" in parent.record["last"]) == (params.train.validation > 0)
    again = kinds.redense(
        task, 2, (parent.weights, parent.masks), parent.start, dense.start, parent.history[-1]["epoch"]
    )
    assert again.record["sparsity"] == parent.record["sparsity"]
    fresh = kinds.reinit(task, 2, parent.masks)
    assert fresh.record["sparsity"] == parent.record["sparsity"]


def test_a_seed_gives_one_initialisation_per_purpose():
    a, b = (torch.rand(1, generator=streams.generator(0, purpose, 2)) for purpose in ("init", "reinit"))
    assert a != b
