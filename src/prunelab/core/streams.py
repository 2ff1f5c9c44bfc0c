"""Randomness by name: one independent stream per (seed, purpose, index), and no global seeding anywhere.

The same name always gives the same numbers, whatever else ran before, so a stage can be repeated alone, and 0 is
a seed like any other.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch


def key(seed: int, purpose: str, *index: int) -> int:
    """A 63-bit number for one stream, by SHA-256 of its name: neighbouring names are unrelated."""
    name = "/".join(str(part) for part in (seed, purpose, *index))
    return int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big") >> 1


def generator(seed: int, purpose: str, *index: int) -> "torch.Generator":
    """A PyTorch CPU generator for one stream."""
    import torch  # here, so that stages which only corrupt or draw need not load it

    return torch.Generator().manual_seed(key(seed, purpose, *index))


def numpy_generator(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """A NumPy generator for one stream."""
    return np.random.default_rng(key(seed, purpose, *index))
