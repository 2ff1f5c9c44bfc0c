"""What figures draw from, and the axis of p that they share."""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from prunelab import style
from prunelab.studies.theory import predictions
from prunelab.studies.theory.tables import Curve

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

TICKS = (1, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 0.005, 0.002, 0.001, 5e-4, 2e-4, 1e-4, 1e-5, 1e-6)
# Dense, best and over-pruned, wherever three runs are shown.
COLOURS = (style.BLUE, style.GREEN, style.RED)


@dataclass(frozen=True)
class Found:
    """A run: its parameters, its tables, and three shares of weights worth a closer look."""

    theory: "Theory"
    curve: Curve
    rows: Sequence[dict[str, Any]]
    margins: NDArray[np.float32]  # of the first seed, at each p [P, T]
    race: Sequence[dict[str, Any]]  # of the first seed, at the three

    @property
    def three(self) -> list[tuple[str, int]]:
        """Dense, the best by mean test error, and the sparsest: names and positions, none twice."""
        return named(self.curve)


def named(curve: Curve) -> list[tuple[str, int]]:
    """Dense, the best by mean test error, and the sparsest: names and positions, none twice."""
    last, best = len(curve.kept) - 1, int(np.argmin(curve.mean("test_error")))
    middle = [("best", best)] if 0 < best < last else []
    return [("dense", 0), *middle, ("sparsest", last)]


def axis(axes: Axes, found: Found, *, label: bool = True) -> None:
    """The x axis: p, log-spaced, dense at the left."""
    kept = found.curve.kept
    axes.set_xscale("log")
    axes.set_xlim(kept[0] * 1.15, kept[-1] / 1.15)
    axes.xaxis.set_major_locator(FixedLocator([t for t in TICKS if t >= kept[-1] / 1.15]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    if label:
        axes.set_xlabel("share of weights kept, $p$")


def pruned_axis(axes: Axes) -> None:
    """The same in percent pruned, above."""
    top = axes.secondary_xaxis("top")
    top.xaxis.set_major_locator(FixedLocator(list(axes.get_xticks())))
    top.xaxis.set_minor_locator(NullLocator())
    top.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * (1 - value):.6g}"))
    top.set_xlabel("weights pruned (%)")


def thresholds(axes: Axes, found: Found, *, names: bool) -> None:
    """Where theory puts the two turns, as dashed verticals with their names."""
    places = {
        "$p^*$": predictions.p_star(found.theory),
        "$pm = 2\\,\\ln 10K$": predictions.fewest_filters(found.theory.classes) / found.theory.filters,
    }
    for name, place in places.items():
        if isfinite(place) and found.curve.kept[-1] < place < 1:
            axes.axvline(place, color="#777777", linestyle=(0, (4, 3)), linewidth=1, zorder=1)
            if names:
                where = axes.get_xaxis_transform()
                axes.text(place / 1.04, 0.98, name, transform=where, fontsize=8, color="#555555", va="top", ha="left")
