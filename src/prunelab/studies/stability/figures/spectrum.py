"""The Hessian's eigenvalues where arms end: the largest, all of them, and by layer (the paper's Figs. E1 and E2)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.ticker import FuncFormatter, MaxNLocator, NullLocator

from prunelab import style
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.shown import Array, Run

WIDTH = 0.4  # of the Gaussian that makes a density of nodes, in units of asinh
LEAST = 0.1  # eigenvalues per unit that are worth showing
EFFECTIVE = "effective_"


def draw(run: Run, subtitle: str) -> Figure | None:
    """A panel each for eigenvalues by rank, their density, effective dimension, layers; None without eigenvalues."""
    arms = [arm for arm in run.flat_arms if marks.rows_of(run, "eigenvalues", arm)]
    if not arms:
        return None
    figure, ((first, second), (third, fourth)) = plt.subplots(2, 2, figsize=(9.4, 6.4))
    _ranks(first, run, arms)
    _density(second, run, arms)
    _effective(third, run, arms)
    _layers(fourth, run, arms)
    marks.legend(figure, run, arms, lines=True)
    style.title(figure, "The Hessian's eigenvalues where arms end (S12)", subtitle)
    style.caption(
        figure,
        len(run.seeds),
        "Top right: nodes of Lanczos quadrature, smoothed, without bands; numbers, not shares: arms differ in how many "
        "parameters are free. Effective dimension: the sum of "
        "$\\lambda / (\\lambda + \\alpha)$ over eigenvalues $\\lambda > 0$. By layer: of its own block of the Hessian"
        + ("; whiskers: one standard deviation." if len(run.seeds) > 1 else "."),
    )
    return figure


def _absent(axes: Axes, what: str) -> None:
    axes.text(0.5, 0.5, f"{what}: not measured", transform=axes.transAxes, ha="center", color=marks.GREY)
    axes.set_axis_off()


def _ranks(axes: Axes, run: Run, arms: list[str]) -> None:
    for arm in arms:
        rows = marks.rows_of(run, "eigenvalues", arm)
        marks.line(axes, run, arm, rows, "rank", "eigenvalue", marked=True)
    if all(row["eigenvalue"] > 0 for row in run.tables["eigenvalues"]):
        marks.log_axis(axes, "y")
    axes.xaxis.set_major_locator(MaxNLocator(integer=True))
    axes.set_xlabel("rank")
    axes.set_ylabel("eigenvalue of the Hessian")


def _density(axes: Axes, run: Run, arms: list[str]) -> None:
    """Smoothed on a scale that is linear about zero: most eigenvalues lie there."""
    rows = [row for row in run.tables.get("spectrum", ()) if row["arm"] in arms]
    if not rows:
        _absent(axes, "density")
        return
    most = max(abs(row["eigenvalue"]) for row in rows) or 1.0
    linear = 10.0 ** (np.floor(np.log10(most)) - 3)
    ends = [np.arcsinh(one(row["eigenvalue"] for row in rows) / linear) for one in (min, max)]
    place = np.linspace(ends[0] - 4 * WIDTH, ends[1] + 4 * WIDTH, 600)
    there = [arm for arm in arms if any(row["arm"] == arm for row in rows)]
    curves = {arm: _smoothed([row for row in rows if row["arm"] == arm], linear, place) for arm in there}
    for arm, curve in curves.items():
        how = marks.look(run, arm)
        axes.plot(linear * np.sinh(place), curve, color=how.color, linestyle=how.line, linewidth=how.width)
    axes.set_yscale("log")
    axes.set_ylim(LEAST, 2 * max(curve.max() for curve in curves.values()))
    seen = place[np.max(list(curves.values()), axis=0) > LEAST]
    _eigenvalue_axis(axes, linear, seen[0], seen[-1])
    axes.set_ylabel("number of eigenvalues\nper unit of the axis")


def _eigenvalue_axis(axes: Axes, linear: float, low: float, high: float) -> None:
    """Like asinh(eigenvalue / linear), from `low` to `high`: labels at powers of ten, not crowded about zero."""
    axes.set_xscale("asinh", linear_width=linear)
    axes.set_xlim(linear * np.sinh(low), linear * np.sinh(high))
    far = [10.0**power * linear for power in range(9)]
    apart = 0.06 * (high - low)
    places = {sign * tick: np.arcsinh(sign * tick / linear) for sign in (-1, 1) for tick in far}
    ticks = [tick for tick, place in places.items() if low < place < high and abs(place) > apart]
    axes.set_xticks(sorted([0.0, *ticks]))
    axes.xaxis.set_minor_locator(NullLocator())
    axes.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
    axes.set_xlabel(f"eigenvalue (linear below {linear:g}, then log)")


def _smoothed(rows: style.Rows, linear: float, place: Array) -> Array:
    """How many eigenvalues there are at `place`, per unit of asinh(eigenvalue / linear), mean over replicates."""
    nodes = np.arcsinh(np.array([row["eigenvalue"] for row in rows], dtype=float) / linear)
    weight = np.array([row["weight"] for row in rows], dtype=float)
    bells = np.exp(-0.5 * ((place[:, None] - nodes) / WIDTH) ** 2) / (WIDTH * np.sqrt(2 * np.pi))
    return np.asarray(bells @ weight / len({row["seed"] for row in rows}))


def _effective(axes: Axes, run: Run, arms: list[str]) -> None:
    names = [name for name in run.tables["flatness"][0] if name.startswith(EFFECTIVE)]
    rows = [
        {"arm": row["arm"], "seed": row["seed"], "alpha": float(name.removeprefix(EFFECTIVE)), "dimension": row[name]}
        for row in run.tables["flatness"]
        for name in names
        if row[name] is not None
    ]
    if not rows:
        _absent(axes, "effective dimension")
        return
    for arm in arms:
        mine = [row for row in rows if row["arm"] == arm]
        if mine:
            marks.line(axes, run, arm, mine, "alpha", "dimension", marked=True)
    if len({row["alpha"] for row in rows}) > 1:
        axes.set_xscale("log")
    axes.set_xlabel("$\\alpha$")
    axes.set_ylabel("effective dimension")


def _layers(axes: Axes, run: Run, arms: list[str]) -> None:
    rows = [row for row in run.tables.get("layers", ()) if row["arm"] in arms]
    if not rows:
        _absent(axes, "layers")
        return
    layers = list(dict.fromkeys(str(row["layer"]) for row in rows))
    for number, arm in enumerate(arms):
        how = marks.look(run, arm)
        side = 0.6 * (number / max(1, len(arms) - 1) - 0.5) if len(arms) > 1 else 0.0
        for place, layer in enumerate(layers):
            values = [row["eigenvalue"] for row in rows if row["arm"] == arm and str(row["layer"]) == layer]
            if values:
                error = np.std(values, ddof=1) if len(values) > 1 else 0.0
                shape = {"markersize": how.size, "elinewidth": 0.9, **how.drawn}
                axes.errorbar(place + side, np.mean(values), error, color=how.color, **shape)
    axes.set_xticks(range(len(layers)), layers, rotation=45 if len(layers) > 6 else 0)
    axes.set_ylim(bottom=min(0.0, axes.get_ylim()[0]))
    axes.set_xlabel("layer")
    axes.set_ylabel("top eigenvalue of the layer's block")
