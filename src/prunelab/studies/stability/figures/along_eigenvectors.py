"""How loss rises along the top eigenvectors of the Hessian where arms end (the paper's Figs. E3 and E4)."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.figure import Figure
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator

from prunelab import style
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.flatness import HIGHER
from prunelab.studies.stability.shown import Run

MOST = 4  # vectors with a panel


def draw(run: Run, subtitle: str) -> Figure | None:
    """A panel a vector, a line an arm; None where no loss was measured."""
    arms = [arm for arm in run.names if marks.rows_of(run, "along", arm)]
    if not arms:
        return None
    vectors = sorted({row["vector"] for row in run.tables["along"]})[:MOST]
    figure, grid = plt.subplots(1, len(vectors), figsize=(2.3 * len(vectors) + 2.0, 3.5), sharey=True, squeeze=False)
    for axes, vector in zip(grid[0], vectors, strict=True):
        for arm in arms:
            rows = [row for row in _oriented(run, arm) if row["vector"] == vector]
            if rows:
                marks.line(axes, run, arm, rows, "e", "loss")
        axes.axhline(HIGHER, color=style.BLACK, linewidth=0.9, linestyle=(0, (4, 3)))
        axes.set_yscale("asinh", linear_width=HIGHER)
        axes.yaxis.set_major_locator(
            FixedLocator([-1, -0.1, 0, *(n * 10.0**power for power in range(-1, 5) for n in (1, 3))])
        )
        axes.yaxis.set_minor_locator(NullLocator())
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
        axes.set_title(f"eigenvector {vector}", fontsize=8)
        axes.set_xlabel("step e along it")
    grid[0, 0].set_ylabel(f"increase of the {run.flat_on} loss (nats)")
    marks.legend(figure, run, arms, lines=True)
    style.title(figure, "Loss along the Hessian's top eigenvectors (S12)", subtitle)
    style.caption(
        figure,
        len(run.seeds),
        "Eigenvectors of length 1, signed so that loss rises more towards positive e. Dashed: the increase of "
        f"{HIGHER:g} that defines ε-flatness; the axis is about linear below it, logarithmic above.",
    )
    return figure


def _oriented(run: Run, arm: str) -> list[dict[str, Any]]:
    """An eigenvector's sign means nothing: each is turned so that loss rises more on its positive side."""
    rows = marks.rows_of(run, "along", arm)
    steeper: dict[tuple[Any, Any], float] = {}
    for row in rows:
        key = row["seed"], row["vector"]
        steeper[key] = steeper.get(key, 0.0) + (row["loss"] if row["e"] > 0 else -row["loss"] if row["e"] < 0 else 0.0)
    # Rounded, so that a grid of turned steps is the same grid.
    turn = {key: 1 if value >= 0 else -1 for key, value in steeper.items()}
    return [{**row, "e": round(turn[row["seed"], row["vector"]] * row["e"], 9) + 0.0} for row in rows]
