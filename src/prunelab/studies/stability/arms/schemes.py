"""What is done to the units that an event targets: removed for good, or disturbed for some batches (Stability 4.3, D).

A scheme is called at each event, and before each update; "batches" are training batches, counted from the event.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from math import sqrt

import torch
from torch import Tensor, nn

from prunelab.core.pruning.filters import Gates
from prunelab.core.pruning.mask import Masks
from prunelab.core.training.learner import Learner
from prunelab.core.training.optimizers import Optimizer
from prunelab.errors import UserError
from prunelab.studies.stability.arms.names import Arm
from prunelab.studies.stability.arms.select import Structure, Units


@dataclass
class Scene:
    """What a scheme acts on; all but `gone` is the arm's."""

    network: nn.Module
    learner: Learner
    optimizer: Optimizer
    structure: Structure
    generator: torch.Generator  # of noise
    burst: float  # how many draws' worth of noise an event adds at once
    gone: Units = field(default_factory=dict)  # all that was ever targeted

    def tensor(self, name: str) -> Tensor:
        """A parameter, as it is trained; or a buffer."""
        found = self.learner.parameters.get(name)
        return self.network.get_buffer(name) if found is None else found


class Scheme:
    """Does nothing: `none`, and what was done before training."""

    def __init__(self, scene: Scene, batches: int = 0) -> None:
        self.scene, self.batches = scene, batches

    def strike(self, new: Units) -> None:
        """An event: these units are targeted; scene.gone has them already."""

    def before_update(self) -> None:
        """Of each batch."""

    def settle(self) -> None:
        """All updates so far are done: end what is over."""


class Prune(Scheme):
    """Removed for good, with what their optimiser stored up."""

    def __init__(self, scene: Scene, batches: int = 0) -> None:
        super().__init__(scene)
        self._gates = None if scene.structure.weights else Gates(scene.network, scene.structure.layers)

    def strike(self, new: Units) -> None:
        """Other masks from now on; whole blocks' outputs too, where a shortcut passes the filter by."""
        scene = self.scene
        scene.optimizer.remask(scene.structure.masks(scene.gone))
        if self._gates:
            self._gates.set({name: ~units for name, units in scene.gone.items()})


class Zeroing(Scheme):
    """Weights times zero before each of N batches; the optimiser's steps go on, and are wiped by the next batch.

    Batch norm is left alone, as published: a filter without weights still gives ReLU(shift) (Stability, Figure 5).
    """

    def __init__(self, scene: Scene, batches: int) -> None:
        super().__init__(scene, batches)
        self._held: list[tuple[Masks, int]] = []  # weights, batches left

    def strike(self, new: Units) -> None:
        """At once, so that its cost can be measured."""
        if self.batches:
            self._held.append((self.scene.structure.of_weights(new), self.batches))
            self._zero(self._held[-1][0])

    def before_update(self) -> None:
        """Each that has batches left."""
        for masks, _ in self._held:
            self._zero(masks)
        self._held = [(masks, left - 1) for masks, left in self._held if left > 1]

    @torch.no_grad()
    def _zero(self, masks: Masks) -> None:
        for name, mask in masks.items():
            weight = self.scene.tensor(name)
            weight.masked_fill_(mask.to(weight.device), 0.0)


