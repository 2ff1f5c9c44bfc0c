"""Perceptrons of one shape trained as one: each product is of all of them at once, as a GPU wants it.

Small networks leave most of a GPU idle, and launching their kernels takes longer than running them. Shapes: R networks,
B examples in a batch, N in a set, I inputs and O outputs of a layer, K classes.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

import torch
from torch import Tensor, nn

from prunelab.core import networks
from prunelab.core.inputs import Inputs
from prunelab.core.networks import State
from prunelab.core.training import perceptron
from prunelab.core.training.augment import Augment
from prunelab.core.training.learner import Reader, fitting, of_each

EVALUATED_AT_ONCE = 1 << 19  # examples of all networks together
EAGER = 3  # times that a step is run before it is recorded


class Stack:
    """A learner (learner.py) whose every tensor has the networks as first dimension: labels [R, B], outputs [R, K, N].

    Args:
        stacked: R networks, on one device, `perceptron.is_one`, of one shape; their pruned weights must be zero.
        masks: survivors by parameter name, of each; of the same names.

    Raises:
        ValueError: a network is another kind, or a mask is not of a parameter's name and shape.
    """

    def __init__(self, stacked: Sequence[nn.Module], masks: Sequence[Mapping[str, Tensor]]) -> None:
        if not all(map(perceptron.is_one, stacked)):
            raise ValueError("only multilayer perceptrons can be stacked")
        each = [dict(network.named_parameters()) for network in stacked]
        self.parameters = {name: torch.stack([one[name].data for one in each]) for name in each[0]}
        self.moved = tuple(self.parameters.values())
        self._pairs = list(zip(self.moved[::2], self.moved[1::2], strict=True))
        device = self.moved[0].device
        if any(one.keys() != masks[0].keys() for one in masks):
            raise ValueError("masks of stacked networks must be of the same names")
        self.masks = {
            name: torch.stack([fitting(one, own)[name].to(device) for one, own in zip(masks, each, strict=True)])
            for name in masks[0]
        }
        self._found: dict[int, tuple[Inputs, Tensor]] = {}

    def survivors(self) -> tuple[Tensor | None, ...]:
        """Of each parameter."""
        return of_each(self.parameters, self.masks)

    def remask(self, masks: Mapping[str, Tensor]) -> None:
        """Any masks [R, ...] will do. Updates that were recorded keep those that they were recorded with."""
        self.forget()
        self.masks = dict(fitting(masks, self.parameters))

    def reader(self, x: Inputs | Tensor) -> Reader:
        """Examples [R, B, I] at positions [R, B]; there is no augmentation."""

        def read(batch_RB: Tensor, augment: Augment | None) -> Tensor:
            assert augment is None
            return x[batch_RB].flatten(2)

        return read

    @torch.no_grad()
    def gradients(self, batch: Tensor, labels_B: Tensor) -> tuple[Tensor, ...]:
        """Of each network's mean cross-entropy by its parameters; `batch` is [R, B, I], labels [R, B]."""
        inputs = [batch]
        for weight_ROI, bias_RO in self._pairs[:-1]:
            inputs.append(_layer(inputs[-1], weight_ROI, bias_RO).relu_())
        self._outputs_RBK = _layer(inputs[-1], *self._pairs[-1])
        error = self._outputs_RBK.softmax(dim=2)
        error.scatter_add_(2, labels_B[..., None], torch.full_like(error[..., :1], -1.0))
        error.div_(labels_B.shape[1])
        found: list[tuple[Tensor, Tensor]] = []
        for layer in range(len(self._pairs) - 1, -1, -1):
            found.append((torch.bmm(error.transpose(1, 2), inputs[layer]), error.sum(dim=1)))
            if layer:
                error = torch.bmm(error, self._pairs[layer][0])
                torch.ops.aten.threshold_backward.grad_input(error, inputs[layer], 0, grad_input=error)
        return tuple(gradient for pair in reversed(found) for gradient in pair)

    def forget(self) -> None:
        """Parameters are about to change, and what `logits` keeps with them: a replayed update runs no line of this."""
        self._found.clear()

    def seen(self) -> Tensor:
        """Outputs of the last batch [R, K, B]; of recorded updates those of the last that was recorded."""
        return self._outputs_RBK.transpose(1, 2)

    @torch.inference_mode()
    def logits(self, x: Inputs) -> Tensor:
        """Of a whole set [R, K, N]; kept until `forget`, for `one` after the other asks for its own."""
        if id(x) not in self._found:
            count = len(self.moved[0])
            parts = []
            for images in x.batches(max(1, EVALUATED_AT_ONCE // count)):
                hidden = images.flatten(1).expand(count, -1, -1)
                for weight_ROI, bias_RO in self._pairs[:-1]:
                    hidden = _layer(hidden, weight_ROI, bias_RO).relu_()
                parts.append(_layer(hidden, *self._pairs[-1]).transpose(1, 2))
            self._found[id(x)] = (x, torch.cat(parts, dim=2))
        return self._found[id(x)][1]

    def state(self) -> State:
        """A copy, of all networks."""
        return {name: value.cpu().clone() for name, value in self.parameters.items()}

    def one(self, number: int) -> "One":
        """One of the networks, to be measured."""
        return One(self, number)


class One:
    """A network of a stack, as far as measures need a learner."""

    def __init__(self, stack: Stack, number: int) -> None:
        self._stack, self._number = stack, number

    def logits(self, x: Inputs) -> Tensor:
        """Outputs of a whole set [K, N]."""
        return self._stack.logits(x)[self._number]

    def state(self) -> networks.State:
        """A copy of its parameters, on the CPU."""
        return {name: value[self._number].cpu().clone() for name, value in self._stack.parameters.items()}


class Recorded:
    """Steps as CUDA graphs: recorded once for each number of examples and rate, then replayed with other examples.

    Args:
        step: called as step(positions [R, B], rate); it must do the same work each time and wait for nothing. What
            changes from step to step in Python alone (Adam's count) would be what it was when it was recorded. Each
            number of examples and rate keeps memory of its own.
    """

    def __init__(self, step: Callable[[Tensor, float], None]) -> None:
        self._step = step
        self._times: Counter[tuple[int, float]] = Counter()
        self._graphs: dict[tuple[int, float], tuple[torch.cuda.CUDAGraph, Tensor]] = {}

    def __call__(self, batch_RB: Tensor, rate: float) -> None:
        """The step with these examples."""
        key = (batch_RB.shape[1], rate)
        self._times[key] += 1
        if self._times[key] <= EAGER:
            self._step(batch_RB, rate)
            return
        if key not in self._graphs:
            graph, held_RB = torch.cuda.CUDAGraph(), batch_RB.clone()
            with torch.cuda.graph(graph):
                self._step(held_RB, rate)
            self._graphs[key] = (graph, held_RB)
        graph, held_RB = self._graphs[key]
        held_RB.copy_(batch_RB)
        graph.replay()


def _layer(x_RBI: Tensor, weight_ROI: Tensor, bias_RO: Tensor) -> Tensor:
    return torch.baddbmm(bias_RO[:, None], x_RBI, weight_ROI.transpose(1, 2))
