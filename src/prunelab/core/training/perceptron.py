"""Multilayer perceptrons on a CPU, by hand: no autograd, compiled, and where few weights survive, nothing but them.

Activations are laid out feature by feature, [I, B]; see kernels.py.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from prunelab.core import networks
from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training import kernels
from prunelab.core.training.augment import Augment
from prunelab.core.training.layers import Dense, Layer, Mask, Sparse, packed, pays
from prunelab.core.training.learner import EVALUATION_BATCH, Reader, fitting

# Pixels are picked from the images, which are copied for it, when no more than this share of them is read.
PICKED_UP_TO = 0.5

Floats = NDArray[Any]
Batch = tuple[Floats, NDArray[np.int64]]


def is_one(network: nn.Module) -> bool:
    """Whether a network is Flatten, then linear layers (with biases) with a ReLU between each two."""
    modules = [*network.children()] if isinstance(network, nn.Sequential) else []
    kinds = [nn.Flatten, *[nn.Linear, nn.ReLU] * (len(modules) // 2)][:-1]
    if not modules or len(modules) % 2 or [type(module) for module in modules] != kinds:
        return False
    whole = (modules[0].start_dim, modules[0].end_dim) == (1, -1)
    return whole and all(module.bias is not None for module in modules if isinstance(module, nn.Linear))


def _layers(modules: list[nn.Linear], survivors: list[Mask]) -> tuple[list[Layer], Tensor | None]:
    """The faster kind of layer for each; and which pixels [I] to give to the first, if it is worth picking them.

    From last to first: what a sparse layer does not read, the sparse one before it need not compute.
    """
    layers: list[Layer] = []
    read_O: Tensor | None = None
    for i in reversed(range(len(modules))):
        mask = survivors[i]
        if mask is None or not pays(mask):
            layers.append(Dense(modules[i]))
            read_O = None
            continue
        layers.append(layer := Sparse(modules[i], mask, read_O))
        worth = pays(survivors[i - 1]) if i else mask.any(dim=0).float().mean() <= PICKED_UP_TO
        read_O = layer.drop_dead_inputs() if worth else None
    return layers[::-1], None if read_O is None else read_O.nonzero()[:, 0]


class ByHand:
    """A perceptron as a learner.

    Args:
        network: `is_one`, on the CPU; its pruned weights must be zero.
        masks: survivors by parameter name.
        sparse: layers with few survivors keep and touch only those.
    """

    def __init__(self, network: nn.Module, masks: Mapping[str, Tensor], *, sparse: bool) -> None:
        fitting(masks, dict(network.named_parameters()))
        self._network = network
        linear = {path: module for path, module in network.named_children() if isinstance(module, nn.Linear)}
        survivors = [masks.get(f"{path}.weight") if sparse else None for path in linear]
        self._layers, self._live = _layers(list(linear.values()), survivors)
        self._packed = packed(self._layers, next(network.parameters()).dtype)
        self._vector = self._packed.parameters_P.numpy()
        self.moved = (self._packed.parameters_P,)
        self._gradient_P = torch.zeros_like(self._packed.parameters_P)
        self._by_vector = self._gradient_P.numpy()
        self._room = np.empty((2, 0), self._vector.dtype)
        self._room_of_sets = np.empty(0, self._vector.dtype)  # apart: `seen` reads what a batch left in the other
        self.parameters: dict[str, Tensor] = {}
        own: dict[str, Mask] = {}
        for path, layer, pair in zip(linear, self._layers, self._packed.pairs, strict=True):
            names = (f"{path}.weight", f"{path}.bias")
            self.parameters |= zip(names, pair, strict=True)
            own |= zip(names, layer.masks(*map(masks.get, names)), strict=True)
        self.masks: Mapping[str, Tensor] = {name: mask for name, mask in own.items() if mask is not None}
        self._sets: dict[int, tuple[Inputs, list[Floats]]] = {}

    def survivors(self) -> tuple[Mask, ...]:
        """Of the vector [P]."""
        if all(bool(mask.all()) for mask in self.masks.values()):
            return (None,)
        kept_P = torch.ones_like(self._packed.parameters_P, dtype=torch.bool)
        for name, mask in self.masks.items():
            view = self.parameters[name]
            kept_P.as_strided(view.shape, view.stride(), view.storage_offset()).copy_(mask)
        return (kept_P,)

    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Any masks will do where all layers are dense, as `sparse=False` makes them."""
        if any(isinstance(layer, Sparse) for layer in self._layers):
            raise ValueError("layers that keep surviving weights only take no other masks: make the learner dense")
        self.masks = fitting(masks, self.parameters)

    def reader(self, x: Inputs | Tensor) -> Reader:
        """Stored examples [N, live inputs], and which of them a batch is [B]."""
        if isinstance(x, Tensor) or not x.floats:
            return lambda batch, augment: self._alone(x[batch] if augment is None else augment(x[batch], batch))
        rows, positions = self._rows(x.stored), x.positions

        def read(batch: Tensor, augment: Augment | None) -> Batch:
            if augment is not None:
                return self._alone(augment(x[batch], batch))
            return rows, positions(batch).numpy()

        return read

    def _alone(self, images: Tensor) -> Batch:
        return self._rows(images), np.arange(len(images))

    def _rows(self, images: Tensor) -> Floats:
        """Live inputs of each image [N, I]."""
        rows = images.flatten(1)
        return (rows if self._live is None else rows[:, self._live]).contiguous().numpy()

    def gradients(self, batch: Batch, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of the mean cross-entropy by the vector of parameters."""
        rows, positions = batch
        activations, errors = self._scratch(len(positions))
        packed = self._packed
        kernels.gradients(
            packed.table,
            self._vector,
            packed.index,
            rows,
            positions,
            labels_B.numpy(),
            activations,
            errors,
            self._by_vector,
        )
        self._batch_size = len(positions)
        return (self._gradient_P,)

    def seen(self) -> Tensor:
        """Those of the last batch; a copy."""
        classes, size = int(self._packed.table[-1, kernels.OUTPUTS]), self._batch_size
        end = self._packed.features * size
        return torch.from_numpy(self._room[0, end - classes * size : end].reshape(classes, size).copy())

    def _scratch(self, size: int) -> tuple[Floats, Floats]:
        """Room for that many examples' activations, and their gradients."""
        if self._room.shape[1] < self._packed.features * size:
            self._room = np.empty((2, self._packed.features * size), self._vector.dtype)
        return self._room[0], self._room[1]

    @torch.inference_mode()
    def logits(self, x: Inputs) -> Tensor:
        """Outputs [K, N]. Sets held as floats are laid out as the first layer reads them once, at the first call."""
        packed = self._packed
        classes = int(packed.table[-1, kernels.OUTPUTS])
        found = np.empty((classes, len(x)), self._vector.dtype)
        if not self._room_of_sets.size:
            self._room_of_sets = np.empty(packed.features * EVALUATION_BATCH, self._vector.dtype)
        for part, start in zip(self._arranged(x), range(0, len(x), EVALUATION_BATCH), strict=True):
            kernels.outputs(packed.table, self._vector, packed.index, part, self._room_of_sets, start, found)
        return torch.from_numpy(found)

    def _arranged(self, x: Inputs) -> Iterable[Floats]:
        """Part by part: by feature for a sparse first layer, else by example."""
        by_feature = isinstance(self._layers[0], Sparse)
        rows = map(self._rows, x.batches(EVALUATION_BATCH))
        arranged = (np.ascontiguousarray(part.T) if by_feature else part for part in rows)
        if not x.floats:
            return arranged
        if id(x) not in self._sets:
            self._sets[id(x)] = (x, list(arranged))  # x is kept, so that its id stays its own
        return self._sets[id(x)][1]

    def state(self) -> State:
        """A copy, survivors put back in their places."""
        for layer in self._layers:
            layer.write()
        return networks.state(self._network)
