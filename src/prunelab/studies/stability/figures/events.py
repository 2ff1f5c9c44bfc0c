"""What an event costs: test accuracy just before and just after it, and the share that is lost (the paper's Fig. 1)."""

import matplotlib.pyplot as plt
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.stability.figures import marks
from prunelab.studies.stability.shown import Run


def draw(run: Run, subtitle: str) -> Figure | None:
    """A column an arm: accuracy above, instability below; None without events."""
    arms = [arm for arm in _arms(run) if marks.rows_of(run, "events", arm)]
    if not arms:
        return None
    figure = plt.figure(figsize=(2.2 * len(arms) + 0.8, 4.4))
    grid = figure.subplots(2, len(arms), sharex=True, sharey="row", squeeze=False, height_ratios=[1.5, 1])
    for (upper, lower), arm in zip(grid.T, arms, strict=True):
        _accuracy(upper, run, arm)
        _instability(lower, run, arm)
        upper.set_title(marks.label(run, arm), color=marks.look(run, arm).color)
        lower.set_xlabel("epoch")
    grid[0, 0].set_ylabel("test accuracy (%)")
    grid[1, 0].set_ylabel("instability (%)")
    style.title(figure, "What an event costs (S1, S4)", subtitle)
    means = f"Means of {len(run.seeds)} replicates" if len(run.seeds) > 1 else "One replicate"
    whiskers = "; whiskers: one standard deviation" if len(run.seeds) > 1 else ""
    style.note(
        figure,
        f"{means}{whiskers}. Hollow: before an event, filled: after it, with no training in between. Instability: the "
        "share of accuracy that an event costs. A run's stability: one minus its mean instability.",
    )
    return figure


def _arms(run: Run) -> list[str]:
    """Smallest and largest, pruned most often and most rarely but not at once; whatever there is instead."""
    some = [run.targeting(target, one_shot=False) for target in ("smallest", "largest")]
    ends = list(dict.fromkeys(arm for found in some for arm in (*found[:1], *found[-1:])))
    return ends or style.spread(run.pruned, 4)


def _accuracy(axes: Axes, run: Run, arm: str) -> None:
    color = marks.look(run, arm).color
    xs, mean, _ = style.mean_std(marks.course(run, arm, "test_accuracy"), "epoch", "percent")
    axes.plot(xs, mean, color=color, linewidth=0.9, alpha=0.55)
    rows = marks.rows_of(run, "events", arm)
    epochs, before, _ = style.mean_std([{**row, "percent": 100 * row["before"]} for row in rows], "epoch", "percent")
    _, after, _ = style.mean_std([{**row, "percent": 100 * row["after"]} for row in rows], "epoch", "percent")
    size = 4.5 if len(epochs) < 20 else 3
    axes.vlines(epochs, after, before, color=color, linewidth=1.1)
    axes.plot(epochs, before, "o", color=color, markerfacecolor="white", markersize=size, zorder=4)
    axes.plot(epochs, after, "o", color=color, markersize=size, zorder=5)


def _instability(axes: Axes, run: Run, arm: str) -> None:
    rows = [row for row in marks.rows_of(run, "events", arm) if row["instability"] is not None]
    if not rows:
        return
    color = marks.look(run, arm).color
    percent = [{**row, "percent": 100 * row["instability"]} for row in rows]
    epochs, mean, std = style.mean_std(percent, "epoch", "percent")
    size = 4 if len(epochs) < 20 else 2.5
    axes.axhline(0, color=style.BLACK, linewidth=0.8)
    axes.errorbar(epochs, mean, std, fmt="o", color=color, markersize=size, elinewidth=0.8, linewidth=0)
    told = f"stability {100 * run.mean(arm, 'stability'):.1f}%"
    axes.set_title(told, fontsize=8, loc="right")
