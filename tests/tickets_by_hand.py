"""Tickets of random networks, made without a run; and how their commands are called."""

import csv

import pytest
import torch

from prunelab.commands import main
from prunelab.core import networks
from prunelab.tickets.description import Description
from prunelab.tickets.ticket import Ticket

CLASSES = ["zero", "=one", "zwei, drei", "ü"]


def described(model="lenet", shape=(1, 4, 4), width=0.05, **changes):
    values = {
        "model": {"name": model, "width": width},
        "sample_shape": list(shape),
        "classes": CLASSES,
        "normalisation": {
            "mean": [0.3 + 0.1 * c for c in range(shape[0])],
            "std": [0.2 + 0.05 * c for c in range(shape[0])],
            "max_value": 16,
        },
        "sparsity": 0.5,
        "survivors": 0,
        "prunable": 1,
        "labels": {
            "origin": "simulated",
            "noise": 0.4,
            "noise_type": "symmetric",
            "permuted": 3,
            "validation": 0,
            "sha256": "ab",
        },
        "source": {"commit": "c0ffee", "workspace": False, "round": "r05", "seed": 0, "dataset": "digits"},
        "metrics": {"last": {"test_accuracy": 0.5}, "best": {}},
        "made_with": {"torch": "2"},
        "written_by": "prunelab",
    }
    return Description.model_validate(values | changes)


def random_ticket(model="lenet", shape=(1, 4, 4), width=0.05, kept=0.3, seed=0):
    """A ticket of random weights, biases and masks; and its network as core/networks.py builds it."""
    generator = torch.Generator().manual_seed(seed)
    network = networks.build(model, shape, len(CLASSES), width, "uniform", generator)
    state = networks.state(network)
    for name, value in state.items():
        if name.endswith("bias"):
            value.copy_(torch.randn(value.shape, generator=generator))
    masks = {
        name: torch.rand(state[name].shape, generator=generator) < kept for name in networks.prunable(model, network)
    }
    for name, mask in masks.items():
        state[name][~mask] = 0
    network.load_state_dict(state)
    survivors = sum(int(mask.sum()) for mask in masks.values())
    prunable = sum(mask.numel() for mask in masks.values())
    changes = {"survivors": survivors, "prunable": prunable, "sparsity": 1 - survivors / prunable}
    return Ticket(described(model, shape, width, **changes), state, masks), network.eval()


def pictures(shape=(1, 4, 4), count=9, seed=1):
    generator = torch.Generator().manual_seed(seed)
    return torch.randint(0, 17, (count, *shape), generator=generator, dtype=torch.uint8)


def raw(x_ND):
    """Features as a ticket's network takes them."""
    return torch.from_numpy(x_ND)[:, :, None, None]


def refused(*command):
    """The line a command ends with."""
    with pytest.raises(SystemExit) as stopped:
        main([str(part) for part in command])
    line = str(stopped.value)
    assert line.startswith("error: ")
    assert "\n" not in line
    return line.removeprefix("error: ")


def predicted(capsys, *command):
    main(["predict", *map(str, command)])
    said = capsys.readouterr()
    return list(csv.DictReader(said.out.splitlines())), said
