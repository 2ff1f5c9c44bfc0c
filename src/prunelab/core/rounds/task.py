"""What every round of a replicate shares, and what it leaves behind."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from prunelab.core import networks, streams
from prunelab.core.networks import State
from prunelab.core.pruning.mask import Masks
from prunelab.core.rounds.replicates import OnEpoch
from prunelab.core.split import Split
from prunelab.core.training.loop import Plan

if TYPE_CHECKING:
    from prunelab.config import Config

Row = dict[str, Any]


@dataclass(frozen=True)
class Job:
    """One network of a round, about to be trained: what is to be done, and nothing done yet."""

    task: "Task"
    round_number: int
    start: State  # where training begins, masked
    masks: Masks
    plan: Plan
    init: State  # distances are measured from it, and
    origin: State | None = None  # from here; None: from the start
    sparsity_of: Masks | None = None  # masks whose sparsity the record tells; None: its own
    keep_at: int | None = None  # the iteration before which its state is kept
    sparse: bool = False  # train on surviving weights only where that is faster


@dataclass(frozen=True)
class Outcome:
    """All that one round of one replicate leaves behind. Tensors are on the CPU."""

    masks: Masks
    start: State  # where training began, masked
    weights: State  # where it ended, masked
    history: list[Row]
    predicted_N: Tensor  # class predicted for each training example, int64
    loss_N: Tensor  # its cross-entropy on the given label
    over_epochs: dict[str, Tensor]  # loss, margin and error of each [N], means over what was measured after each epoch
    right_T: Tensor  # whether each test example is classified correctly, bool
    best_right_T: Tensor  # the same at the epoch that was best on the other half of the test set (core/halves.py)
    record: Row
    rewind: State | None = None  # dense only: the state at iteration k


@dataclass(frozen=True)
class Task:
    """What every round of a replicate shares."""

    seed: int
    split: Split
    params: "Config"
    on_epoch: OnEpoch  # is handed each epoch's row, and how many there will be

    def fresh(self, round_number: int, purpose: str = "init") -> State:
        """A random initialisation; `init` of round 0 is the dense run's."""
        return networks.state(self._build(round_number, purpose))

    def network(self, state: State) -> nn.Module:
        """A network with this state, on the device."""
        network = self._build(0)
        network.load_state_dict(state)
        return network.to(self.split.x_N.device)

    @cached_property
    def layout(self) -> dict[str, torch.Size]:
        """Name -> shape of every tensor of the network's state."""
        return {name: value.shape for name, value in self._build(0).state_dict().items()}

    def layer_parameters(self) -> list[str]:
        """Names of all parameters of conv and linear layers."""
        return networks.layer_parameters(self._build(0))

    def prunable(self) -> list[str]:
        """Names of the prunable weights."""
        return networks.prunable(self.params.model.name, self._build(0))

    def _build(self, round_number: int, purpose: str = "init") -> nn.Module:
        model, split = self.params.model, self.split
        generator = streams.generator(self.seed, purpose, round_number)
        shape, classes = split.x_N.sample_shape, split.num_classes
        return networks.build(model.name, shape, classes, model.width, model.batchnorm_init, generator)
