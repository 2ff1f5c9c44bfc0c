"""When which layers are pruned, and how many filters of each (Stability 2; the release's counts)."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeVar

from prunelab.core.pruning.filters import Layer, kept_after
from prunelab.errors import UserError

if TYPE_CHECKING:
    from prunelab.studies.stability.parameters import Stability


@dataclass(frozen=True)
class Due:
    """What one event removes of one layer."""

    layer: str
    count: int  # filters (or weights)
    rate: float  # of the layer's original number


T = TypeVar("T")


def at(value: T | list[T], number: int) -> T:
    """Of a parameter that is one for all layers, or a list: that of the so-manieth pruned layer."""
    return value[number] if isinstance(value, list) else value


def end(settings: "Stability") -> int:
    """The last epoch, from 0, after which anything may be pruned."""
    return max(settings.end) if isinstance(settings.end, list) else settings.end


def event_epochs(start: int, end: int, period: int) -> range:
    """After which epochs, counted from 0, a layer is pruned. The paper's formula gives one more where the period
    divides end - start + 1; this is the release's."""
    return range(start, end + 1, period)


def of_layers(layers: Sequence[Layer], settings: "Stability") -> list[Layer]:
    """Those that are pruned: the last so many, or all. Raises UserError where there are not as many."""
    if settings.layers > len(layers):
        raise UserError(f"stability.layers={settings.layers}: must be at most {len(layers)}, as many as the model has")
    return list(layers[-settings.layers :]) if settings.layers else list(layers)


def events(units: Sequence[tuple[str, int]], settings: "Stability", period: int) -> dict[int, list[Due]]:
    """By epoch, counted from 0, what is due after it; nothing is due where a whole number does not change.

    Args:
        units: the pruned layers' names, and how many filters (or weights) each has.
        settings: fractions, starts, ends.
        period: epochs between two events of a layer.
    """
    found: dict[int, list[Due]] = {}
    for number, (name, count) in enumerate(units):
        epochs = event_epochs(at(settings.start, number), at(settings.end, number), period)
        fraction = at(settings.fraction, number)
        left = count
        for done, epoch in enumerate(epochs, 1):
            after = kept_after(count, fraction, len(epochs), done)
            if after < left:
                found.setdefault(epoch, []).append(Due(name, left - after, (left - after) / count))
            left = after
    return dict(sorted(found.items()))


def at_once(units: Sequence[tuple[str, int]], settings: "Stability") -> list[Due]:
    """All that the events remove together: of an arm that is pruned before training."""
    found = []
    for number, (name, count) in enumerate(units):
        gone = count - kept_after(count, at(settings.fraction, number), 1, 1)
        found.append(Due(name, gone, gone / count))
    return found
