"""What this study's figures have in common: how an arm is marked and named, and the lines and points made of it.

A target or a kind of control has one colour, width of lines and filling of markers; a period (or a number of batches)
has one line style and one marker. A arms, S replicates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Any, Literal

import numpy as np
from matplotlib.axes import Axes
from matplotlib.colors import to_hex, to_rgb
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullLocator

from prunelab import style
from prunelab.studies.stability.parameters import DROPOUT, NONE, SCRATCH
from prunelab.studies.stability.shown import Array, Run

GREY, BROWN = "#888888", "#8B5A2B"
# Of targets and temporary schemes: the colour, how much of it is in a marker's face, and the width of lines.
KINDS = {
    "smallest": (style.BLUE, 0.0, 0.9),
    "random": (style.ORANGE, 0.4, 1.3),
    "largest": (style.RED, 1.0, 1.7),
    "zeroing": (style.PURPLE, 0.0, 1.2),
    "gaussian": (style.SKY, 0.4, 1.2),
    "restore": (BROWN, 1.0, 1.2),
}
LINES: tuple[Any, ...] = ("-", "--", ":", "-.", (0, (8, 3)), (0, (1, 3)), (0, (6, 1, 1, 1, 1, 1)))
MARKERS, OTHER_MARKERS = "os^Dv<>pP", "Dvp<>"
ENTRY = 0.165  # inches of a legend's entry
TARGET_LINES: dict[str, Any] = {"smallest": "-", "random": "--", "largest": "-."}


@dataclass(frozen=True)
class Look:
    """How an arm is drawn."""

    color: str
    face: str  # of its markers
    line: Any
    width: float
    marker: str
    size: float = 6

    @property
    def drawn(self) -> dict[str, Any]:
        """Its marker, for Axes.plot and the like."""
        edge, width = ("white", 0.4) if self.face == self.color else (self.color, 0.9)
        return {"marker": self.marker, "markerfacecolor": self.face, "markeredgecolor": edge, "markeredgewidth": width}


def look(run: Run, arm: str) -> Look:
    """Of an arm: the same in every figure."""
    about = run.about(arm)
    scheme = about["scheme"] or NONE
    if scheme == NONE:
        return Look(style.BLACK, style.BLACK, "-", 1.4, "*", 9)
    if scheme == SCRATCH:
        return Look(GREY, GREY, (0, (1, 1)), 1.6, "X", 6.5)
    if scheme == DROPOUT:
        number = run.of(scheme).index(arm)
        return Look(style.GREEN, style.GREEN, LINES[-1 - number % 3], 1.4, "PhH"[number % 3], 7)
    kind = about["target"] if scheme == "prune" else scheme
    like: list[Any] = run.settings.periods if scheme == "prune" else run.of(scheme)
    number = like.index(about["period"] if scheme == "prune" else arm)
    markers = MARKERS if scheme == "prune" else OTHER_MARKERS
    color, share, width = KINDS[kind]
    red, green, blue = (share * part + 1 - share for part in to_rgb(color))
    face = to_hex((red, green, blue))
    return Look(color, face if share < 1 else color, LINES[number % len(LINES)], width, markers[number % len(markers)])


def label(run: Run, arm: str) -> str:
    """An arm in words."""
    about = run.about(arm)
    if about["scheme"] == "prune":
        if run.one_shot(arm):
            return f"{about['target']}, one-shot"
        return f"{about['target']}, every {_many(about['period'], 'epoch')}"
    if about["batches"]:
        return f"{about['scheme']}, {about['batches']} {'batch' if about['batches'] == 1 else 'batches'}"
    return arm.replace("-", " ")


def _many(number: int, what: str) -> str:
    return what if number == 1 else f"{number} {what}s"


def gradual(run: Run) -> list[str]:
    """Arms that prune while training, each layer in several events."""
    return [arm for arm in run.pruned if not run.one_shot(arm)]


def controls(run: Run) -> list[str]:
    """Arms without events."""
    return [arm for arm in run.names if (run.about(arm)["scheme"] or "") in ("", SCRATCH, DROPOUT)]


def rows_of(run: Run, table: str, arm: str) -> list[dict[str, Any]]:
    """Those of one arm."""
    return [dict(row) for row in run.tables.get(table, ()) if row["arm"] == arm]


def course(run: Run, arm: str, column: str) -> list[dict[str, Any]]:
    """An accuracy epoch by epoch (`percent`); test accuracy has two values where there was an event."""
    rows = rows_of(run, "dynamics", arm)
    found = [{**row, "percent": 100 * row[column], "round": 0} for row in rows]
    if column == "test_accuracy":
        # style.mean_std keeps rows with one x apart, in falling order of `round`: before, then after.
        found += [{**row, "percent": 100 * row["before"], "round": 1} for row in rows if row["before"] is not None]
    return found


def line(axes: Axes, run: Run, arm: str, rows: style.Rows, x: str, y: str, *, marked: bool = False) -> None:
    """An arm's mean over replicates, with its band; with markers where values are few."""
    how = look(run, arm)
    shape = {"linestyle": how.line, "linewidth": how.width}
    if marked:
        shape |= {"markersize": 0.75 * how.size, **how.drawn}
    style.band(axes, rows, x, y, how.color, **shape)


