"""Which survivors go: exactly k of them, the lowest scores first, ties by position.

Written once for all criteria. Selection only ever turns a survivor off, so masks of successive rounds are nested.
"""

from collections.abc import Mapping

import torch
from torch import Tensor

from prunelab.core.pruning.mask import Masks, survivors
from prunelab.errors import UserError


def num_to_remove(num_survivors: int, fraction: float, times: int = 1) -> int:
    """The count k for one ranking: fraction * survivors, to the nearest whole number, halves up; `times` over."""
    left = num_survivors
    for _ in range(times):
        left -= int(fraction * left + 0.5)
    return num_survivors - left


def prune(masks: Masks, scores: Mapping[str, Tensor], fraction: float, scope: str, times: int = 1) -> Masks:
    """Remove a fraction of the surviving weights.

    Args:
        masks: survivors so far; not changed.
        scores: one score per weight, in the weight's shape; what is already pruned may score anything.
        fraction: share of the survivors to remove, in [0, 1).
        scope: "global" for one ranking over all layers together, "layer" for the same fraction of each.
        times: remove as many as so many rounds would, at once (one-shot pruning).

    Returns:
        New masks with exactly `num_to_remove` fewer survivors (in all, or in each layer).

    Raises:
        UserError: a surviving weight scores nan, which has no rank.
    """
    if scope == "layer":
        pruned: Masks = {}
        for name, mask in masks.items():
            pruned |= prune({name: mask}, scores, fraction, "global", times)
        return pruned
    flat_scores = torch.cat([scores[name].detach().cpu()[mask].double() for name, mask in masks.items()])
    if bool(flat_scores.isnan().any()):
        raise UserError("a surviving weight has the score nan, which has no rank: training diverged; lower train.lr")
    count = num_to_remove(survivors(masks), fraction, times)
    # A stable sort keeps equal scores in order of position: layers in the network's order, then row by row.
    removed = torch.sort(flat_scores, stable=True).indices[:count]
    keep = torch.ones(len(flat_scores), dtype=torch.bool)
    keep[removed] = False
    new, start = {}, 0
    for name, mask in masks.items():
        size = int(mask.sum())
        new[name] = mask.clone()
        new[name][mask] = keep[start : start + size]
        start += size
    return new
