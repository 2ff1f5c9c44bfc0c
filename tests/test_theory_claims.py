"""Closed forms against numbers worked out elsewhere, and verdicts on curves whose truth is known."""

import math
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest import ROOT

from prunelab.comparison import theory as across
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.studies.theory import claims, predictions, summary, tables, warnings
from prunelab.studies.theory.claims import Evidence
from prunelab.studies.theory.network.measures import COLUMNS
from prunelab.studies.theory.parameters import Theory

DEFAULT = yaml.safe_load((ROOT / "conf/study/theory.yaml").read_text())["theory"]


def theory(**changes):
    return Theory.model_validate(DEFAULT | changes)


# Sections 6 and 11 of the study's specification: p_star, and the refined one as read off a scan.
MEASURED = {
    "default": ({}, 0.464, 0.42),
    "n = 50": ({"examples": 50}, 0.292, 0.25),
    "n = 25": ({"examples": 25}, 0.184, 0.14),
    "n = 200": ({"examples": 200}, 0.737, 0.71),
    "mu = 1.4": ({"signal": 1.4}, 0.227, 0.18),
    "mu = 2.8": ({"signal": 2.8}, 0.910, 0.90),
    "K = 5": ({"classes": 5}, 0.737, 0.71),
    "q = 4": ({"power": 4}, 0.316, 0.25),
    "m = 50": ({"filters": 50}, 0.464, 0.41),
    "m = 25": ({"filters": 25}, 0.464, 0.39),
    "sigma = 0.4": ({"noise": 0.4}, 0.116, 0.08),
    "d = 2000": ({"dimension": 2000, "filters": 50}, 0.232, 0.18),
}


@pytest.mark.parametrize(("changes", "star", "refined"), MEASURED.values(), ids=MEASURED)
def test_thresholds_are_those_of_the_specification(changes, star, refined):
    asked = theory(**changes)
    assert predictions.p_star(asked) == pytest.approx(star, abs=6e-4)
    assert predictions.p_star_refined(asked) == pytest.approx(refined, abs=0.011)


def test_p_star_scales_as_its_formula_says():
    one = predictions.p_star(theory())
    assert one == pytest.approx(0.464159, abs=1e-6)
    assert predictions.p_star(theory(examples=200)) == pytest.approx(one * 2 ** (2 / 3))
    assert predictions.p_star(theory(signal=4.0)) == pytest.approx(4 * one)
    assert predictions.p_star(theory(filters=7, init=0.5)) == one
    assert predictions.p_star(theory(noise=0.0)) == math.inf


def test_the_expected_largest_of_normals():
    """1/sqrt(pi) of two, 3/(2 sqrt(pi)) of three; of many, a simulation."""
    assert predictions.largest_normal(1.0) == 0
    assert predictions.largest_normal(2.0) == pytest.approx(1 / math.sqrt(math.pi))
    assert predictions.largest_normal(3.0) == pytest.approx(1.5 / math.sqrt(math.pi))
    drawn = np.random.default_rng(0).normal(size=(20_000, 100)).max(axis=1)
    assert predictions.largest_normal(100.0) == pytest.approx(drawn.mean(), abs=4 * drawn.std() / math.sqrt(20_000))


def test_the_over_pruned_error_is_chance_times_dead_classes():
    asked = theory(classes=4, filters=2)
    assert predictions.dead_share(0.5, 2) == 0.75**2
    assert predictions.over_pruned_error(0.5, asked) == pytest.approx(0.75 * 0.75**2)
    assert predictions.fewest_filters(10) == pytest.approx(2 * math.log(100))
    assert predictions.can_memorise(0.003, theory())
    assert not predictions.can_memorise(0.0029, theory())


