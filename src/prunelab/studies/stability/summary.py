"""What the study ends with: a few numbers for `dvc exp show`, and a table of arms."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prunelab.judging import effects, within
from prunelab.studies.stability.claims import Evidence
from prunelab.studies.stability.parameters import NONE
from prunelab.studies.stability.shown import Array

if TYPE_CHECKING:
    from prunelab.config import Config

TABLE = {  # column -> its title and how it is written, of percent
    "rate": ("rate", "{:.1f}"),
    "stability": ("stability", "{:.2f}"),
    "train": ("train", "{:.1f}"),
    "permuted": ("permuted", "{:.1f}"),
    "restored": ("restored", "{:.1f}"),
    "test": ("test", "{:.2f}"),
    "gap": ("gap", "{:.1f}"),
}


def subtitle(params: "Config") -> str:
    """The study in a line."""
    noise = f"{100 * params.noise:g}% {params.noise_type} noise" if params.noise else "labels as they came"
    what = "single weights" if params.stability.structure == "weights" else f"filters by {params.stability.score}"
    return f"{params.model.name} on {params.dataset}, {noise}, {what}"


def metrics(found: Evidence) -> dict[str, Any]:
    """Mean accuracy and stability of each arm, and how they go together."""
    run = found.run
    rows: dict[str, Any] = {
        name: {column: _rounded(run.mean(name, column)) for column in ("stability", "train", "test", "test_best")}
        for name in run.names
    }
    if found.three:
        x, y = run.table(found.three, "stability"), run.table(found.three, "test")
        rows["within_replicates"] = _rounded(within.correlation(x, y))
    return rows


def text(found: Evidence, subtitle: str, pictures: Sequence[str]) -> str:
    """A line for each arm, means over replicates, with the paired difference to `none`, and where the figures are."""
    run = found.run
    count, width = len(run.seeds), max(map(len, run.names))
    what = f"means of {count} replicates, %" if count > 1 else "one replicate, %"
    header = f"{'arm':{width}s}" + "".join(f"{title:>11s}" for title, _ in TABLE.values())
    lines = [f"{subtitle}; {what}", "", f"{header}{'events':>8s}{'test - none, points':>27s}"]
    none = run.values(NONE, "test")
    for name in run.names:
        cells = "".join(f"{_cell(run.values(name, column), form):>11s}" for column, (_, form) in TABLE.items())
        change = "-" if name == NONE else difference(run.values(name, "test") - none)
        lines.append(f"{name:{width}s}{cells}{run.about(name)['events']:>8d}{change:>27s}")
    return "\n".join([*lines, "", *(f"figure: {picture}" for picture in pictures)]) + "\n"


def difference(values_S: Array) -> str:
    """A mean in points with its interval over replicates, where there are several."""
    percent = 100 * values_S
    interval = effects.student(percent)
    inside = f" [{interval[0]:+.2f}, {interval[1]:+.2f}]" if interval else ""
    return f"{percent.mean():+.2f}{inside}"


def _cell(values_S: Array, form: str) -> str:
    return "-" if np.isnan(values_S).any() else form.format(100 * values_S.mean())


def _rounded(value: float | None) -> float | None:
    return None if value is None or np.isnan(value) else float(f"{value:.6g}")
