"""The grid of curves: accuracy against sparsity, one panel for each row and column, one colour for each line."""

from collections.abc import Mapping, Sequence
from typing import Any

from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties
from matplotlib.lines import Line2D

from prunelab import style
from prunelab.comparison.grid import Grid, Study

COLOURS = (style.BLUE, style.RED, style.GREEN, style.PURPLE, style.ORANGE, style.SKY, style.BLACK)
PANEL = (3.3, 2.6)  # inches
ROUNDS = "round"
BEST = "best_validation"
LOG = "The axis is spaced by the weights remaining (log)."
LETTERS = 13  # of a title, to the inch


def draw(grid: Grid, subtitle: str) -> Figure:
    """Solid: last test accuracy; dotted: that of the best epoch; bands: one standard deviation over replicates.

    `subtitle` says what all of them are.
    """
    rows, columns = grid.values["rows"], grid.values["columns"]
    size = (max(5.5, PANEL[0] * len(columns)), PANEL[1] * len(rows) + 1.0)
    figure = Figure(figsize=size)
    panels = figure.subplots(len(rows), len(columns), sharex="row", sharey="row", squeeze=False)
    for i, row in enumerate(rows):
        for j, column in enumerate(columns):
            _panel(panels[i][j], grid, (row, column), last=i == len(rows) - 1)
        style.accuracy_axis(panels[i][0], "test accuracy (%)")
        if grid.axes["rows"]:
            panels[i][0].set_ylabel(f"{grid.label('rows', row)}\n{panels[i][0].get_ylabel()}")
    for j, column in enumerate(columns):
        panels[0][j].set_title(grid.label("columns", column))
    title = f"Test accuracy against {'rounds' if abscissa(grid) == 'round' else 'sparsity'}: {subtitle}"
    _legend(figure, grid, title if len(title) <= LETTERS * size[0] else title.replace(": ", "\n", 1))
    figure.supxlabel(_caption(grid), fontsize=7.5, color="#555555", x=0.01, ha="left")
    return figure


def _panel(axes: Axes, grid: Grid, place: tuple[Any, Any], *, last: bool) -> None:
    shown: list[Any] = []
    x = abscissa(grid)
    values = grid.values["colours"]
    there = {v: _numbers(grid.studies[*place, v]) for v in values if (*place, v) in grid.studies}
    curves = style.with_a_place_for_nothing(there)
    for color, value in zip(_colours(grid), values, strict=True):
        points = curves.get(value, [])
        if not points:
            continue
        shown += points
        style.band(axes, points, x, "test_last", color)
        style.band(axes, points, x, "test_best", color, linestyle=":", linewidth=1.2)
        _star(axes, grid.studies[*place, value], points, x, color)
    if not shown:
        axes.text(0.5, 0.5, "not run", transform=axes.transAxes, ha="center", color="#999999")
        return
    if x == "round":
        axes.set_xlabel(ROUNDS)
    else:
        style.sparsity_axis(axes, shown, narrow=True)
    if not last:
        axes.set_xlabel("")


def _star(axes: Axes, study: Study, points: Sequence[Mapping[str, float]], x: str, color: str) -> None:
    """At the round of the best validation accuracy, where there is a split (Jin et al., Figure 3)."""
    number = study.curves.models().get(BEST)
    if number is not None:
        at = [point for point in points if point["round"] == number]
        mean = sum(point["test_last"] for point in at) / len(at)
        axes.plot([at[0][x]], [mean], color=color, **style.STAR)


def abscissa(grid: Grid) -> str:
    """What the x axis shows: `remaining`; or `round`, if a study trains on without pruning (Jin et al., Figure 6)."""
    unpruned = any(
        len(study.curves.sparsity_R) > 1 and not study.curves.sparsity_R.any() for study in grid.studies.values()
    )
    return "round" if unpruned else "remaining"


def _numbers(study: Study) -> list[dict[str, float]]:
    names = ("seed", "remaining", "test_last", "test_best")
    return [{"round": float(row["round"][1:])} | {name: float(row[name]) for name in names} for row in study.rows]


def _colours(grid: Grid) -> list[str]:
    number = len(grid.values["colours"])
    return [COLOURS[i % len(COLOURS)] for i in range(number)]


def _legend(figure: Figure, grid: Grid, title: str) -> None:
    """Under the title, which is its own: two things outside of all panels would lie on each other."""
    handles = []
    if grid.axes["colours"]:
        handles += [
            Line2D([], [], color=color, label=grid.label("colours", value))
            for color, value in zip(_colours(grid), grid.values["colours"], strict=True)
        ]
    handles.append(Line2D([], [], color="#555555", label="last epoch"))
    handles.append(Line2D([], [], color="#555555", linestyle=":", linewidth=1.2, label="best epoch"))
    legend = figure.legend(handles=handles, loc="outside upper center", ncols=min(len(handles), 6))
    legend.set_title(title, prop=FontProperties(size=10))
    legend.get_title().set_multialignment("center")


def _caption(grid: Grid) -> str:
    numbers = {len(study.curves.seeds) for study in grid.studies.values()}
    low, high = min(numbers), max(numbers)
    many = f"{low}" if low == high else f"{low} to {high}"
    lines = (
        f"Lines: mean of {many} replicates; bands: one standard deviation." if high > 1 else "One replicate: no bands."
    )
    if any(BEST in study.curves.models() for study in grid.studies.values()):
        lines += " Star: best validation accuracy."
    axis = "Each round trains as long as the dense network." if abscissa(grid) == "round" else LOG
    return f"{lines}\n{axis}"  # two lines: a figure of one panel is not wider