class Gaussian(Scheme):
    """Noise added to the weights before each of N batches, and kept: a random walk that training works against.

    Its deviation is that of the weights of all units never targeted so far (the release takes one filter's). At the
    event as much as `burst` draws together is added at once: the release draws while it tests, too (Stability D.1).
    """

    def __init__(self, scene: Scene, batches: int) -> None:
        super().__init__(scene, batches)
        self._held: list[tuple[Masks, dict[str, float], int]] = []

    def strike(self, new: Units) -> None:
        """The burst."""
        if not self.batches:
            return
        scene = self.scene
        untouched = scene.structure.of_weights({name: ~units for name, units in scene.gone.items()})
        spread = {
            name: float(scene.tensor(name).detach()[mask.to(scene.tensor(name).device)].double().std(correction=0))
            for name, mask in untouched.items()
        }
        self._held.append((scene.structure.of_weights(new), spread, self.batches))
        if scene.burst:
            self._add(*self._held[-1][:2], sqrt(scene.burst))

    def before_update(self) -> None:
        """One draw for each that has batches left."""
        for masks, spread, _ in self._held:
            self._add(masks, spread, 1.0)
        self._held = [(masks, spread, left - 1) for masks, spread, left in self._held if left > 1]

    @torch.no_grad()
    def _add(self, masks: Masks, spread: dict[str, float], times: float) -> None:
        for name, mask in masks.items():
            if not bool(mask.any()):
                continue
            weight = self.scene.tensor(name)
            drawn = torch.randn(int(mask.sum()), generator=self.scene.generator) * (spread[name] * times)
            weight[mask.to(weight.device)] += drawn.to(weight)


class Restore(Scheme):
    """All units targeted so far are zero for N batches, batch norm's scale and shift too; then they come back.

    Weights, scale, shift and running statistics return to what they were before the event (Stability, Figure D2).
    """

    def __init__(self, scene: Scene, batches: int) -> None:
        super().__init__(scene, batches)
        self._left = 0
        self._saved: list[tuple[str, Tensor, Tensor]] = []  # name, where, values

    def strike(self, new: Units) -> None:
        """What another event left zero comes back first."""
        if not self.batches:
            return
        self._end()
        for name, mask in self._touched().items():
            tensor = self.scene.tensor(name)
            where = mask.to(tensor.device)
            self._saved.append((name, where, tensor.detach()[where].clone()))
        self._left = self.batches
        self._zero()

    def before_update(self) -> None:
        """Zero again, whatever the last update made of them."""
        if self._left:
            self._zero()
            self._left -= 1

    def settle(self) -> None:
        """After the last of N batches."""
        if not self._left:
            self._end()

    def _touched(self) -> Masks:
        """Weights and batch norm's tensors of all units targeted so far."""
        structure = self.scene.structure
        found = dict(structure.of_weights(self.scene.gone))
        if not structure.weights:
            for one in structure.layers:
                found |= dict.fromkeys((*one.affine, *one.running), self.scene.gone[one.name])
        return found

    @torch.no_grad()
    def _zero(self) -> None:
        for name, where, _ in self._saved:
            if not name.endswith(("running_mean", "running_var")):
                self.scene.tensor(name).masked_fill_(where, 0.0)

    @torch.no_grad()
    def _end(self) -> None:
        for name, where, values in self._saved:
            self.scene.tensor(name)[where] = values
        self._saved = []


SCHEMES: dict[str, Callable[[Scene, int], Scheme]] = {
    "prune": Prune,
    "scratch": Prune,
    "zeroing": Zeroing,
    "gaussian": Gaussian,
    "restore": Restore,
}


def of(arm: Arm, scene: Scene) -> Scheme:
    """The arm's scheme."""
    return SCHEMES[arm.scheme](scene, arm.batches) if arm.scheme in SCHEMES else Scheme(scene)


def check(arm: Arm, structure: Structure, optimizer: str, left: int) -> None:
    """Whether an arm's scheme can be.

    Args:
        arm: which.
        structure: what it targets.
        optimizer: weights of zero before batch norm have gradients of 1 / sqrt(eps), which only Adam bounds.
        left: training batches after its last event.

    Raises:
        UserError: with one line.
    """
    given = arm.name.rpartition("-")[0]
    if arm.temporary and arm.batches > left:
        raise UserError(
            f"stability.temporary={given}: must be at most {left} batches, as many as follow the last event: "
            "what comes back later never does"
        )
    normed = [one.name for one in structure.layers if one.norm]
    if arm.scheme == "zeroing" and optimizer != "adam" and normed:
        raise UserError(
            f"stability.temporary={given}: must not be zeroing with train.optimizer={optimizer} "
            f"where batch norm follows ({normed[0]}): gradients of zero weights are 300 times as large there; "
            "take adam, or restore-N"
        )
