"""How every figure of every study looks, and the sparsity axis they share.

Colours are Okabe and Ito's, which stay apart for colour-blind readers; what carries meaning also differs in line
style or marker. Files are byte-identical for identical tables.
"""

import re
import textwrap
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any, cast

import matplotlib
import numpy as np
from matplotlib.axes import Axes
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.text import Text
from matplotlib.ticker import FixedLocator, FuncFormatter, NullLocator
from numpy.typing import NDArray

from prunelab import byround

matplotlib.use("Agg")

Rows = Sequence[Mapping[str, Any]]
Curve = NDArray[np.float64]

BLUE, ORANGE, GREEN, RED, PURPLE, SKY, BLACK = (
    "#0072B2",
    "#E69F00",
    "#009E73",
    "#D55E00",
    "#CC79A7",
    "#56B4E9",
    "#222222",
)
SETTINGS: dict[Any, Any] = {
    "font.size": 9,
    "axes.titlesize": 9,
    "axes.spines.top": False,
    "axes.spines.right": False,
    "axes.grid": True,
    "grid.color": "#e6e6e6",
    "grid.linewidth": 0.6,
    "axes.axisbelow": True,
    "legend.frameon": False,
    "lines.linewidth": 1.6,
    "figure.constrained_layout.use": True,
    "figure.dpi": 200,  # as saved: text is measured at it
    "savefig.dpi": 200,
    "svg.hashsalt": "prunelab",
    "svg.fonttype": "none",
}
matplotlib.rcParams.update(SETTINGS)


# A round that was chosen.
STAR: dict[str, Any] = {"marker": "*", "markersize": 13, "markeredgecolor": "white", "linestyle": "none", "zorder": 7}
MOST = 0.98  # of a figure's width that a text may take


def save(figure: Figure, stem: Path) -> None:
    """Write stem.png and stem.svg without dates or version strings."""
    figure.savefig(stem.with_suffix(".png"), metadata={"Software": None})
    figure.set_layout_engine("none")  # it is laid out; once more takes as long as to draw it
    figure.savefig(stem.with_suffix(".svg"), metadata={"Date": None, "Creator": None})


def title(figure: Figure, what: str, subtitle: str) -> None:
    """What the figure shows and of which study, in one line, or in two where that is too long for the figure."""
    text = figure.suptitle(f"{what}: {subtitle}", fontsize=10)
    if _width(figure, text) > MOST:
        text.set_text(f"{what}\n{subtitle}")
        text.set_fontsize(9)
    _fit(figure, text)


def caption(figure: Figure, replicates: int, text: str = "") -> None:
    """A line or two under the whole figure: what lines and bands are, then `text`."""
    several = f"Lines: mean of {replicates} replicates; bands: one standard deviation."
    lines = several if replicates > 1 else "One replicate: no bands."
    note(figure, f"{lines} {text}".rstrip())


def note(figure: Figure, text: str) -> None:
    """A line or two under the whole figure."""
    said = figure.supxlabel(text, fontsize=7.5, color="#555555", x=0.01, ha="left")
    _fit(figure, said)


def _width(figure: Figure, text: Text) -> float:
    """Of a text, as a share of the figure's."""
    renderer = cast(FigureCanvasAgg, figure.canvas).get_renderer()
    return float(text.get_window_extent(renderer).width / figure.bbox.width)


def _fit(figure: Figure, text: Text) -> None:
    """Break lines that are too long for the figure, between words."""
    # A formula is one word.
    whole = re.sub(r"\$[^$]*\$", lambda found: found[0].replace(" ", "\0"), text.get_text())
    lines = whole.split("\n")
    for letters in range(max(map(len, lines)), max(map(len, whole.split())) - 1, -1):
        if _width(figure, text) <= MOST:
            return
        broken = [part for line in lines for part in textwrap.wrap(line, letters, break_long_words=False)]
        text.set_text("\n".join(broken).replace("\0", " "))


