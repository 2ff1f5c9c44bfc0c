"""How stability and accuracy go together at each rate, over the targets (the paper's Fig. 3, right)."""

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.stability.figures import marks, relation
from prunelab.studies.stability.shown import Run

MOST = 7  # periods with a panel of their own


def draw(run: Run, subtitle: str) -> Figure | None:
    """Correlations by period, above scatter panels; None where no period has two targets."""
    groups = {
        period: arms
        for period in run.settings.periods
        if len(arms := [arm for arm in run.pruned if run.about(arm)["period"] == period]) > 1
    }
    if not groups:
        return None
    shown = [int(period) for period in style.spread([str(period) for period in groups], MOST)]
    figure = plt.figure(figsize=((2.3 if len(shown) < 5 else 1.7) * max(2, len(shown)) + 2.0, 5.2))
    grid = figure.add_gridspec(2, len(shown))
    _correlations(figure.add_subplot(grid[0, :]), run, groups)
    for place, period in enumerate(shown):
        axes, arms = figure.add_subplot(grid[1, place]), groups[period]
        marks.points(axes, run, arms, 100 * run.table(arms, "stability"), 100 * run.table(arms, "test"))
        axes.set_title(_name(run, arms[0]), fontsize=8)
        axes.set_xlabel("stability (%)")
        if place == 0:
            axes.set_ylabel("test accuracy (%)")
    marks.legend(figure, run, [arm for period in shown for arm in groups[period]])
    style.title(figure, "Stability and accuracy at each rate (S6)", subtitle)
    style.note(
        figure,
        marks.runs_note(
            run, "Above: Pearson's r over targets; large: within replicates, all together; small: each replicate alone."
        ),
    )
    return figure


def _name(run: Run, arm: str) -> str:
    """A period in words, with its rate."""
    when = marks.label(run, arm).split(", ")[1]
    return f"{when} ({100 * run.about(arm)['rate']:.2g}%)"


def _correlations(axes: Axes, run: Run, groups: dict[int, list[str]]) -> None:
    for place, arms in enumerate(groups.values()):
        stable, test = run.table(arms, "stability"), run.table(arms, "test")
        each = [relation.within(x[:, None], y[:, None]) for x, y in zip(stable.T, test.T, strict=True)]
        there = [value for value in each if value is not None]
        # Side by side: with few targets, many are near -1 or 1.
        beside = place + np.linspace(-0.12, 0.12, len(there)) if len(there) > 1 else [place] * len(there)
        axes.plot(beside, there, "o", color=marks.GREY, markersize=3, alpha=0.7)
        together = relation.within(stable, test)
        if together is not None:
            axes.plot(place + 0.22, together, "D", color=style.BLACK, markersize=6)
            axes.annotate(f"{together:+.2f}", (place + 0.22, together), (7, 0), textcoords="offset points", va="center")
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.set_xticks(range(len(groups)), [_name(run, arms[0]) for arms in groups.values()])
    axes.set_xlim(-0.5, len(groups) - 0.3)
    axes.set_ylim(-1.08, 1.08)
    axes.set_xlabel("events, and the share of a layer that one of them prunes")
    axes.set_ylabel("r of stability and accuracy")
