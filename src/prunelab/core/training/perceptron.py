"""Multilayer perceptrons on a CPU, by hand: no autograd, and where few weights survive, nothing but them.

Activations are laid out feature by feature, [I, B]; see layers.py.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from prunelab.core import networks
from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training.augment import Augment
from prunelab.core.training.layers import Dense, Layer, Mask, Sparse, pays
from prunelab.core.training.learner import EVALUATION_BATCH, Reader, fitting

# Pixels are picked from the images, which are copied for it, when no more than this share of them is read.
PICKED_UP_TO = 0.5


def is_one(network: nn.Module) -> bool:
    """Whether a network is Flatten, then linear layers (with biases) with a ReLU between each two."""
    kinds = [type(module) for module in network.children()] if isinstance(network, nn.Sequential) else []
    return (
        len(kinds) > 0 and len(kinds) % 2 == 0 and kinds == [nn.Flatten, *[nn.Linear, nn.ReLU] * (len(kinds) // 2)][:-1]
    )


def _layers(modules: list[nn.Linear], survivors: list[Mask]) -> tuple[list[Layer], Tensor | None]:
    """The faster kind of layer for each; and which pixels [I] to give to the first, if it is worth picking them.

    From last to first: what a sparse layer does not read, the sparse one before it need not compute.
    """
    layers: list[Layer] = []
    read_O: Tensor | None = None
    for i in reversed(range(len(modules))):
        weight, bias, mask = modules[i].weight.data, modules[i].bias.data, survivors[i]
        if mask is None or not pays(mask):
            layers.append(Dense(weight, bias))
            read_O = None
            continue
        layers.append(layer := Sparse(weight, bias, mask, read_O))
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
        self.parameters: dict[str, Tensor] = {}
        own: dict[str, Mask] = {}
        for path, layer in zip(linear, self._layers, strict=True):
            names = (f"{path}.weight", f"{path}.bias")
            self.parameters |= zip(names, layer.parameters, strict=True)
            own |= zip(names, layer.masks(*map(masks.get, names)), strict=True)
        self.masks: Mapping[str, Tensor] = {name: mask for name, mask in own.items() if mask is not None}
        self._sets: dict[int, tuple[Inputs, list[Tensor]]] = {}
        self._minus: dict[int, Tensor] = {}

    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Any masks will do where all layers are dense, as `sparse=False` makes them."""
        if any(isinstance(layer, Sparse) for layer in self._layers):
            raise ValueError("layers that keep surviving weights only take no other masks: make the learner dense")
        self.masks = fitting(masks, self.parameters)

    def reader(self, x: Inputs | Tensor) -> Reader:
        """Batches [live inputs, B]."""
        if isinstance(x, Tensor) or not x.floats:
            return lambda batch, augment: self._arranged(x[batch] if augment is None else augment(x[batch], batch))
        rows = x.stored.flatten(1)
        if self._live is not None:
            rows = rows[:, self._live]

        def read(batch: Tensor, augment: Augment | None) -> Tensor:
            if augment is not None:
                return self._arranged(augment(x[batch], batch))
            return self._by_feature(rows.index_select(0, x.positions(batch)))

        return read

    def _arranged(self, images: Tensor) -> Tensor:
        rows = images.flatten(1)
        return self._by_feature(rows if self._live is None else rows[:, self._live])

    def _by_feature(self, rows: Tensor) -> Tensor:
        """[B, I] to [I, B], which a dense product takes as it lies in memory and a sparse one does not."""
        return rows.t().contiguous() if isinstance(self._layers[0], Sparse) else rows.t()

    @torch.no_grad()
    def gradients(self, batch: Tensor, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of the mean cross-entropy by `parameters`; `batch` is [live inputs, B]."""
        inputs = [batch]
        for layer in self._layers[:-1]:
            inputs.append(layer.forward(inputs[-1]).clamp_min_(0))
        self.seen_KB = self._layers[-1].forward(inputs[-1])
        # Softmax minus one at the label, over B.
        gradient_OB = self.seen_KB.softmax(dim=0)
        gradient_OB.scatter_add_(0, labels_B[None], self._minus_ones(gradient_OB))
        gradient_OB.div_(len(labels_B))
        found = [self._layers[-1].by_parameters(gradient_OB, inputs[-1])]
        for i in range(len(self._layers) - 1, 0, -1):
            gradient_OB = self._layers[i].by_input(gradient_OB)
            torch.ops.aten.threshold_backward.grad_input(gradient_OB, inputs[i], 0, grad_input=gradient_OB)
            found.append(self._layers[i - 1].by_parameters(gradient_OB, inputs[i - 1]))
        return tuple(gradient for pair in reversed(found) for gradient in pair)

    @torch.inference_mode()
    def logits(self, x: Inputs) -> Tensor:
        """Outputs [K, N]. Sets held as floats are laid out feature by feature once, at the first call."""
        outputs = []
        for hidden in self._features(x):
            for layer in self._layers[:-1]:
                hidden = layer.forward(hidden).clamp_min_(0)
            outputs.append(self._layers[-1].forward(hidden))
        return torch.cat(outputs, dim=1)

    def _minus_ones(self, like: Tensor) -> Tensor:
        """-1 for each example of a batch [1, B]; there are two sizes of batches."""
        size = like.shape[1]
        if size not in self._minus:
            self._minus[size] = like.new_full((1, size), -1.0)
        return self._minus[size]

    def _features(self, x: Inputs) -> "list[Tensor] | map[Tensor]":
        arranged = map(self._arranged, x.batches(EVALUATION_BATCH))
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