def place_of_nothing(remaining: Iterable[float]) -> float:
    """Where on a log axis of `remaining` a round without weights is drawn: one step beyond the last with some.

    Such a round is reached when most of the last few weights are removed at once.
    """
    left = sorted({value for value in remaining if value > 0})
    return left[0] / min(10.0, left[1] / left[0]) if len(left) > 1 else 0.1


def with_a_place_for_nothing(tables: Mapping[Any, Rows]) -> dict[Any, list[dict[str, Any]]]:
    """The tables with that place in the rows of rounds without weights, which are marked `nothing`."""
    place = place_of_nothing(row["remaining"] for rows in tables.values() for row in rows if "remaining" in row)
    return {
        name: [{**row, "remaining": place, "nothing": True} if row.get("remaining") == 0 else dict(row) for row in rows]
        for name, rows in tables.items()
    }


def mean_std(rows: Rows, x: str, y: str) -> tuple[Curve, Curve, Curve]:
    """Sorted x, and the mean and sample standard deviation of y over the rows (replicates) at each.

    Rounds that lie at one x, because nothing was left to prune, stay apart, in order.

    Raises ValueError if a replicate (`seed`) is there twice: those rows differ in what they are not grouped by.
    """
    groups = byround.grouped([row for row in rows if row[y] is not None], y, x, "round")
    # Sparsity rises as what remains falls: rounds in falling order are those of a line drawn from low to high x.
    places = sorted(sorted(groups, key=lambda place: place[1], reverse=True), key=lambda place: float(place[0]))
    values = [[float(value) for value in groups[place].values()] for place in places]
    stds = [np.std(some, ddof=1) if len(some) > 1 else 0.0 for some in values]
    return np.array([float(place[0]) for place in places]), np.array([np.mean(some) for some in values]), np.array(stds)


def band(axes: Axes, rows: Rows, x: str, y: str, color: str, **line: Any) -> None:
    """A mean over replicates with a band of one standard deviation; a point where there is but one x."""
    xs, mean, std = mean_std(rows, x, y)
    point = {"marker": "o", "markersize": 3} if len(xs) == 1 else {}
    axes.plot(xs, mean, color=color, **{**point, **line})
    axes.fill_between(xs, mean - std, mean + std, color=color, alpha=0.18, linewidth=0)


def spread(names: Sequence[str], most: int) -> list[str]:
    """Up to so many of them, evenly spaced, the first and the last among them."""
    number = min(most, len(names))
    return [names[round(i * (len(names) - 1) / max(1, number - 1))] for i in range(number)]


def accuracy_axis(axes: Axes, label: str = "accuracy (%)") -> None:
    """Fractions shown as percentages."""
    axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{100 * value:.5g}"))
    axes.set_ylabel(label)


def sparsity_axis(axes: Axes, rows: Rows, *, narrow: bool = False) -> None:
    """The x axis for `remaining`: log-spaced weights remaining, dense at the left, labelled with the sparsity.

    `narrow` axes that span decades have room for one label each.
    """
    remaining = sorted({float(row["remaining"]) for row in rows}, reverse=True)
    axes.set_xscale("log")
    axes.set_xlim(remaining[0] * 1.08, remaining[-1] / 1.08)
    nice = [1.0, 0.5, 0.2, 0.1, 0.05, 0.02, 0.01, 5e-3, 2e-3, 1e-3, 5e-4, 2e-4, 1e-4, 1e-5, 1e-6]
    decades = [1.0, 0.1, 0.01, 1e-3, 1e-4, 1e-5, 1e-6]
    nothing = [float(row["remaining"]) for row in rows if row.get("nothing")][:1]
    least = remaining[-2] if nothing and len(remaining) > 1 else remaining[-1] / 1.08
    ticks = [v for v in (decades if narrow and remaining[-1] < 0.01 else nice) if v >= least]
    labels = [f"{100 * (1 - v):.6g}" for v in ticks] + ["100" for _ in nothing]
    axes.xaxis.set_major_locator(FixedLocator([*ticks, *nothing]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.set_xticklabels(labels, rotation=45, ha="right", rotation_mode="anchor")
    axes.set_xlabel("sparsity (% of prunable weights removed)")
