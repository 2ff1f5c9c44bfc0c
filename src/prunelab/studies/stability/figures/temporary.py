"""Filters that come back: what taking them for a while brings, beside pruning them (the paper's Figs. 5 and D2)."""

from typing import Any

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.patches import Patch

from prunelab import style
from prunelab.judging import effects
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.parameters import NONE, TEMPORARY
from prunelab.studies.stability.shown import Array, Run

OF_NONE: dict[str, Any] = {"facecolor": "white", "edgecolor": style.BLACK, "hatch": "////", "linewidth": 0.6}


def draw(run: Run, subtitle: str) -> Figure | None:
    """Differences to `none` and reliance above, dynamics by scheme below; None without temporary arms."""
    schemes = [scheme for scheme in TEMPORARY if run.of(scheme)]
    if not schemes or NONE not in run.names:
        return None
    temporary = [arm for scheme in schemes for arm in run.of(scheme)]
    period = run.about(temporary[0])["period"]
    beside = [arm for arm in run.targeting("largest") if run.about(arm)["period"] == period]
    figure = plt.figure(figsize=(max(7.6, 2.7 * len(schemes) + 1.9), 5.8))
    halves = figure.add_gridspec(2, 1)
    top = halves[0].subgridspec(1, 2)
    _differences(figure.add_subplot(top[0]), run, [*beside, *temporary])
    _reliance(figure.add_subplot(top[1]), run, temporary)
    panels = halves[1].subgridspec(1, len(schemes)).subplots(sharex=True, sharey=True, squeeze=False)[0]
    for axes, scheme in zip(panels, schemes, strict=True):
        for arm in [NONE, *beside, *run.of(scheme)]:
            marks.line(axes, run, arm, marks.course(run, arm, "test_accuracy"), "epoch", "percent")
        axes.set_title(scheme, fontsize=8)
        axes.set_xlabel("epoch")
    panels[0].set_ylabel("test accuracy (%)")
    hatched = Patch(**OF_NONE, label="reliance of none")
    marks.legend(figure, run, [NONE, *beside, *temporary], lines=True, extra=[hatched])
    style.title(figure, f"{run.settings.structure.capitalize()} that come back (S8, S9, S10, S11)", subtitle)
    style.caption(figure, len(run.seeds), _explained(run))
    return figure


def _explained(run: Run) -> str:
    units = run.settings.structure
    text = f"Reliance: what accuracy loses when all targeted {units} are removed at the end; of none: the same {units}."
    if len(run.seeds) > 1:
        text = f"Small points: replicates, paired; whiskers: 95% intervals. {text}"
    return text


def _differences(axes: Axes, run: Run, arms: list[str]) -> None:
    """Paired with `none`, in points."""
    for place, arm in enumerate(arms):
        how = marks.look(run, arm)
        each = 100 * (run.values(arm, "test") - run.values(NONE, "test"))
        error = half(each) or 0.0
        if len(each) > 1:
            axes.plot(each, [place + 0.22] * len(each), ".", color=how.color, markersize=4, alpha=0.6)
        axes.errorbar(each.mean(), place, xerr=error, color=how.color, markersize=how.size, capsize=2, **how.drawn)
    axes.axvline(0, color=style.BLACK, linewidth=0.8)
    axes.set_yticks(range(len(arms)), [marks.label(run, arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.set_xlabel("test accuracy minus that of none (points)")


def _reliance(axes: Axes, run: Run, arms: list[str]) -> None:
    """Of each arm, hatched beside it that of `none` on as many filters."""
    for place, arm in enumerate(arms):
        color = marks.look(run, arm).color
        looks: dict[str, dict[str, Any]] = {"reliance": {"color": color}, "reliance_of_none": OF_NONE}
        for side, (column, how) in zip((-0.2, 0.2), looks.items(), strict=True):
            values = 100 * run.values(arm, column)
            error = half(values)
            axes.barh(place + side, values.mean(), 0.36, xerr=error, error_kw={"elinewidth": 0.8}, **how)
    axes.set_yticks(range(len(arms)), [marks.label(run, arm) for arm in arms])
    axes.set_ylim(len(arms) - 0.4, -0.6)
    axes.set_xlabel("reliance (points)")


def half(values_S: Array) -> float | None:
    """Half the length of a mean's 95% interval, by Student's t; None for one replicate."""
    found = effects.student(values_S)
    return None if found is None else (found[1] - found[0]) / 2
