"""Which test images each network classifies right, of all rounds and replicates: what intervals over images rest on."""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

Arrays = dict[str, NDArray[Any]]
# Of answers to test images: at the last epoch, at the best one (core/halves.py), and re-initialised at the last.
KINDS = ("last", "best", "reinit")


def packed(
    right: Mapping[tuple[str, str, int], NDArray[np.bool_]],
    rounds: Sequence[str],
    seeds: Sequence[int],
    num_classes: int,
) -> Arrays:
    """Which test images are classified right, packed eight a byte: what intervals over test images are made of.

    Args:
        right: (kind, round, seed) -> [T]; what was not measured is left out, and false in the result.
        rounds: R of them.
        seeds: S of them.
        num_classes: K, without which nobody knows what chance is.

    Returns:
        `last`, `best`, `reinit` as uint8 [R, S, ceil(T / 8)]; `rounds` [R], `seeds` [S], `num_test`, `num_classes`.
    """
    count = len(next(iter(right.values())))
    nothing = np.zeros(count, dtype=bool)

    def bits(kind: str) -> NDArray[np.uint8]:
        return np.packbits([[right.get((kind, k, s), nothing) for s in seeds] for k in rounds], axis=-1)

    facts = {"rounds": [int(key[1:]) for key in rounds], "seeds": seeds, "num_test": count, "num_classes": num_classes}
    return {name: np.array(value, dtype=np.int64) for name, value in facts.items()} | {k: bits(k) for k in KINDS}


def right(
    examples: Mapping[str, NDArray[Any]], kind: str, rounds: Sequence[str], seeds: Sequence[int]
) -> NDArray[np.bool_]:
    """From these arrays: whether each test image was right [R, S, T].

    Raises ValueError for a round or a seed that is not there.
    """
    at = np.ix_(
        [list(examples["rounds"]).index(int(key[1:])) for key in rounds],
        [list(examples["seeds"]).index(seed) for seed in seeds],
    )
    bits = np.unpackbits(examples[kind][at], axis=-1, count=int(examples["num_test"]))
    return bits.astype(bool)


def joined(some: Sequence[tuple[Mapping[str, NDArray[Any]], Sequence[int]]], rounds: Sequence[str]) -> Arrays:
    """Several runs' test examples as one's: of each these seeds, and of all these rounds."""
    first, seeds = some[0][0], [seed for _, of_run in some for seed in of_run]
    found = {
        (kind, key, seed): right(examples, kind, [key], [seed])[0, 0]
        for examples, of_run in some
        for kind in KINDS
        for key in rounds
        for seed in of_run
    }
    return packed(found, rounds, seeds, int(first["num_classes"]))
