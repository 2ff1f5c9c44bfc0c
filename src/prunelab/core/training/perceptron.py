"""Multilayer perceptrons on a CPU, by hand: no autograd, and where few weights survive, nothing but them.

Activations are laid out feature by feature, [I, B]; see layers.py.
"""

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from prunelab.core import networks
from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training import layers
from prunelab.core.training.augment import Augment
from prunelab.core.training.learner import EVALUATION_BATCH, Reader


def is_one(network: nn.Module) -> bool:
    """Whether a network is Flatten, then linear layers (with biases) with a ReLU between each two."""
    kinds = [type(module) for module in network.children()] if isinstance(network, nn.Sequential) else []
    return (
        len(kinds) > 0 and len(kinds) % 2 == 0 and kinds == [nn.Flatten, *[nn.Linear, nn.ReLU] * (len(kinds) // 2)][:-1]
    )


class ByHand:
    """A perceptron as a learner.

    Args:
        network: `is_one`, on the CPU; its pruned weights must be zero.
        masks: survivors by parameter name.
        sparse: layers with few survivors keep and touch only those.
    """

    def __init__(self, network: nn.Module, masks: Mapping[str, Tensor], *, sparse: bool) -> None:
        self._network = network
        self.parameters: dict[str, Tensor] = {}
        self._layers: list[layers.Dense | layers.Sparse] = []
        for path, module in network.named_children():
            if isinstance(module, nn.Linear):
                mask = masks.get(f"{path}.weight") if sparse else None
                layer = layers.of(module.weight.data, module.bias.data, mask)
                self._layers.append(layer)
                self.parameters |= zip((f"{path}.weight", f"{path}.bias"), layer.parameters, strict=True)
        self.masks = {name: mask for name, mask in masks.items() if self.parameters[name].shape == mask.shape}
        self._live = self._layers[0].drop_dead_inputs()
        self._sets: dict[int, tuple[Inputs, list[Tensor]]] = {}

    def reader(self, x: Inputs | Tensor) -> Reader:
        """Batches [live inputs, B]."""
        if isinstance(x, Tensor) or x.whole is None:
            return lambda batch, augment: self._arranged(x[batch] if augment is None else augment(x[batch], batch))
        rows = x.whole.flatten(1)
        if self._live is not None:
            rows = rows[:, self._live]

        def read(batch: Tensor, augment: Augment | None) -> Tensor:
            if augment is not None:
                return self._arranged(augment(x[batch], batch))
            return self._by_feature(rows.index_select(0, batch))

        return read

    def _arranged(self, images: Tensor) -> Tensor:
        rows = images.flatten(1)
        return self._by_feature(rows if self._live is None else rows[:, self._live])

    def _by_feature(self, rows: Tensor) -> Tensor:
        """[B, I] to [I, B], which a dense product takes as it lies in memory and a sparse one does not."""
        return rows.t().contiguous() if isinstance(self._layers[0], layers.Sparse) else rows.t()

    @torch.no_grad()
    def gradients(self, batch: Tensor, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of the mean cross-entropy by `parameters`; `batch` is [live inputs, B]."""
        inputs = [batch]
        for layer in self._layers[:-1]:
            inputs.append(layer.forward(inputs[-1]).clamp_min_(0))
        # Softmax minus one at the label, over B.
        gradient_OB = self._layers[-1].forward(inputs[-1]).softmax(dim=0)
        gradient_OB.scatter_add_(0, labels_B[None], gradient_OB.new_tensor(-1.0).expand(1, len(labels_B)))
        gradient_OB.div_(len(labels_B))
        found = [self._layers[-1].by_parameters(gradient_OB, inputs[-1])]
        for i in range(len(self._layers) - 1, 0, -1):
            gradient_OB = torch.ops.aten.threshold_backward(self._layers[i].by_input(gradient_OB), inputs[i], 0)
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

    def _features(self, x: Inputs) -> "list[Tensor] | map[Tensor]":
        arranged = map(self._arranged, x.batches(EVALUATION_BATCH))
        if x.whole is None:
            return arranged
        if id(x) not in self._sets:
            self._sets[id(x)] = (x, list(arranged))  # x is kept, so that its id stays its own
        return self._sets[id(x)][1]

    def state(self) -> State:
        """A copy, survivors put back in their places."""
        for layer in self._layers:
            layer.write()
        return networks.state(self._network)
