"""Would sparse convolutions pay on a CPU? Forward and weight gradient of single layers, dense against sparse.

A convolution is a linear layer over shifted copies of its channels (`unfold`; a 1x1 convolution needs none), so the
sparse products of layers.py apply; the copies count. And how many channels are dead at each sparsity, which a
narrower dense convolution could leave out. Masks are random at a density; those of a network are global magnitude
pruning of ResNet-20's initial weights.

    uv run python -m benchmarks.convolutions          # 2 minutes
"""

from collections.abc import Callable

import torch
import torch.nn.functional as F
from torch import Tensor

from benchmarks.product import Product
from benchmarks.table import Table, medians
from prunelab.core import networks, streams
from prunelab.core.pruning import mask, select

BATCH = 32
# Channels in and out, height = width, kernel: the three stages of ResNet-20, and 1x1 convolutions of ResNet-50.
LAYERS = ((16, 16, 32, 3), (32, 32, 16, 3), (64, 64, 8, 3), (256, 64, 32, 1), (512, 128, 16, 1))
DENSITIES = (0.2, 0.05, 0.01, 0.001)
SPARSITIES = (0.8, 0.95, 0.99, 0.999)


def sides(inputs: int, outputs: int, size: int, kernel: int, density: float) -> tuple[Callable[[], object], ...]:
    """Dense and sparse: the layer's outputs and its gradient by weights, the other way round its input's."""
    generator = torch.Generator().manual_seed(0)
    weight = torch.randn(outputs, inputs, kernel, kernel, generator=generator)
    survivors = torch.rand(weight.shape, generator=generator) < density
    survivors.view(-1)[0] = True
    weight = (weight * survivors).contiguous(memory_format=torch.channels_last)
    x = torch.randn(BATCH, inputs, size, size).contiguous(memory_format=torch.channels_last)
    gradient = torch.randn(BATCH, outputs, size, size).contiguous(memory_format=torch.channels_last)
    one, pad = (1, 1), (kernel // 2, kernel // 2)

    def dense() -> object:
        F.conv2d(x, weight, padding=kernel // 2)
        return torch.ops.aten.convolution_backward(
            gradient, x, weight, None, one, pad, one, False, [0, 0], 1, [True, True, False]
        )

    columns = BATCH * size * size
    layer = Product(weight.contiguous().flatten(1), survivors.flatten(1), columns)
    x_CBHW, gradient_OP = x.transpose(0, 1).contiguous(), gradient.transpose(0, 1).reshape(outputs, -1).contiguous()

    def sparse() -> object:
        shifted = _shifted(x_CBHW, kernel)
        layer.forward(shifted)
        layer.by_survivors(gradient_OP, shifted)
        return _gathered(layer.by_input(gradient_OP), x_CBHW.shape, kernel)

    return dense, sparse


def _shifted(x_CBHW: Tensor, kernel: int) -> Tensor:
    """Rows are (channel, shift), columns are (image, row, column)."""
    channels, batch, height, width = x_CBHW.shape
    if kernel == 1:
        return x_CBHW.reshape(channels, -1)
    folds = F.unfold(x_CBHW.reshape(channels * batch, 1, height, width), kernel, padding=kernel // 2)
    return folds.view(channels, batch, kernel**2, -1).transpose(1, 2).reshape(channels * kernel**2, -1)


def _gathered(rows: Tensor, shape: torch.Size, kernel: int) -> Tensor:
    """The reverse: what each shifted copy contributes, summed."""
    if kernel == 1:
        return rows
    channels, batch, height, width = shape
    folds = rows.view(channels, kernel**2, batch, -1).transpose(1, 2).reshape(channels * batch, kernel**2, -1)
    return F.fold(folds, (height, width), kernel, padding=kernel // 2)


def products(table: Table, repeats: int) -> None:
    """Dense over sparse for each layer and density."""
    for inputs, outputs, size, kernel in LAYERS:
        for density in DENSITIES:
            dense, sparse = medians(sides(inputs, outputs, size, kernel, density), repeats)
            name = f"{kernel}x{kernel} convolution {inputs} to {outputs} at {size}x{size}, density {density:g}"
            table.add(name, f"dense {1e3 * dense:.2f} ms", f"sparse {1e3 * sparse:.2f} ms", dense / sparse)


def dead_channels(table: Table) -> None:
    """Of the channels between convolutions, the share that has no weight into it or none out of it."""
    network = networks.build("resnet20", (3, 32, 32), 10, 1.0, "ones", streams.generator(0, "init"))
    weights, names = networks.state(network), networks.prunable("resnet20", network)
    for sparsity in SPARSITIES:
        scores = {name: weights[name].abs() for name in names}
        masks = select.prune(mask.dense(weights, names), scores, sparsity, "global")
        alive = [m.flatten(1).any(dim=1) for name, m in masks.items() if m.ndim == 4]
        dead, total = sum(int((~a).sum()) for a in alive), sum(len(a) for a in alive)
        name = f"channels of ResNet-20 without a weight into them, sparsity {100 * sparsity:g}%"
        table.add(name, f"{dead} channels", f"of {total}", dead / total)


def measure(table: Table, repeats: int) -> None:
    """Both."""
    products(table, repeats)
    dead_channels(table)


if __name__ == "__main__":
    Table.command(__doc__, measure)
