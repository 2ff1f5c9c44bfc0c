"""How suspect examples are, how many are estimated to be wrong, and, where it is known, how good the ranking is."""

from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.labels.figures.shown import Shown

BINS = 40


def draw(shown: Shown, subtitle: str) -> Figure:
    """A histogram of the score; beside it precision and the share found along the ranking, or the score itself."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.4, 3.5))
    _histogram(left, shown)
    (_quality if shown.truth else _scores)(right, shown)
    style.title(figure, "How suspect labels are", subtitle)
    groups = len(shown.groups)
    many = [row["estimated"] for row in shown.tables["counts"]]
    said = "Score: EL2N, mean over the epochs of the early ensemble's training. "
    if None in many:
        said += "Networks are too weak on examples they have not seen to say how many labels are wrong."
    else:
        low, high = (np.mean([row[name] for row in shown.tables["counts"]]) for name in ("low", "high"))
        means = f"; means of {groups} replicates" if groups > 1 else ""
        said += f"Estimated number of wrong labels: {np.mean(many):.0f}, 95% interval {low:.0f} to {high:.0f}{means}. "
        said += "Shaded: the score down to which as many examples are more suspect, of the first group of replicates."
    style.note(figure, said)
    return figure


def _histogram(axes: Axes, shown: Shown) -> None:
    rows = shown.tables["suspects"]
    edges = np.linspace(0, np.sqrt(2), BINS + 1)
    kinds: dict[str, tuple[str, str, int | None]] = {"": (style.BLUE, "", None)}
    if shown.truth:
        kinds = {"right": (style.BLUE, "", 0), "wrong": (style.RED, "//", 1)}
    for label, (color, hatch, wrong) in kinds.items():
        score = [row["score"] for row in rows if wrong is None or row["wrong"] == wrong]
        named = f"label {label}" if label else None
        counts = np.histogram(score, edges)[0] / len(shown.groups)
        style_of: dict[str, Any] = {"color": color, "hatch": hatch, "edgecolor": color, "label": named}
        axes.bar(edges[:-1], counts, np.diff(edges), align="edge", alpha=0.55, linewidth=0.4, **style_of)
    axes.set_yscale("symlog", linthresh=1)
    axes.set_ylim(0, axes.get_ylim()[1] * 8)  # room for the legend
    axes.set_xlim(0, np.sqrt(2))
    axes.set_xlabel("score: distance of probabilities from the given label")
    axes.set_ylabel("examples (log scale; linear below 1)")
    _estimated(axes, shown)
    axes.legend(loc="upper left", ncols=2, fontsize=7.5)


def _estimated(axes: Axes, shown: Shown) -> None:
    first = shown.tables["counts"][0]
    if first["low"] is None:
        return
    score = np.array([row["score"] for row in shown.rows("suspects", shown.groups[0])])
    ends = [score[round(first[name]) - 1] if first[name] >= 1 else np.sqrt(2) for name in ("high", "low")]
    axes.axvspan(*ends, color="#f3e3c0", linewidth=0, zorder=0, label="estimated to be wrong, to here (95%)")


def _quality(axes: Axes, shown: Shown) -> None:
    rows = shown.tables["ranking"]
    looks = {"precision": (style.BLUE, "-"), "found": (style.GREEN, "-")}
    looks |= {"chain_precision": (style.BLUE, ":"), "chain_found": (style.GREEN, ":")}
    names = {"precision": "precision", "found": "wrong labels found", "chain_precision": "by the chain: precision"}
    names["chain_found"] = "by the chain: found"
    for name, (color, line) in looks.items():
        there = [row for row in rows if row[name] is not None]
        if there:
            percent = [{**row, "looked_at": 100 * row["looked_at"], name: 100 * row[name]} for row in there]
            style.band(axes, percent, "looked_at", name, color, linestyle=line, label=names[name])
    wrong = np.mean([100 * row["wrong"] / row["examples"] for row in shown.tables["counts"]])
    axes.axvline(wrong, color=style.BLACK, linewidth=0.8, linestyle="--", label="as many as are wrong")
    axes.set_xlabel("share of examples looked at, the most suspect first (%)")
    axes.set_ylabel("precision, found (%)")
    axes.set_ylim(0, 102)
    axes.set_xlim(0, 100)
    axes.legend(loc="upper left", bbox_to_anchor=(1.01, 1), fontsize=7.5)


def _scores(axes: Axes, shown: Shown) -> None:
    rows = shown.tables["ranking"]
    percent = [{**row, "looked_at": 100 * row["looked_at"]} for row in rows]
    style.band(axes, percent, "looked_at", "score", style.BLUE)
    axes.set_xlabel("share of examples, the most suspect first (%)")
    axes.set_ylabel("score")
    axes.set_ylim(0, np.sqrt(2))
    axes.set_xlim(0, 100)
