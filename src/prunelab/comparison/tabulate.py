"""The tables of a comparison, as rows and as text that lines up."""

from collections.abc import Mapping, Sequence
from textwrap import indent
from typing import Any

from prunelab.byround import mean_std
from prunelab.comparison.curves import LISTED
from prunelab.comparison.grid import ROLES, Grid
from prunelab.judging import page as pages

TESTS = ("where", "a", "b", "measure", "difference", "low", "high", "p", "p_adjusted", "test", "n")
Row = Mapping[str, Any]


def models(grid: Grid) -> list[dict[str, Any]]:
    """Dense model, valley and sweet spot of each study: sparsity, last and best test accuracy, mean and deviation."""
    rows = []
    for key, study in grid.studies.items():
        place = {grid.axes[role] or role: value for role, value in zip(ROLES, key, strict=True)}
        curves = study.curves
        for name, number in curves.models().items():
            row: dict[str, Any] = {"study": grid.title(study), "runs": " + ".join(study.names), "model": name}
            row |= {"round": f"r{number:02d}", "sparsity": float(curves.sparsity_R[number]), "n": len(curves.seeds)}
            for column in ("test_last", "test_best", "validation"):
                row[column], row[f"{column}_std"] = mean_std(getattr(curves, column)[number])
            rows.append(row | {name: value for name, value in place.items() if name not in ROLES})
    return rows


def text(models: Sequence[Row], tests: Sequence[Row], judged: Sequence[tuple[str, Mapping[str, Row]]]) -> str:
    """What is printed: a line a study, a line a difference that was tested, a line a verdict."""
    verdicts = "\n".join(f"{title}\n{indent(pages.short(claims), '  ')}" for title, claims in judged)
    return "\n\n".join(part for part in (_models(models), _tests(tests), verdicts) if part)


def _models(rows: Sequence[Row]) -> str:
    width = max(len(row["study"]) for row in rows)
    shown = [name for name in LISTED if any(row["model"] == name for row in rows)]
    header = f"{'':{width}s}  n" + "".join(f"{name.replace('_', ' '):>24s}" for name in shown)
    said = (
        "Last test accuracy in %, mean ± standard deviation, and sparsity (valley, sweet spot: found on test accuracy)"
    )
    lines = [said, "", header]
    for study in dict.fromkeys(row["study"] for row in rows):
        some = {row["model"]: row for row in rows if row["study"] == study}
        cells = [f"{accuracy(row, 'test_last')} at {_sparsity(row)}" if (row := some.get(m)) else "-" for m in shown]
        lines.append(f"{study:{width}s} {some['dense']['n']:2d}" + "".join(f"{cell:>24s}" for cell in cells))
    return "\n".join(lines)


def _tests(rows: Sequence[Row]) -> str:
    """The sweet spot, the dip and the best epoch; differences.csv has the rest."""
    shown = [row for row in rows if row["measure"] in ("dip", "sweet_spot", "best epoch")]
    if not shown:
        return ""
    names = [f"{row['where']}: {row['a']} - {row['b']}".removeprefix(": ") for row in shown]
    width = max(map(len, names))
    lines = ["Differences in points, 95% interval, p (adjusted for the number of tests)", ""]
    for name, row in zip(names, shown, strict=True):
        found = f"{100 * row['difference']:+6.1f}"
        if row["p"] is None:
            tested = "one replicate: not tested"
        else:
            interval = f"[{100 * row['low']:+.1f}, {100 * row['high']:+.1f}]"
            tested = f"{interval:>16s}  p {row['p_adjusted']:.3g}  {row['test']}, n = {row['n']}"
        lines.append(f"{name:{width}s}  {row['measure'].replace('_', ' '):>10s} {found}  {tested}")
    return "\n".join(lines)


def accuracy(row: Row, column: str) -> str:
    """Mean and, if there is one, standard deviation of a column of `models`, in percent."""
    std = row[f"{column}_std"]
    return f"{100 * row[column]:.1f}" + ("" if std is None else f" ± {100 * std:.1f}")


def _sparsity(row: Row) -> str:
    return f"{100 * row['sparsity']:.2f}%"
