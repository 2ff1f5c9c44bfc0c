"""How far a solution has moved: l2 distances over conv and linear parameters (SDD 5, method of Figure 7)."""

from collections.abc import Iterable, Mapping
from typing import Any

import torch
from torch import Tensor


def l2(a: Mapping[str, Tensor], b: Mapping[str, Tensor], names: Iterable[str]) -> float:
    """sqrt(sum (a - b)^2) over the named tensors, summed in float64."""
    squares = [((a[name].double() - b[name].double()) ** 2).sum() for name in names]
    return float(torch.stack(squares).sum().sqrt())


def from_start_and_init(
    end: Mapping[str, Tensor], start: Mapping[str, Tensor], init: Mapping[str, Tensor], names: list[str]
) -> dict[str, Any]:
    """Both distances, since the paper leaves open which one it draws: in total, and under `layers` for each layer.

    Args:
        end: the trained weights; pruned ones are zero.
        start: where the sparse training began, m * w0, pruned weights zero. Then `from_start` is
            sqrt(sum over m=1 of (w - w0)^2) for a sparse solution and sqrt(sum (w - m * w0)^2) for a re-dense one.
        init: the dense initialisation, unmasked; `from_dense_init` counts a pruned weight as moved to zero.
        names: the parameters of conv and linear layers.
    """
    layers: dict[str, list[str]] = {}
    for name in names:
        layers.setdefault(name.rpartition(".")[0], []).append(name)

    def both(some: list[str]) -> dict[str, float]:
        return {"from_start": l2(end, start, some), "from_dense_init": l2(end, init, some)}

    return {**both(names), "layers": {layer: both(some) for layer, some in layers.items()}}
