"""Runs of the study lens side by side: each at its optimum, whether they change the same examples, and verdicts."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from prunelab import style
from prunelab.comparison import lens_across, lens_figures, similarity
from prunelab.comparison.grid import neutral
from prunelab.comparison.lens_across import Setting, paired
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.judging import deciding
from prunelab.judging import page as pages
from prunelab.judging.claim import Claim
from prunelab.judging.effects import student
from prunelab.studies.lens import claims, evidence, measured, places, summary
from prunelab.studies.lens.evidence import Evidence

TOGETHER = "all together"
OPTIMUM = (
    *("name", "setting", "runs", "replicates", "dense", "dense_std", "round", "sparsity", "test", "test_std", "by"),
    *("el2n_auc", "on_what_is_right", "worsened_wrong"),
)
SHOWN = 24  # pairs of rounds that are printed
DIFFERENCES = ("a", "b", "difference", "std", "low", "high", "paper", "replicates")


def compare(runs: Sequence[Run], left_out: Sequence[str], options: Namespace) -> str:
    """Write figures, tables and verdicts to the folder options.out; what is to be printed."""
    found, notes = settings(runs)
    rows = [_row(one) for one in found]
    tests = [_difference(a, b) for a, b in _beside(found)]
    pairs = similarity.pairs([(one.name, one.runs[0], one.evidence) for one in found])
    similar = [row for pair in pairs for row in similarity.rows(pair)]
    verdicts = [(one.name, _json(claims.verdicts(one.evidence), one)) for one in found]
    if len(found) > 1:
        each = [(name, {n: v for n, v in some.items() if n not in claims.COMPARING}) for name, some in verdicts]
        verdicts = [*each, (TOGETHER, _json(lens_across.all_of(found, similar), found[0]))]
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    style.save(lens_figures.optima(found), out / "optima")
    style.save(lens_figures.subgroups(found), out / "subgroups")
    artifacts.write_table(out / "optima.csv", rows, OPTIMUM)
    artifacts.write_table(out / "differences.csv", tests, DIFFERENCES)
    artifacts.write_table(out / "similarity.csv", similar, similarity.COLUMNS)
    artifacts.write_text(out / "claims.md", pages.page(verdicts, claims.TITLE, claims.ABOUT))
    said = "\n".join(f"{name}\n  {pages.short(some)}".replace("\nclaims", "\n  claims") for name, some in verdicts)
    more = [f"note: {note}" for note in (*left_out, *notes)]
    files = [f"figures: {out}/optima.png, subgroups.png"]
    files.append(f"tables and claims: {out}/optima.csv, differences.csv, similarity.csv, claims.md")
    parts = [_optima(rows), _differences(tests), _similar(similar), said, "\n".join([*more, *files])]
    return "\n\n".join(part for part in parts if part)


def settings(runs: Sequence[Run]) -> tuple[list[Setting], list[str]]:
    """Runs by what they differ in, those that differ in seeds alone as one; and a note on what is there twice."""
    groups: dict[str, list[Run]] = {}
    notes = []
    for run in runs:
        moving = {name: value for name, value in run.settings.items() if not neutral(name) or name == "n_rounds"}
        some = groups.setdefault(repr(sorted((k, repr(v)) for k, v in moving.items())), [])
        if some and {*run.params["seeds"]} <= {seed for one in some for seed in one.params["seeds"]}:
            notes.append(f"{run.name} repeats seeds of {some[0].name}: counted once")
        else:
            some.append(run)
    names = _differing([some[0] for some in groups.values()])
    found = []
    for some in groups.values():
        values = ", ".join(f"{name.rpartition('.')[2]} {some[0].settings.get(name)}" for name in names)
        found.append(Setting(some[0].name, values, some, _evidence(some)))
    return found, notes


def _evidence(runs: Sequence[Run]) -> Evidence:
    tables, examples = evidence.joined([(_tables(run), _examples(run)) for run in runs])
    return evidence.of_tables(tables, examples, runs[0].settings)


def _tables(run: Run) -> evidence.Tables:
    return {name: artifacts.table_of(_file(run, f"{name}.csv").decode()) for name in evidence.TABLES}


def _examples(run: Run) -> evidence.Examples:
    return artifacts.arrays_of(_file(run, places.TEST_EXAMPLES))


def _file(run: Run, name: str) -> bytes:
    content = run.bytes(str(places.PLOTS / name))
    if content is None:
        raise UserError(f"{run.name}: has no {places.PLOTS / name}; run it again")
    return content


def _differing(runs: Sequence[Run]) -> list[str]:
    names = dict.fromkeys(name for run in runs for name in run.settings)
    moving = [name for name in names if not neutral(name) or name == "n_rounds"]
    return [name for name in moving if len({repr(run.settings.get(name)) for run in runs}) > 1]


def _row(one: Setting) -> dict[str, Any]:
    run, metrics = one.evidence, summary.metrics(one.evidence)
    best = run.chosen.best
    at, dense = run.curve["test_last"][best], run.curve["test_last"][0]
    return {
        "name": one.name,
        "setting": one.what,
        "runs": " + ".join(each.name for each in one.runs),
        "replicates": len(run.seeds),
        "dense": float(dense.mean()),
        "dense_std": _std(dense),
        "round": run.keys[best],
        "sparsity": float(run.sparsity_R[best]),
        "test": float(at.mean()),
        "test_std": _std(at),
        "by": "validation" if run.chosen.validated else "test accuracy",
        "el2n_auc": metrics["el2n_auc"],
        "on_what_is_right": metrics.get("on_what_is_right", {}).get("test"),
        "worsened_wrong": metrics["worsened_wrong"],
    }


def _std(values: Any) -> float | None:
    return float(values.std(ddof=1)) if len(values) > 1 else None


def _beside(found: Sequence[Setting]) -> list[tuple[Setting, Setting]]:
    """Each setting with the first one that has the same examples."""
    first: dict[str, Setting] = {}
    pairs = []
    for one in found:
        key = repr([one[name] for name in similarity.SAME_EXAMPLES])
        if key in first:
            pairs.append((first[key], one))
        first.setdefault(key, one)
    return pairs


def _difference(first: Setting, other: Setting) -> dict[str, Any]:
    """At each one's optimum, in points; by the paper's rule, and with an interval over replicates."""
    a, b = paired(first.evidence, other.evidence)
    at = [100 * measured.best(run).right(run.right_RST).mean(axis=1) for run in (a, b)]
    each = at[1] - at[0]
    interval = student(each) or (None, None)
    return {
        "a": other.name,
        "b": first.name,
        "difference": float(each.mean()),
        "std": _std(each),
        "low": interval[0],
        "high": interval[1],
        "paper": summary.paper_says(each),
        "replicates": len(each),
    }


def _json(verdicts: Mapping[str, Claim], one: Setting) -> dict[str, Any]:
    return deciding.as_json(verdicts, {**one.runs[0].settings, "seeds": one.evidence.seeds})


def _optima(rows: Sequence[Mapping[str, Any]]) -> str:
    width = max(len(row["name"]) for row in rows)
    header = f"{'':{width}s}  n{'dense':>14s}{'optimum':>14s}{'at sparsity':>18s}{'on what is right':>18s}{'AUC':>8s}"
    lines = ["Test accuracy in %, mean ± standard deviation, of the dense network and at the optimum", "", header]
    for row in rows:
        cells = [_cell(row["dense"], row["dense_std"]), _cell(row["test"], row["test_std"])]
        where = f"{100 * row['sparsity']:.2f}% ({row['round']})"
        right = "-" if row["on_what_is_right"] is None else f"{100 * row['on_what_is_right']:.1f}"
        auc = "-" if row["el2n_auc"] is None else f"{row['el2n_auc']:.3f}"
        found = "" if row["by"] == "validation" else "  found on test accuracy"
        lines.append(
            f"{row['name']:{width}s} {row['replicates']:2d}{cells[0]:>14s}{cells[1]:>14s}{where:>18s}{right:>18s}"
            f"{auc:>8s}  {row['setting']}{found}"
        )
    return "\n".join(lines)


def _differences(rows: Sequence[Mapping[str, Any]]) -> str:
    if not rows:
        return ""
    names = [f"{row['a']} - {row['b']}" for row in rows]
    width = max(map(len, names))
    lines = [
        "Differences at the optimum (a replicate's is chosen by the others) in points, 95% interval; the paper's rule",
        "",
    ]
    for name, row in zip(names, rows, strict=True):
        told = "one replicate" if row["low"] is None else f"[{row['low']:+.1f}, {row['high']:+.1f}]"
        lines.append(f"{name:{width}s} {row['difference']:+6.1f}  {told:>16s}  {row['paper']}")
    return "\n".join(lines)


def _similar(rows: Sequence[Mapping[str, Any]]) -> str:
    """Of what is changed the most: Jaccard beside both nulls and chance; of the dense network itself nothing."""
    there = [row for row in rows if row["jaccard"] is not None and row["how"] == "changed"]
    places_ = [*dict.fromkeys((row["a"], row["b"], row["rounds"]) for row in there)]
    more = f"({len(places_) - SHOWN} more: similarity.csv)" if len(places_) > SHOWN else ""
    places_ = places_[:SHOWN]
    if not places_:
        return ""
    names = {place: f"{place[0]} and {place[1]}" for place in places_}
    width = max(map(len, names.values()))
    titles = ("Jaccard", "two dense", "forgetting", "chance", "permuted", "groups")
    lines = [
        "Do they change the same tenth of the examples? Jaccard, beside that of two dense networks, of two that forget",
        "wrong labels at random, and of chance; within the permuted; rank correlation over EL2N groups",
        "",
        f"{'':{width}s} {'rounds':>9s}{'':>10s}" + "".join(f"{title:>12s}" for title in titles),
    ]
    columns = ("jaccard", "between_dense", "by_forgetting", "chance", "jaccard_permuted", "groups_correlation")
    for place, name in names.items():
        some = [r for r in rows if (r["a"], r["b"], r["rounds"]) == place and r["how"] == "changed"]
        cells = "".join(f"{_mean([row[column] for row in some]):>12s}" for column in columns)
        pair = f"{some[0]['round_a']}, {some[0]['round_b']}"
        lines.append(f"{name:{width}s} {place[2]:>9s}{pair:>10s}{cells}")
    return "\n".join([*lines, more] if more else lines)


def _mean(values: Sequence[float | None]) -> str:
    found = [value for value in values if value is not None]
    return f"{np.mean(found):.3f}" if found else "-"


def _cell(mean: float, std: float | None) -> str:
    return f"{100 * mean:.1f}" + ("" if std is None else f" ± {100 * std:.1f}")
