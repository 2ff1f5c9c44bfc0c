"""The short table a run ends with."""

from collections.abc import Mapping, Sequence
from typing import Any

COLUMNS = {
    "train": "train",
    "test_last": "test, last",
    "test_best": "test, best",
    "permuted": "permuted",
    "restored": "restored",
    "validation": "validation",
}
ROWS = {
    "dense": "dense",
    "valley": "valley",
    "sweet_spot": "sweet spot",
    "end": "end",
    "best_validation": "best valid.",
}


def table(named: Sequence[Mapping[str, Any]], subtitle: str, pictures: Sequence[str]) -> str:
    """Accuracies in percent of the dense model, valley, sweet spot and end, and where the figures are."""
    replicates = named[0]["n"]
    what = f"mean ± standard deviation of {replicates} replicates" if replicates > 1 else "one replicate"
    lines = [f"{subtitle}; accuracy in %, {what}", ""]
    columns = {c: title for c, title in COLUMNS.items() if c != "validation" or named[0][c] is not None}
    lines.append(f"{'':11s}{'round':>6s}{'sparsity':>10s}" + "".join(f"{title:>14s}" for title in columns.values()))
    for row in named:
        if row["model"] in ROWS:
            cells = "".join(f"{_cell(row[c], row[f'{c}_std']):>14s}" for c in columns)
            lines.append(f"{ROWS[row['model']]:11s}{row['round']:>6s}{100 * row['sparsity']:>9.2f}%{cells}")
    return "\n".join([*lines, "", *(f"figure: {picture}" for picture in pictures)]) + "\n"


def _cell(mean: float | None, std: float | None) -> str:
    if mean is None:
        return "-"
    return f"{100 * mean:.1f}" + ("" if std is None else f" ± {100 * std:.1f}")
