"""Which units an event targets: of those that were never targeted, so many of the lowest, the highest, or any.

A unit is a filter, or a single weight where `stability.structure` is weights; U of them in a layer.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import prod

import torch
from torch import Tensor

from prunelab.core.pruning import filters
from prunelab.core.pruning.filters import Layer
from prunelab.core.pruning.mask import Masks
from prunelab.errors import UserError

Units = dict[str, Tensor]  # by layer, bool [U] on the CPU


def targeted(scores_U: Tensor, left_U: Tensor, count: int, target: str, generator: torch.Generator) -> Tensor:
    """Bool [U]: `count` of those left. Equal scores go by position.

    Args:
        scores_U: on any device; what is not left may have any.
        left_U: never targeted before, on the CPU.
        count: at most as many as are left.
        target: smallest | largest | random (which draws; the scores do not matter).
        generator: for random.

    Raises:
        UserError: a score is nan, which has no rank.
    """
    places = left_U.nonzero()[:, 0]
    if target == "random":
        order = torch.randperm(len(places), generator=generator)
    else:
        values = scores_U.detach().cpu()[places].double()
        if bool(values.isnan().any()):
            raise UserError("a filter has the score nan, which has no rank: training diverged; lower train.lr")
        order = torch.sort(values if target == "smallest" else -values, stable=True).indices
    chosen = torch.zeros_like(left_U)
    chosen[places[order[:count]]] = True
    return chosen


@dataclass(frozen=True)
class Structure:
    """The units of some layers and what belongs to each of them.

    Args:
        layers: those that are pruned.
        shapes: of all parameters by name.
        weights: units are single weights, to which nothing else belongs.
    """

    layers: Sequence[Layer]
    shapes: Mapping[str, torch.Size]
    weights: bool = False

    def counts(self) -> list[tuple[str, int]]:
        """Each layer's name and U."""
        return [(one.name, prod(self.shapes[one.weight]) if self.weights else one.filters) for one in self.layers]

    def none(self) -> Units:
        """No unit."""
        return {name: torch.zeros(count, dtype=torch.bool) for name, count in self.counts()}

    def masks(self, gone: Units) -> Masks:
        """What is left, by parameter: weight, bias, batch norm and shortcut of a filter; or the weights alone."""
        kept = {name: ~units for name, units in gone.items()}
        if self.weights:
            return {one.weight: kept[one.name].view(self.shapes[one.weight]) for one in self.layers}
        return filters.masks(self.layers, kept, self.shapes)

    def of_weights(self, some: Units) -> Masks:
        """Of each layer's own weight, bool: true for what belongs to these units."""
        found = {}
        for one in self.layers:
            shape, units = self.shapes[one.weight], some[one.name]
            rows = units if self.weights else units.view(-1, *[1] * (len(shape) - 1))
            found[one.weight] = rows.view(shape) if self.weights else rows.expand(shape)
        return found
