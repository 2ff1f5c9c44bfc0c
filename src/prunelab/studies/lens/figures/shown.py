"""What this study's figures draw from, and what they have in common."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from matplotlib.axes import Axes
from matplotlib.ticker import MaxNLocator

from prunelab import style
from prunelab.core.images import Images
from prunelab.studies.lens.optimum import Chosen

Rows = Sequence[Mapping[str, Any]]


@dataclass(frozen=True)
class Shown:
    """A run's tables (with a place for rounds without weights), the rounds that are looked at, and the pictures."""

    tables: Mapping[str, Rows]
    keys: list[str]
    chosen: Chosen
    seeds: list[int]
    pictures: Images

    def rows(self, table: str, **of: Any) -> list[Mapping[str, Any]]:
        """Of a table those with these values."""
        return [row for row in self.tables[table] if all(row[name] == value for name, value in of.items())]

    def remaining(self, number: int) -> float:
        """The share of weights that a round has left."""
        return float(self.rows("curve", round=self.keys[number])[0]["remaining"])

    def sparsity(self, number: int) -> str:
        """A round's sparsity, in words."""
        return f"{100 * float(self.rows('curve', round=self.keys[number])[0]['sparsity']):.4g}%"

    @property
    def noisy(self) -> bool:
        """Whether labels were permuted."""
        return self.tables["curve"][0]["permuted_loss"] is not None

    def title(self, number: int) -> str:
        """A round with its sparsity and test error, for the title of a panel."""
        error = 1 - np.mean([row["test_last"] for row in self.rows("curve", round=self.keys[number])])
        return f"{self.keys[number]}: {self.sparsity(number)} sparse\ntest error {100 * error:.1f}%"


def star(axes: Axes, shown: Shown, values: Rows, column: str, color: str, label: str | None = None) -> None:
    """A star at the optimum of a curve."""
    at = [row[column] for row in values if row["round"] == shown.keys[shown.chosen.best]]
    axes.plot([shown.remaining(shown.chosen.best)], [np.mean(at)], color=color, label=label, **style.STAR)


def bars(axes: Axes, shown: Shown, number: int, color: str) -> None:
    """Mean loss difference of each EL2N group in one round, with a line of one standard deviation over replicates."""
    rows = shown.rows("subgroups", round=shown.keys[number])
    count = max(row["group"] for row in rows)
    each = [[row["difference"] for row in rows if row["group"] == g + 1] for g in range(count)]
    mean = np.array([np.mean(some) for some in each])
    spread = np.array([np.std(some, ddof=1) if len(some) > 1 else 0.0 for some in each])
    axes.bar(
        range(1, count + 1), mean, width=0.8, color=color, yerr=spread, error_kw={"linewidth": 0.8, "ecolor": "#555555"}
    )
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.grid(visible=False, axis="x")
    axes.set_xlim(0.3, count + 0.7)
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))


def whiskers(shown: Shown) -> str:
    """What a bar's line says, for the caption."""
    count = len(shown.seeds)
    return f"Mean and one standard deviation of {count} replicates." if count > 1 else "One replicate."
