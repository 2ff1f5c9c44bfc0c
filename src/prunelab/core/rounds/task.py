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

if TYPE_CHECKING:
    from prunelab.config import Config

Row = dict[str, Any]


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

    def prunable(self) -> list[str]:
        """Names of the prunable weights."""
        return networks.prunable(self.params.model.name, self._build(0))

    def _build(self, round_number: int, purpose: str = "init") -> nn.Module:
        model, split = self.params.model, self.split
        generator = streams.generator(self.seed, purpose, round_number)
        shape, classes = split.x_N.sample_shape, split.num_classes
        return networks.build(model.name, shape, classes, model.width, model.batchnorm_init, generator)
