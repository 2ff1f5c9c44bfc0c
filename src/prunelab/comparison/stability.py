"""Runs of the study stability side by side: their trade-offs, a table, every verdict, and S14, which needs two runs."""

import textwrap
from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import SimpleNamespace
from typing import Any, cast

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.axes import Axes
from matplotlib.figure import Figure
from matplotlib.lines import Line2D

from prunelab import style
from prunelab.comparison import grid
from prunelab.comparison.runs import Run as Experiment
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.judging import deciding, effects, within
from prunelab.judging import page as pages
from prunelab.judging.claim import MORE_REPLICATES, Claim, judged, undecided
from prunelab.studies.stability import claims, claims_beyond, places, summary
from prunelab.studies.stability.claims import Evidence
from prunelab.studies.stability.parameters import NONE, Stability
from prunelab.studies.stability.shown import Row, Run

IRRELEVANT = {*grid.NEUTRAL, "prune", "finetune", "sparse"} - {"stability", "flatness"}
IRRELEVANT |= {f"flatness.{name}" for name in ("arms", "density", "alphas")}
BY_NORM, BY_SIZE = ("batchnorm", "batchnorm_signed"), ("l2", "l1")
MARKERS = "os^Dv<>"
LETTERS = 44  # of a panel's title, in a line
COLUMNS = ("setting", "runs", "replicates", "arm", "rate", "stability", "train", "test", "difference", "low", "high")
COLOURS = {"smallest": style.BLUE, "random": style.ORANGE, "largest": style.RED}
SCORE = "stability.score"
OTHER_ARMS = {"stability.temporary", "stability.controls"}  # beside those that most claims are of


@dataclass
class Setting:
    """Runs that differ in seeds alone, as one."""

    name: str
    runs: list[Experiment]
    evidence: Evidence
    subtitle: str


def compare(runs: Sequence[Experiment], left_out: Sequence[str], options: Namespace) -> str:
    """Write a figure, a table and verdicts to the folder options.out; what is to be printed."""
    found, notes = settings(runs)
    rows = [row for one in found for row in _rows(one)]
    verdicts = [(one.name, _json(claims_beyond.verdicts(one.evidence), one)) for one in found]
    if len(found) > 1:
        verdicts = [(name, {k: v for k, v in some.items() if k != "S14"}) for name, some in verdicts]
        verdicts.append(("all together", _json({"S14": scores(found)}, found[0])))
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    style.save(figure(found), out / "tradeoff")
    artifacts.write_table(out / "arms.csv", rows, COLUMNS)
    artifacts.write_text(out / "claims.md", pages.page(verdicts, claims.TITLE, claims.ABOUT))
    said = "\n".join(f"{name}\n  " + pages.short(some).replace("\n", "\n  ") for name, some in verdicts)
    more = [f"note: {note}" for note in (*left_out, *notes)]
    files = [f"figure: {out}/tradeoff.png", f"table and claims: {out}/arms.csv, claims.md"]
    return "\n".join([_text(rows), "", said, "", *more, *files])


def settings(runs: Sequence[Experiment]) -> tuple[list[Setting], list[str]]:
    """Runs by what they differ in; and a note on each whose replicates are there already."""
    groups: dict[str, list[Experiment]] = {}
    notes = []
    for run in runs:
        key = repr([(name, value) for name, value in run.settings.items() if _relevant(name)])
        group = groups.setdefault(key, [])
        there = {row["seed"] for one in group for row in one.rows}
        if {row["seed"] for row in run.rows} <= there:
            notes.append(f"{run.name} repeats seeds of {group[0].name}: counted once")
        else:
            group.append(run)
    names = _differing([group[0] for group in groups.values()])
    return [_setting(group, names) for group in groups.values()], notes


def _relevant(name: str) -> bool:
    return name not in IRRELEVANT and name.split(".")[0] not in IRRELEVANT


def _differing(runs: Sequence[Experiment]) -> list[str]:
    every = dict.fromkeys(name for run in runs for name in run.settings if _relevant(name))
    return [name for name in every if len({repr(run.settings.get(name)) for run in runs}) > 1]


