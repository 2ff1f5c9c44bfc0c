"""The curve of one study as arrays, as it is drawn: R rounds (from the dense one on), S replicates."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab import byround, regimes

Array = NDArray[np.float64]
# Models a comparison lists, by the names of regimes.py; the last where there is a validation split.
LISTED = ("dense", "valley", "sweet_spot", "best_validation")


@dataclass(frozen=True)
class Curves:
    """plots/sdd/double_descent.csv of one study."""

    seeds: tuple[int, ...]
    sparsity_R: Array
    train: Array  # [R, S], a fraction, as are the next
    test_last: Array
    test_best: Array
    validation: Array  # nan without a split

    def models(self) -> dict[str, int]:
        """The rounds of the LISTED models, found on the mean over replicates."""
        found = regimes.named_models(*(some.mean(axis=1) for some in (self.test_last, self.test_best, self.validation)))
        return {name: found[name] for name in LISTED if name in found}


def curves(rows: Sequence[Mapping[str, Any]]) -> Curves:
    """From the table's rows; rounds that some replicate lacks are left out."""
    seeds = sorted({row["seed"] for row in rows})
    groups = byround.grouped(rows, "sparsity")
    keys = [key for (key,), found in sorted(groups.items()) if found.keys() >= {*seeds}]

    def column(name: str) -> Array:
        return byround.array(rows, name, keys, seeds)

    measured = (column(name) for name in ("train", "test_last", "test_best", "validation"))
    return Curves(tuple(seeds), column("sparsity")[:, 0], *measured)
