"""Masks: which weights survive; and the compact form a sparse network is stored in.

A mask is a dict from parameter name to a bool tensor of the weight's shape, true where the weight survives.
"""

from math import prod

import numpy as np
import torch
from torch import Tensor

from prunelab.core.artifacts import Array

Masks = dict[str, Tensor]
SHAPE = "/shape"


def dense(state: dict[str, Tensor], names: list[str]) -> Masks:
    """Masks that keep every weight of the named parameters."""
    return {name: torch.ones_like(state[name], dtype=torch.bool) for name in names}


def survivors(masks: Masks) -> int:
    """How many prunable weights are left."""
    return sum(int(mask.sum()) for mask in masks.values())


def prunable(masks: Masks) -> int:
    """How many prunable weights there are, d."""
    return sum(mask.numel() for mask in masks.values())


def applied(state: dict[str, Tensor], masks: Masks) -> dict[str, Tensor]:
    """The state with every pruned weight exactly zero; nothing is changed in place."""
    return {name: torch.where(masks[name], v, 0.0) if name in masks else v for name, v in state.items()}


def pack(masks: Masks) -> dict[str, Array]:
    """Masks as packed bits, eight weights a byte (and compressed on disk), with their shapes."""
    packed: dict[str, Array] = {}
    for name, mask in masks.items():
        packed[name] = np.packbits(mask.cpu().numpy())
        packed[name + SHAPE] = np.array(mask.shape, dtype=np.int64)
    return packed


def unpack(packed: dict[str, Array]) -> Masks:
    """The inverse of `pack`. Raises ValueError if bits and shapes disagree."""
    masks = {}
    for name in (n for n in packed if not n.endswith(SHAPE)):
        shape = tuple(int(n) for n in packed[name + SHAPE])
        if len(packed[name]) != (prod(shape) + 7) // 8:
            raise ValueError(f"mask of {name} has {len(packed[name])} bytes, which is not {shape}")
        bits = np.unpackbits(packed[name], count=prod(shape))
        masks[name] = torch.from_numpy(bits.astype(bool).reshape(shape))
    return masks


def compress(state: dict[str, Tensor], masks: Masks) -> dict[str, Array]:
    """Only what cannot be derived: surviving values [k] of masked weights, everything else whole."""
    return {name: (v[masks[name]] if name in masks else v).numpy() for name, v in state.items()}


def expand(stored: dict[str, Array], masks: Masks) -> dict[str, Tensor]:
    """The inverse of `compress`. Raises ValueError if a weight's values do not fill its mask."""
    state = {}
    for name, array in stored.items():
        values = torch.from_numpy(array)
        if name in masks:
            mask = masks[name]
            if values.shape != (int(mask.sum()),):
                raise ValueError(f"{name} has {len(array)} values for {int(mask.sum())} survivors")
            whole = torch.zeros(mask.shape, dtype=values.dtype)
            whole[mask] = values
            values = whole
        state[name] = values
    return state