def _setting(group: list[Experiment], names: Sequence[str]) -> Setting:
    first = group[0]
    telling = [name for name in names if name not in OTHER_ARMS] or names
    values = (f"{name.rpartition('.')[2]} {_short(first.settings.get(name))}" for name in telling)
    params = SimpleNamespace(
        stability=Stability.model_validate(first.params["stability"]),
        train=SimpleNamespace(**first.params["train"]),
        model=SimpleNamespace(**first.params["model"]),
        **{name: first.params[name] for name in ("noise", "noise_type", "dataset")},
    )
    evidence = claims.evidence(_pooled(group, params.stability), cast(Any, params))
    return Setting(", ".join(values) or first.name, group, evidence, summary.subtitle(cast(Any, params)))


def _short(value: Any) -> str:
    return "/".join(map(str, value)) or "none" if isinstance(value, list) else str(value)


def _pooled(group: Sequence[Experiment], stability: Stability) -> Run:
    """One run with the replicates of all; those that are there already are left out."""
    seeds: list[int] = []
    arms: list[Row] = []
    flatness: list[Row] = []
    right: dict[str, list[Any]] = {}
    for run in group:
        own = list(dict.fromkeys(int(row["seed"]) for row in run.rows))
        new = [seed for seed in own if seed not in seeds]
        arms += [row for row in run.rows if row["seed"] in new]
        content, table = (
            run.bytes(str(places.PLOTS / places.TEST_EXAMPLES)),
            run.text(str(places.PLOTS / "flatness.csv")),
        )
        if content is None:
            raise UserError(f"{run.name}: has no {places.PLOTS / places.TEST_EXAMPLES}; run it again")
        for name, values in artifacts.arrays_of(content).items():
            right.setdefault(name, []).extend(values.astype(np.float64)[[own.index(seed) for seed in new]])
        flatness += [row for row in artifacts.table_of(table) if row["seed"] in new] if table else []
        seeds += new
    every = {name: np.array(values) for name, values in right.items() if len(values) == len(seeds)}
    return Run(stability, seeds, [row for row in arms if row["arm"] in every], every, {"flatness": flatness})


def scores(found: Sequence[Setting]) -> Claim:
    """S14: by scores from batch norm the stable arm is stabler, the unstable one less stable, and r steeper."""
    pairs = [
        (a.evidence, b.evidence)
        for a in found
        for b in found
        if _score(a) in BY_NORM
        and _score(b) in BY_SIZE
        and {*_differing([a.runs[0], b.runs[0]])} <= {SCORE, *OTHER_ARMS}
    ]
    needs = {SCORE: ["batchnorm", "l2"]}
    if not pairs or not all(one.three for one in pairs[0]):
        why = "needs two runs that differ in the score alone, each with the arms of S1"
        return undecided(claims_beyond.SCORES, why, needs)
    norm, size = pairs[0]
    shared = [seed for seed in norm.run.seeds if seed in size.run.seeds]
    if not shared:
        return undecided(claims_beyond.SCORES, "the two runs share no seed", needs)
    at = [np.array([list(one.run.seeds).index(seed) for seed in shared]) for one in (norm, size)]

    def table(which: int, column: str) -> effects.Array:
        one = (norm, size)[which]
        return one.run.table(one.three, column)[:, at[which]]

    stability = [100 * table(which, "stability") for which in (0, 1)]
    accuracy = [table(which, "test") for which in (0, 1)]
    short, long = norm.three[0], norm.three[-1]
    claim = judged(
        claims_beyond.SCORES,
        [
            effects.of_replicates(f"stability of {short}, batch norm - length", stability[0][0] - stability[1][0], "%"),
            effects.of_replicates(
                f"stability of {long}, length - batch norm", stability[1][-1] - stability[0][-1], "%"
            ),
            within.difference(
                "z of r of stability and accuracy, length - batch norm",
                (stability[1], accuracy[1]),
                (stability[0], accuracy[0]),
            ),
        ],
    )
    return claim if claim.needs is None else replace(claim, needs={**needs, "seeds": MORE_REPLICATES})


def _score(one: Setting) -> str:
    return str(one.runs[0].settings[SCORE])


