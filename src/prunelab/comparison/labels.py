"""Runs of the study labels side by side: how many labels are wrong, and how well they are found where that is known."""

import json
from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import matplotlib.pyplot as plt
import numpy as np
from matplotlib.figure import Figure

from prunelab import style
from prunelab.comparison import grid
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.studies.labels import places

COLUMNS = ("run", "examples", "replicates", "estimated", "low", "high", "disagreeing", "wrong")
MEASURES = ("auroc", "average_precision", "precision")
SCORES = ("early", "chain", "both")
COLOURS = (style.BLUE, style.RED, style.GREEN, style.ORANGE, style.PURPLE, style.SKY, style.BLACK)


def compare(runs: Sequence[Run], left_out: Sequence[str], options: Namespace) -> str:
    """Write a table and a figure to the folder options.out; what is to be printed."""
    rows = [_row(run) for run in runs]
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    artifacts.write_table(out / "labels.csv", rows, list(rows[0]))
    style.save(figure(runs, grid.common(runs)), out / "labels")
    lines = [*(f"note: {line}" for line in left_out), *([""] if left_out else []), *_lines(rows)]
    return "\n".join([*lines, "", f"table: {out / 'labels.csv'}", f"figure: {out / 'labels.png'}"])


def _row(run: Run) -> dict[str, Any]:
    found = json.loads(run.text(str(places.METRICS)) or "{}")
    many = found["estimated_wrong"]
    row = {"run": run.name, "examples": found["examples"], "replicates": len(run.params["seeds"])}
    row |= {"estimated": many["count"], "low": many["low"], "high": many["high"]}
    row |= {"disagreeing": found["disagreeing"], "wrong": found.get("wrong")}
    scores = {name: found.get(name) or {} for name in SCORES}
    return row | {f"{name}_{measure}": scores[name].get(measure) for name in SCORES for measure in MEASURES}


def _lines(rows: Sequence[Mapping[str, Any]]) -> list[str]:
    header = ["run", "labels", "estimated to be wrong", "95% interval", "wrong", "AUROC", "average precision"]
    header += ["by the chain", "by both"]
    table = [header]
    for row in rows:
        interval = "-" if row["low"] is None else f"{row['low']:.0f} to {row['high']:.0f}"
        cells = [row["run"], str(row["examples"]), _cell(row["estimated"], ".0f"), interval, _cell(row["wrong"], ".0f")]
        cells += [_cell(row[f"early_{name}"], ".3f") for name in MEASURES[:2]]
        table.append(cells + [_cell(row[f"{name}_average_precision"], ".3f") for name in ("chain", "both")])
    some = [c for c in range(len(header)) if any(row[c] != "-" for row in table[1:])]
    widths = [max(len(row[c]) for row in table) for c in some]
    lines = []
    for line in table:
        cells = [line[c].rjust(width) if c else line[c].ljust(width) for c, width in zip(some, widths, strict=True)]
        lines.append("  ".join(cells).rstrip())
    return lines


def _cell(value: float | None, form: str) -> str:
    return "-" if value is None else format(value, form)


def figure(runs: Sequence[Run], common: str) -> Figure:
    """Precision along each run's ranking where it is known which labels are wrong, else its score."""
    known = [run for run in runs if all(row["precision"] is not None for row in run.rows)]
    panels = [("precision", "share of them whose label is wrong (%)", known)] if known else []
    panels.append(("score", "score: distance of probabilities from the given label", list(runs)))
    drawn, axes = plt.subplots(1, len(panels), figsize=(4.3 * len(panels), 3.6), squeeze=False)
    colours = {run.name: COLOURS[i % len(COLOURS)] for i, run in enumerate(runs)}
    for panel, (name, words, some) in zip(axes[0], panels, strict=True):
        for i, run in enumerate(some):
            scale = 100 if name == "precision" else 1
            rows = [{**row, "looked_at": 100 * row["looked_at"], name: scale * row[name]} for row in run.rows]
            line = ("-", "--", ":", "-.")[(i // len(COLOURS)) % 4]
            style.band(panel, rows, "looked_at", name, colours[run.name], linestyle=line, label=run.name)
        panel.set_xlabel("share of examples looked at (%)")
        panel.set_ylabel(words)
        panel.set_xlim(0, 100)
        panel.set_ylim(0, 102 if name == "precision" else float(np.sqrt(2)))
    axes[0, -1].legend(fontsize=7)
    style.title(drawn, "Suspected labels", common)
    style.note(drawn, "The most suspected first. Lines: mean over replicates; bands: one standard deviation.")
    return drawn
