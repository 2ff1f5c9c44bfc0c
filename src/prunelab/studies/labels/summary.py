"""What the study ends with: a few numbers for `dvc exp show`, and a table."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prunelab.core.files import shown
from prunelab.studies.labels import evaluation, places

if TYPE_CHECKING:
    from prunelab.config import Config

Tables = Mapping[str, Sequence[Mapping[str, Any]]]
HOW = "out-of-sample predictions, with test labels taken to be right"
SCORES = {"early": "early ensemble", "early_margin": "early ensemble, margin", "chain": "pruning chain"}
SCORES["both"] = "both, ranks added"
FIRST = 10  # suspects in the table


def subtitle(params: "Config", *, truth: bool) -> str:
    """The study in a line."""
    noise = f"{100 * params.noise:g}% {params.noise_type} noise" if params.noise else "labels as they came"
    if truth and not params.noise:
        noise = "wrong labels that the data brought"
    return f"{params.model.name} on {params.dataset}, {noise}"


def metrics(tables: Tables) -> dict[str, Any]:
    """Means over groups of replicates; the interval's ends too."""
    counts = tables["counts"]
    size = counts[0]["examples"]
    many = {name: _mean(counts, name) for name in ("estimated", "low", "high")}
    found: dict[str, Any] = {
        "examples": size,
        "ranked_by": "early ensemble",
        "estimated_wrong": {"count": many["estimated"], "low": many["low"], "high": many["high"], "how": HOW},
        "disagreeing": _mean(counts, "disagreeing"),
        "out_of_sample_accuracy": _mean(counts, "out_of_sample_accuracy"),
    }
    if counts[0]["wrong"] is not None:
        found["wrong"] = _mean(counts, "wrong")
        found["suggestion_accuracy"] = _mean(counts, "suggestion_accuracy")
        for name in SCORES:
            rows = [row for row in tables["scores"] if row["score"] == name]
            if rows:
                found[name] = {measure: _mean(rows, measure) for measure in evaluation.MEASURES}
    return found


def text(tables: Tables, subtitle: str, pictures: Sequence[str]) -> str:
    """How many, how well, and the first suspects."""
    counts, first = tables["counts"], tables["counts"][0]
    lines = [f"{subtitle}; {_replicates(counts)}", ""]
    for row in counts:
        lines.append(f"seed {row['seeds']}: {_many(row)}")
    if first["estimated"] is not None:
        lines.append(f"({HOW}; out-of-sample accuracy {100 * first['out_of_sample_accuracy']:.1f}%)")
    if tables["scores"]:
        lines += ["", f"{'':26s}{'AUROC':>9s}{'average precision':>20s}{'precision':>12s}{'missed':>10s}"]
        lines[-1] += "   looking at as many as are wrong"
        for name, words in SCORES.items():
            rows = [row for row in tables["scores"] if row["score"] == name]
            if rows:
                auroc, ap, precision, missed = (np.mean([row[one] for row in rows]) for one in evaluation.MEASURES)
                cells = f"{auroc:>9.3f}{ap:>20.3f}{100 * precision:>11.1f}%{100 * missed:>9.1f}%"
                lines.append(f"{words:26s}{cells}")
        told = _mean(counts, "suggestion_accuracy")
        if told is not None:
            lines.append(f"of the wrong labels, the suggested one is right for {100 * told:.1f}%")
    lines += ["", listed([row for row in tables["suspects"] if row["seeds"] == first["seeds"]][:FIRST])]
    lines += ["", f"all: {places.SUSPECTS}, or `uv run prunelab suspects`"]
    return "\n".join([*lines, "", *(f"figure: {picture}" for picture in pictures)]) + "\n"


def listed(rows: Sequence[Mapping[str, Any]]) -> str:
    """Suspects as lines that line up."""
    header = ["rank", "index", "given", "suggested", "score", "rank by chain", "name"]
    cells = [
        [
            *(str(row["rank"]), str(row["index"]), shown(str(row["given"])), shown(str(row["suggested"]))),
            *(f"{row['score']:.3f}", str(row["chain_rank"] or "-"), shown(str(row["name"] or ""))),
        ]
        for row in rows
    ]
    some = [column for column in range(len(header)) if any(row[column] not in ("", "-") for row in cells)]
    table = [[row[column] for column in some] for row in [header, *cells]]
    widths = [max(len(row[column]) for row in table) for column in range(len(some))]
    right = [header[column] in ("rank", "index", "score", "rank by chain") for column in some]
    return "\n".join(
        "  ".join(
            cell.rjust(width) if flush else cell.ljust(width)
            for cell, width, flush in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in table
    )


def _many(row: Mapping[str, Any]) -> str:
    of = f"of {row['examples']} labels"
    told = f" ({row['wrong']} are)" if row["wrong"] is not None else ""
    other = f"; the early ensemble disagrees with {row['disagreeing']}"
    if row["estimated"] is None:
        weak = f"{100 * row['out_of_sample_accuracy']:.0f}% right on test examples"
        return f"not decidable how many {of} are wrong{told}: networks are too weak, {weak}{other}"
    interval = f"{row['low']:.0f} to {row['high']:.0f}"
    return f"{row['estimated']:.0f} {of} estimated to be wrong{told}, 95% interval {interval}{other}"


def _replicates(counts: Sequence[Mapping[str, Any]]) -> str:
    seeds = [str(row["seeds"]).split() for row in counts]
    if len(seeds) == 1:
        return f"{len(seeds[0])} replicates with the same labels, together" if len(seeds[0]) > 1 else "one replicate"
    return f"mean of {len(seeds)} replicates, each with its own labels"


def _mean(rows: Sequence[Mapping[str, Any]], name: str) -> float | None:
    values = [row[name] for row in rows if row[name] is not None]
    return _rounded(float(np.mean(values))) if len(values) == len(rows) else None


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
