"""Runs of the study theory side by side: their curves, where they turn and where theory says so, and the verdict T6."""

from argparse import Namespace
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from prunelab import style
from prunelab.comparison import theory_figures
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.judging import deciding
from prunelab.judging import page as pages
from prunelab.judging.claim import MORE_REPLICATES, Claim, judged, undecided
from prunelab.judging.effects import of_replicates
from prunelab.studies.theory import claims, predictions, summary, tables
from prunelab.studies.theory.claims import Evidence
from prunelab.studies.theory.parameters import Theory

TOLERANCE = 0.25  # of the slope
WIDE = 20.0  # p_star m: below it there is no good window between the two thresholds
FEWEST = 3  # settings that a slope needs
COLUMNS = (
    *("setting", "runs", "replicates", "p_star", "refined", "share_crossing", "error_crossing", "p_star_filters"),
    *("best", "best_error", "dense_error", "sparsest_error"),
)


@dataclass
class Setting:
    """Runs that differ in seeds alone, as one."""

    name: str  # what sets it apart, in words
    runs: list[Run]
    theory: Theory  # with the seeds of all
    rows: list[dict[str, Any]]

    @property
    def evidence(self) -> Evidence:
        """What verdicts rest on."""
        return Evidence(self.theory, tables.curve(self.rows))


def compare(runs: Sequence[Run], left_out: Sequence[str], options: Namespace) -> str:
    """Write figures, a table and verdicts to the folder options.out; what is to be printed."""
    found, notes = settings(runs)
    found.sort(key=lambda one: predictions.p_star(one.theory))
    rows = [_row(one) for one in found]
    verdicts = [(one.name, _json(claims.verdicts(one.evidence), one)) for one in found]
    if len(found) > 1:
        each = [(name, {k: v for k, v in some.items() if k != "T6"}) for name, some in verdicts]
        verdicts = [*each, ("all together", _json({"T6": scaling(found)}, found[0]))]
    out = options.out
    out.mkdir(parents=True, exist_ok=True)
    common = _common(found)
    style.save(theory_figures.curves(found, common), out / "curves")
    style.save(theory_figures.scaling(found, rows, common), out / "scaling")
    artifacts.write_table(out / "scaling.csv", rows, COLUMNS)
    artifacts.write_text(out / "claims.md", pages.page(verdicts, claims.TITLE, claims.ABOUT))
    said = "\n".join(f"{name}\n  {pages.short(some)}".replace("\nclaims", "\n  claims") for name, some in verdicts)
    more = [f"note: {note}" for note in (*left_out, *notes)]
    files = [f"figures: {out}/curves.png, scaling.png", f"table and claims: {out}/scaling.csv, claims.md"]
    return "\n".join([_text(rows), "", said, "", *more, *files])


def settings(runs: Sequence[Run]) -> tuple[list[Setting], list[str]]:
    """Runs by what they differ in; and a note on each whose replicates are there already."""
    groups: dict[str, Setting] = {}
    notes = []
    names = _differing(runs)
    for run in runs:
        theory = Theory.model_validate(run.params["theory"])
        known = groups.setdefault(
            repr({**theory.model_dump(), "seeds": []}), Setting(_name(theory, names) or run.name, [], theory, [])
        )
        there = {row["seed"] for row in known.rows}
        new = [row for row in run.rows if row["seed"] not in there]
        if len(new) < len(run.rows):
            notes.append(f"{run.name} repeats seeds of {known.runs[0].name}: counted once")
        if new:
            known.runs.append(run)
            known.rows += new
            known.theory = theory.model_copy(update={"seeds": sorted({int(row["seed"]) for row in known.rows})})
    return list(groups.values()), notes