def curve_of(asked, rng, spread=0.004, **columns):
    """A curve as the theorem has it, with replicates that differ a little, or with other columns."""
    p = np.array(asked.kept)
    star, error = predictions.p_star(asked), np.array([predictions.over_pruned_error(one, asked) for one in p])
    won = 1 / (1 + (p / star) ** 8)  # 0 dense, 1 below p_star
    alive = 1 - error / (1 - 1 / asked.classes)
    made = {name: np.zeros(len(p)) for name in COLUMNS}
    made |= {
        "test_error": np.maximum(error, 0.9 * (1 - won)),
        "share": won * alive,
        "signal": 2 * won * alive,
        "noise": 2 - 1.9 * won * alive,
        "test_loss": 2.3 * (1 - won) + 30 * error**3,
        "reached": np.ones(len(p)),
        "test_dead": np.where(p < 0.1, 0.1, np.nan),
        "dead": error / (1 - 1 / asked.classes),
    } | columns
    noisy = ("test_error", "share", "signal", "noise", "test_loss", "test_dead")
    found = {
        name: value[:, None]
        + (rng.normal(0, spread, (len(p), len(asked.seeds))) if name in noisy else np.zeros((1, 5)))
        for name, value in made.items()
    }
    found["test"] = 1 - found["test_error"]
    return tables.Curve(p, tuple(asked.seeds), found)


def judged(asked=None, **columns):
    asked = asked or theory()
    found = claims.verdicts(Evidence(asked, curve_of(asked, np.random.default_rng(0), **columns)))
    return {number: claim.verdict for number, claim in found.items()}


SUPPORTED = dict.fromkeys(("T1", "T2", "T3", "T4", "T5"), "supported") | {"T6": "not decidable"}


def test_a_curve_as_the_theorem_has_it_supports_it():
    assert judged() == SUPPORTED


def test_a_curve_that_only_rises_contradicts_it():
    p = np.array(DEFAULT["kept"])
    rising = judged(
        test_error=0.2 + 0.6 * (1 - p),
        share=np.linspace(0.9, 0.3, len(p)),
        signal=np.linspace(2, 1, len(p)),
        noise=np.linspace(0, 2, len(p)),
    )
    assert rising["T1"] == "contradicted"
    assert rising["T3"] == "supported"
    assert rising["T4"] == "not decidable"  # the best is dense: there is no range


def test_a_flat_curve_contradicts_both_turns():
    flat = judged(spread=0.001, test_error=np.full(17, 0.3))
    assert flat["T1"] == flat["T3"] == "contradicted"


def test_one_run_that_does_not_fit_contradicts_the_second():
    reached = np.ones(17)
    reached[5] = 0
    assert judged(reached=reached)["T2"] == "contradicted"


def test_too_few_weights_leave_the_second_open():
    asked = theory(dimension=100, noise=0.2 * math.sqrt(10))
    reached = np.array([predictions.can_memorise(p, asked) for p in asked.kept], dtype=float)
    assert 0 < reached.sum() < 17
    assert judged(asked, reached=reached)["T2"] == "not decidable"
    assert judged(asked, reached=np.zeros(17))["T2"] == "contradicted"


def test_dead_classes_that_are_recognised_contradict_the_third():
    assert judged(test_dead=np.full(17, 0.5))["T3"] == "contradicted"
    assert judged(test_dead=np.full(17, np.nan))["T3"] == "not decidable"


def test_noise_that_grows_contradicts_the_fourth():
    assert judged(noise=np.linspace(0, 2, 17))["T4"] == "contradicted"


def test_errors_far_from_those_of_dead_classes_contradict_the_fifth():
    p = np.array(DEFAULT["kept"])
    assert judged(test_error=np.where(p > 0.1, 1 - p, 0.4))["T5"] == "contradicted"


def test_one_replicate_decides_nothing_but_says_what_would():
    asked = theory(seeds=[3])
    curve = curve_of(theory(), np.random.default_rng(0))
    one = tables.Curve(curve.kept, (3,), {name: values[:, :1] for name, values in curve.columns.items()})
    found = claims.verdicts(Evidence(asked, one))
    assert {claim.verdict for claim in found.values()} == {"not decidable"}
    assert found["T1"].needs == {"theory.seeds": "more replicates"}