def _rows(one: Setting) -> list[dict[str, Any]]:
    run = one.evidence.run
    found = []
    for arm in run.names:
        change = 100 * (run.values(arm, "test") - run.values(NONE, "test"))
        low, high = (None, None) if arm == NONE else effects.student(change) or (None, None)
        found.append(
            {
                "setting": one.name,
                "runs": " + ".join(some.name for some in one.runs),
                "replicates": len(run.seeds),
                "arm": arm,
                **{name: run.mean(arm, name) for name in ("rate", "stability", "train", "test")},
                "difference": float(change.mean()),
                "low": low,
                "high": high,
            }
        )
    return found


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    """A block for each setting."""
    lines: list[str] = []
    width = max(len(row["arm"]) for row in rows)
    for number, row in enumerate(rows):
        if not number or rows[number - 1]["setting"] != row["setting"]:
            many = f"{row['replicates']} replicate{'s' if row['replicates'] > 1 else ''}"
            lines += ["", f"{row['setting']}; {many}; %"] if number else [f"{row['setting']}; {many}; %"]
            lines.append(f"{'':{width}s}{'stability':>11s}{'train':>9s}{'test':>9s}{'test - none':>25s}")
        inside = "" if row["low"] is None else f" [{row['low']:+.2f}, {row['high']:+.2f}]"
        change = "-" if row["arm"] == NONE else f"{row['difference']:+.2f}{inside}"
        cells = f"{100 * row['stability']:>11.2f}{100 * row['train']:>9.1f}{100 * row['test']:>9.2f}"
        lines.append(f"{row['arm']:{width}s}{cells}{change:>25s}")
    return "\n".join(lines)


def figure(found: Sequence[Setting]) -> Figure:
    """Accuracy against stability of arms that prune while training, a panel for each setting."""
    some = found[:6]
    across = 2 if len(some) == 4 else min(3, len(some))
    down = (len(some) + across - 1) // across
    drawn, panels = plt.subplots(down, across, figsize=(3.6 * across, 0.7 + 3.1 * down), squeeze=False)
    for axes, one in zip(panels.flat, some, strict=False):
        _panel(axes, one)
    for axes in panels.flat[len(some) :]:
        axes.set_visible(False)
    handles = [
        Line2D([], [], marker="o", linestyle="", markersize=4.5, color=colour, label=target)
        for target, colour in COLOURS.items()
        if any(one.evidence.run.targeting(target) for one in some)
    ]
    drawn.legend(handles=handles, loc="outside right upper", fontsize=8)
    common = some[0].subtitle if len({one.subtitle for one in some}) == 1 else f"{len(found)} settings"
    style.title(drawn, "Accuracy against stability (S1, S14)", common)
    words = (
        "A point a run; a marker for each period, circles for the shortest, open ones for one-shot. Thin lines join "
    )
    words += "a replicate's three arms of S1; r: of these, within replicates."
    style.note(drawn, words + ("" if len(found) < 7 else " The first six settings."))
    return drawn


def _panel(axes: Axes, one: Setting) -> None:
    run = one.evidence.run
    arms = [arm for target in COLOURS for arm in run.targeting(target)]
    gradual = [arm for arm in arms if not run.one_shot(arm)]
    x, y = (100 * run.table(arms, column) for column in ("stability", "test"))
    for number, arm in enumerate(arms):
        target = run.about(arm)["target"]
        filled = COLOURS[target] if arm in gradual else "none"
        marker = MARKERS[run.settings.periods.index(run.about(arm)["period"]) % len(MARKERS)]
        axes.scatter(x[number], y[number], 18, facecolors=filled, edgecolors=COLOURS[target], marker=marker, zorder=2)
    of_three = [arms.index(arm) for arm in run.three]
    axes.plot(x[of_three], y[of_three], color="#bbbbbb", linewidth=0.6, zorder=1)
    r = within.correlation(x[of_three], y[of_three]) if of_three else None
    name = textwrap.fill(one.name, LETTERS)
    axes.set_title(name if r is None else f"{name}\nr = {r:+.2f}", fontsize=8)
    axes.set_xlabel("stability (%)")
    axes.set_ylabel("test accuracy (%)")


def _json(verdicts: Mapping[str, Claim], one: Setting) -> dict[str, Any]:
    return deciding.as_json(verdicts, {**one.runs[0].settings, "seeds": list(one.evidence.run.seeds)})