def scaling(found: Sequence[Setting]) -> Claim:
    """T6: the slope of the measured threshold on the predicted one, and how far errors are from the closed form."""
    of_paper = [
        one for one in found if (one.theory.mask, one.theory.descent, one.theory.label_noise) == ("random", "flow", 0)
    ]
    wide = [one for one in of_paper if predictions.p_star(one.theory) * one.theory.filters >= WIDE]
    turning = [one for one in wide if not np.isnan(_crossings(one, one.theory.seeds)).any()]
    shared = sorted(set.intersection(*({*one.theory.seeds} for one in turning))) if turning else []
    stars = np.log([predictions.p_star(one.theory) for one in turning])
    if not shared or len({*np.round(stars, 6)}) < FEWEST:
        why = (
            f"needs {FEWEST} settings that share seeds, with different p_star between {WIDE:g}/m and 1; "
            f"found {len({*np.round(stars, 6)})}"
        )
        return undecided(claims.SCALING, why, claims.GRID)
    logs_NS = np.log([_crossings(one, shared) for one in turning])
    slopes_S = np.array([np.polyfit(stars, some, 1)[0] for some in logs_NS.T])
    gaps_S = np.mean([gap for one in turning if (gap := _gaps(one, shared)) is not None], axis=0)
    filters = sorted({one.theory.filters for one in turning})
    slope = of_replicates(
        f"{TOLERANCE:g} - |slope - 1|, slope of log (p where share passes 1/2) on log p_star, {len(turning)} settings "
        f"(slope {slopes_S.mean():.3f}, r {np.corrcoef(stars, logs_NS.mean(axis=1))[0, 1]:.3f})",
        TOLERANCE - np.abs(slopes_S - 1),
        "slope",
    )
    what = f"{claims.NEAR_PREDICTION:g} - {claims.GAP}, m = {', '.join(map(str, filters))}"
    far = of_replicates(what, claims.NEAR_PREDICTION - gaps_S, "share")
    claim = judged(claims.SCALING, [slope, far])
    return claim if claim.needs is None else replace(claim, needs={**claims.GRID, "theory.seeds": MORE_REPLICATES})


def _crossings(one: Setting, seeds: Sequence[int]) -> tables.Array:
    """Where each replicate's share passes 1/2 [S]; nan where it does not."""
    curve = one.evidence.curve
    at = [curve.seeds.index(seed) for seed in seeds]
    found = [summary.crossing(curve.kept, -curve["share"][:, s], -0.5) for s in at]
    return np.array(found, dtype=float)


def _gaps(one: Setting, seeds: Sequence[int]) -> tables.Array | None:
    """How far each replicate's test error is from its dead classes where few filters are left [S]; None: nowhere."""
    curve, theory = one.evidence.curve, one.theory
    few = curve.kept * theory.filters <= claims.FEW_FILTERS
    if not few.any():
        return None
    at = [curve.seeds.index(seed) for seed in seeds]
    return claims.gap(one.evidence, few)[at]


def _row(one: Setting) -> dict[str, Any]:
    theory, curve = one.theory, one.evidence.curve
    found = summary.metrics(theory, curve)
    star = predictions.p_star(theory)
    return {
        "setting": one.name,
        "runs": " + ".join(run.name for run in one.runs),
        "replicates": len(curve.seeds),
        "p_star": star,
        "refined": predictions.p_star_refined(theory),
        "share_crossing": found["share_crossing"],
        "error_crossing": found["error_crossing"],
        "p_star_filters": star * theory.filters,
        "best": found["best"]["kept"],
        "best_error": found["best"]["test_error"],
        "dense_error": found["dense"]["test_error"],
        "sparsest_error": found["sparsest"]["test_error"],
    }


def _json(verdicts: Mapping[str, Claim], one: Setting) -> dict[str, Any]:
    return deciding.as_json(verdicts, {**one.runs[0].settings, "theory.seeds": one.theory.seeds})


def _differing(runs: Sequence[Run]) -> list[str]:
    names = [name for name in runs[0].settings if name.startswith("theory.") and name != "theory.seeds"]
    return [name for name in names if len({repr(run.settings.get(name)) for run in runs}) > 1]


def _name(theory: Theory, names: Sequence[str]) -> str:
    values = ((name.partition(".")[2], getattr(theory, name.partition(".")[2])) for name in names)
    return ", ".join(f"{name} {value if not isinstance(value, list) else f'of {len(value)}'}" for name, value in values)


def _common(found: Sequence[Setting]) -> str:
    return summary.subtitle(found[0].theory) if len(found) == 1 else f"{len(found)} settings"


def _text(rows: Sequence[Mapping[str, Any]]) -> str:
    titles = {"p_star": "p_star", "refined": "refined", "share_crossing": "share = 1/2", "error_crossing": "error"}
    titles |= {"p_star_filters": "p_star m", "best": "best p", "best_error": "its error", "dense_error": "dense"}
    width = max(len(row["setting"]) for row in rows)
    lines = [
        "Where the curve turns, p; test error",
        "",
        f"{'':{width}s}  n" + "".join(f"{t:>13s}" for t in titles.values()),
    ]
    for row in rows:
        cells = "".join(f"{'-' if row[c] is None else format(row[c], '.3g'):>13s}" for c in titles)
        lines.append(f"{row['setting']:{width}s} {row['replicates']:2d}{cells}")
    return "\n".join(lines)