def test_the_best_is_chosen_by_the_others():
    """A replicate's own luck at one p does not choose that p."""
    asked = theory()
    curve = curve_of(asked, np.random.default_rng(0))
    lucky = curve.columns["test_error"].copy()
    lucky[0, 2] = -5.0
    run = Evidence(asked, replace(curve, columns={**curve.columns, "test_error": lucky}))
    assert run.best[2] != 0
    assert (run.best[[0, 1, 3, 4]] == 0).all()


def test_the_page_shows_the_table_beside_it():
    found = tables.curve(artifacts.table_of((ROOT / "docs/theory/curve.csv").read_text()))
    shown = ("test_error", "signal", "noise", "share", "dead")
    lines = re.findall(r"^\| ([\d.]+) \| (.*) \|$", (ROOT / "docs/theory.md").read_text(), re.M)
    assert len(lines) == 7
    for p, cells in lines:
        at = int(np.flatnonzero(found.kept == float(p))[0])
        for name, cell in zip(shown, cells.split(" | "), strict=True):
            digits = len(cell.partition(".")[2])
            assert f"{found.mean(name)[at]:.{digits}f}" == cell, (p, name)


def test_where_a_curve_turns():
    kept = np.array([1.0, 0.1, 0.01])
    assert summary.crossing(kept, np.array([0.8, 0.4, 0.9]), 0.6) == pytest.approx(10**-0.5, rel=1e-5)
    assert summary.crossing(kept, np.array([0.5, 0.4, 0.9]), 0.6) is None
    assert summary.crossing(kept, np.array([0.9, 0.8, 0.7]), 0.6) is None


def run_of(name, asked, scale=1.0, seed=0):
    """A run whose curve turns at `scale` times p_star."""
    rng = np.random.default_rng(seed)
    moved = asked.model_copy(update={"signal": asked.signal * math.sqrt(scale)})
    curve = curve_of(moved, rng)
    rows = [
        {column: curve.columns[column][i, s] if column in curve.columns else None for column in COLUMNS}
        | {"kept": p, "seed": seed}
        for i, p in enumerate(asked.kept)
        for s, seed in enumerate(asked.seeds)
    ]
    rows = [{k: None if isinstance(v, float) and math.isnan(v) else v for k, v in row.items()} for row in rows]
    return Run(name, "", {"setting": "theory", "theory": asked.model_dump()}, rows, study="theory")


GRID = [{"examples": n, "signal": mu} for n in (50, 100, 200) for mu in (1.4, 2.0, 2.8)]


def scaled(power):
    """Nine runs whose turn is at p_star to a power."""
    runs = []
    for i, changes in enumerate(GRID):
        asked = theory(**changes)
        runs.append(run_of(f"run{i}", asked, 0.8 * predictions.p_star(asked) ** (power - 1), i))
    return across.scaling(across.settings(runs)[0])


def test_turns_that_scale_as_predicted_support_the_sixth_and_others_contradict_it():
    assert scaled(1.0).verdict == "supported"
    assert scaled(0.4).verdict == "contradicted"
    few = [run_of("one", theory()), run_of("other", theory(signal=1.4))]
    found = across.scaling(across.settings(few)[0])
    assert found.verdict == "not decidable"
    assert found.needs == claims.GRID


def test_runs_that_differ_in_seeds_are_one_setting():
    first, more = run_of("first", theory()), run_of("more", theory(seeds=[4, 5, 6, 7, 8]))
    found, notes = across.settings([first, more])
    assert len(found) == 1
    assert found[0].theory.seeds == [0, 1, 2, 3, 4, 5, 6, 7, 8]
    assert notes == ["more repeats seeds of first: counted once"]
    assert len(found[0].rows) == 9 * 17


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"kept": [1, 0.001]}, "warning: theory.kept has 1 values below 0.003, where there may be too few weights"),
        ({"init": 0.5}, "warning: theory.init=0.5: outputs start at about 3.2e+03, not small"),
        ({"power": 2}, "warning: theory.power=2: there is no race"),
    ],
)
def test_what_the_study_warns_of(changes, line):
    assert any(said.startswith(line) for said in warnings.text(theory(**changes)).splitlines())
    assert warnings.text(theory()) == ""
