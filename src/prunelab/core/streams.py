"""Randomness by name: one independent stream per (seed, purpose, index), and no global seeding anywhere.

The same name always gives the same numbers, whatever else ran before, so a stage can be repeated alone, and 0 is
a seed like any other.
"""

import hashlib
from typing import TYPE_CHECKING

import numpy as np

if TYPE_CHECKING:
    import torch

# Where PyTorch's CPU generator (a Mersenne Twister) keeps its 624 words in what get_state() returns: 64 bits each.
WORDS, FIRST_BYTE = 624, 24


def name(seed: int, purpose: str, *index: int) -> bytes:
    """What a stream is called: neighbouring names give unrelated numbers, because they are hashed."""
    return "/".join(str(part) for part in (seed, purpose, *index)).encode()


def generator(seed: int, purpose: str, *index: int) -> "torch.Generator":
    """A PyTorch CPU generator for one stream.

    Its whole state is drawn (SHAKE-256), because `manual_seed` keeps 32 bits of a seed only: of 10,000 streams, two
    would be the same with a chance of one in a hundred.
    """
    import torch  # here, so that stages which only corrupt or draw need not load it

    words = np.frombuffer(hashlib.shake_256(name(seed, purpose, *index)).digest(4 * WORDS), dtype="<u4")
    result = torch.Generator()
    state = result.get_state()
    state.numpy()[FIRST_BYTE : FIRST_BYTE + 8 * WORDS] = words.astype("<u8").view(np.uint8)
    return result.set_state(state)


def numpy_generator(seed: int, purpose: str, *index: int) -> np.random.Generator:
    """A NumPy generator for one stream, from all 256 bits of its name's SHA-256."""
    return np.random.default_rng(int.from_bytes(hashlib.sha256(name(seed, purpose, *index)).digest(), "big"))