def points(axes: Axes, run: Run, arms: Sequence[str], x_AS: Array, y_AS: Array, *, join: bool = True) -> None:
    """A point a run; a thin line joins the arms of a replicate, from low to high x."""
    if join:
        for x_A, y_A in zip(x_AS.T, y_AS.T, strict=True):
            order = np.argsort(x_A, kind="stable")
            axes.plot(x_A[order], y_A[order], color="#cccccc", linewidth=0.6, zorder=1)
    for arm, x_S, y_S in zip(arms, x_AS, y_AS, strict=True):
        how = look(run, arm)
        over = 4 if arm == NONE else 3
        axes.plot(x_S, y_S, color=how.color, linestyle="none", markersize=how.size, zorder=over, **how.drawn)


def log_axis(axes: Axes, name: Literal["x", "y"]) -> None:
    """A logarithmic axis that has labels however little it spans."""
    axes.set(**{f"{name}scale": "log"})
    axis = axes.xaxis if name == "x" else axes.yaxis
    low, high = axis.get_view_interval()
    axis.set_major_locator(LogLocator(subs=(1, 2, 5)) if high > 8 * low else MaxNLocator(4, steps=[1, 2, 5, 10]))
    axis.set_minor_locator(NullLocator())
    axis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))


def legend(figure: Figure, run: Run, arms: Iterable[str], *, lines: bool = False, extra: Sequence[Any] = ()) -> None:
    """Beside all panels, where it covers nothing: arms as lines or as points."""
    handles = []
    for arm in arms:
        how = look(run, arm)
        shape = {"linestyle": how.line, "linewidth": how.width} if lines else {"linestyle": "none", **how.drawn}
        handles.append(Line2D([], [], color=how.color, markersize=how.size, label=label(run, arm), **shape))
    everything = [*handles, *extra]
    columns = max(1, ceil(len(everything) * ENTRY / (figure.get_figheight() - 1)))
    figure.set_figwidth(figure.get_figwidth() + 1.8 * (columns - 1))
    figure.legend(handles=everything, loc="outside right center", fontsize=8, handlelength=2.4, ncols=columns)


def replicates(run: Run) -> str:
    """How many, in words."""
    return f"{len(run.seeds)} replicates" if len(run.seeds) > 1 else "one replicate"


def runs_note(run: Run, text: str = "") -> str:
    """What points are, then `text`."""
    return f"A point a run: {replicates(run)} an arm; a thin line joins the arms of a replicate. {text}".rstrip()
