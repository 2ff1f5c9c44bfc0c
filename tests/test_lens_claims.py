"""Verdicts on single examples: for each claim a run that supports it, one that contradicts it, one too short."""

import re

import numpy as np
import pytest
import yaml
from conftest import ROOT
from lens_worlds import CLEAN, GROUPS, NOISY, SEEDS, TRAIN, answers, filtered, spread, world
from test_config import DEFAULT

from prunelab import yaml12
from prunelab.core import artifacts
from prunelab.judging import deciding
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.studies.lens import claims, measured, summary
from prunelab.studies.lens.texts import TEXTS

R = len(NOISY)
FLAT = np.zeros(R)
ABOVE = [0.05, 0.06, 0.07, 0.08, 0.10, 0.20, 0.3, 0.6, 1.2]
CASES = {
    # claim: (supports, contradicts, shows nothing)
    "L2": ({"noise": 0}, {"noise": 0, "level": 0.5 * (np.arange(R) > 0)}, {"noise": 0, "retrain": "rewind"}),
    "L3": ({}, {"again": 8.0}, {"again": np.nan}),
    "L4": (
        {"noise": 0, "loss": ABOVE, "test": [0.82, *CLEAN[1:]]},
        {"noise": 0, "loss": [0.05, *([0.01] * 8)]},
        {"noise": 0, "test": [0.95, *CLEAN[1:]]},
    ),
    "L5": ({}, {"test": [0.9, *NOISY[1:]], "validation": NOISY}, {"noise": 0}),
    "L6": ({}, {"permuted": [0.1] * R, "unpermuted": [0.1] * R}, {"validation": [0.99, *NOISY[1:]]}),
    "L7": ({}, {"permuted": [0.1, 0.2, *([1.0] * 7)]}, {"train": [1.0, *([0.9] * 8)]}),
    "L8": ({}, {"permuted": [0.1, 0.1, 0.2, 0.5, 1, 1.5, 2, 3, 5]}, {"test": NOISY[:7]}),
    "L9": ({}, {"hard_difference": FLAT, "easy_difference": FLAT}, {"noise": 0}),
    "L10": ({}, {"auc_S": np.full(SEEDS, 0.45) - 0.01 * np.arange(SEEDS)}, {"noise": 0}),
    "L11": (
        {"noise": 0, "parts": {"improved-r02": 0.6, "improved-r04": 0.6}},
        {"noise": 0, "parts": {"improved-r02": 0.8, "improved-r04": 0.8}},
        {"noise": 0, "parts": {}},
    ),
    "L12": (
        {"parts": filtered(0.70, 0.68, 0.72, 0.92, 0.65)},
        {"parts": filtered(0.70, 0.60, 0.55, 0.50, 0.50)},
        {"parts": filtered(0.70, 0.92)},
    ),
    "L19": ({}, {"worsened_wrong": np.full(R, 0.4)}, {"validation": [0.99, *NOISY[1:]]}),
    "L20": (
        {"noise": 0, "loss": ABOVE, "parts": {"worsened-r04": 0.6, "beside_worsened-r04": 0.7}},
        {"noise": 0, "loss": ABOVE, "parts": {"worsened-r04": 0.8, "beside_worsened-r04": 0.7}},
        {"noise": 0, "loss": ABOVE},
    ),
    "L21": (
        {},
        {"level": np.where(np.arange(R) == 1, 0.5, 0.5 * (np.arange(R) > 1))},
        {"test": NOISY[:4]},
    ),
    "L22": (
        {"fraction": 0, "level": -0.5 * (np.arange(R) > 0), "slope": FLAT},
        {"fraction": 0, "level": 0.5 * (np.arange(R) > 0), "slope": FLAT},
        {},
    ),
}


@pytest.mark.parametrize("number", CASES)
@pytest.mark.parametrize(("which", "verdict"), [*enumerate([SUPPORTED, CONTRADICTED, UNDECIDED])])
def test_each_claim_has_a_run_that_supports_it_one_that_contradicts_it_and_one_too_short(number, which, verdict):
    claim = claims.verdicts(world(**CASES[number][which]))[number]
    assert claim.verdict == verdict, (claim.why, [(e.what, e.value, e.both, e.most) for e in claim.effects])
    assert (claim.needs is not None) == (verdict == UNDECIDED)


def test_every_claim_is_there_and_says_what_would_decide_it():
    settings = dict(yaml12.flat(DEFAULT).items())
    for run in (world(), world(noise=0), world(fraction=0), world(validated=False)):
        found = deciding.as_json(claims.verdicts(run), settings)
        assert list(found) == list(TEXTS) == [f"L{number}" for number in range(1, 23)]
        for claim in found.values():
            told = claim["decide_with"] or ""
            assert bool(told) == (claim["verdict"] == UNDECIDED)
            assert told.startswith(("uv run dvc exp run", "uv run prunelab queue")) or not told


def test_one_replicate_decides_nothing():
    run = world().of_seeds([0])
    assert {claim.verdict for claim in claims.verdicts(run).values()} == {UNDECIDED}


def test_where_validation_picks_the_dense_network_nothing_there_is_contradicted():
    run = world(noise=0, validation=[0.99, *CLEAN[1:]])
    for number in ("L2", "L3"):
        claim = claims.verdicts(run)[number]
        assert claim.verdict == UNDECIDED
        assert "picks the dense network" in claim.why


def test_the_optimum_of_a_replicate_is_chosen_by_the_others():
    """One replicate whose own validation is wild is not to choose its own round."""
    run = world()
    validation = run.curve["validation"].copy()
    validation[0, 2] = 10.0  # of replicate 2, the dense round
    there = measured.best(world(curve={**run.curve, "validation": validation})).where_2S
    assert there[:, 2].tolist() == [6, 6]
    assert (there[:, [0, 1, 3, 4]] == 0).all()


def test_a_round_that_a_measure_chooses_is_chosen_by_the_others():
    values = np.tile([0.0, 1.0, 2.0, 1.0], (SEEDS, 1)).T.copy()
    values[3, 0] = 4.0  # replicate 0 in round 3: of four others, too little to move any
    there = measured.by_others(values, lambda curve: int(np.argmax(curve))).where_2S
    assert there.tolist() == [[2] * SEEDS] * 2


def test_without_a_split_the_optimum_is_chosen_and_measured_on_different_images():
    run = world(validated=False)
    both = measured.best(run).where_2S
    assert both.shape == (2, SEEDS)
    found = measured.best(run).right(run.right_RST)
    assert found.mean() == pytest.approx(0.84, abs=0.02)


@pytest.mark.parametrize(
    ("differences", "must"),
    [([1.0, 1.0, 1.0], "differs"), ([1.0, -1.0, 0.5], "matches"), ([1.0], "one replicate"), ([0.0, 0.0], "differs")],
)
def test_the_papers_own_rule(differences, must):
    assert summary.paper_says(np.array(differences)) == must


def test_the_papers_rule_calls_so_many_null_differences_real():
    """|t| >= sqrt(3) with two degrees of freedom: 22.5%."""
    rng = np.random.default_rng(0)
    found = [summary.paper_says(row) for row in rng.standard_normal((4000, 3))]
    assert found.count("differs") / 4000 == pytest.approx(0.225, abs=0.02)


def test_replicates_are_taken_out_in_order():
    run = world()
    part = run.of_seeds([3, 1])
    assert part.seeds == [3, 1]
    assert (part.right_RST == run.right_RST[:, [3, 1]]).all()
    assert part.difference_RGS.shape == (R, GROUPS, 2)
    assert (part.curve["train"] == run.curve["train"][:, [3, 1]]).all()


def test_presets_of_the_paper_are_its_own():
    preset = yaml.safe_load((ROOT / "conf/setting/lens_mnist_lenet.yaml").read_text())
    assert preset["train"] == {"epochs": 60, "optimizer": "adam", "lr": 0.0012, "validation": 2000}
    assert preset["redense"] == {"epochs": 60, "lr": 0.0012}
    assert TRAIN[0] == 1
    assert answers([0.7]).mean() == pytest.approx(0.7, abs=0.01)
    assert spread([1.0]).shape == (1, SEEDS)


def test_the_page_shows_the_tables_beside_it():
    folder = ROOT / "docs" / "lens"
    curve, changed = (artifacts.table_of((folder / f"{name}.csv").read_text()) for name in ("curve", "affected"))
    lines = re.findall(r"^\| ([\d.]+)% \| (.*) \|$", (ROOT / "docs/lens.md").read_text(), re.M)
    assert len(lines) == 6
    shown = ("test_last", "permuted_loss", "unpermuted_loss", "worsened_wrong")
    for sparsity, cells in lines:
        digits = len(sparsity.partition(".")[2])
        for name, cell in zip(shown, cells.split(" | "), strict=True):
            rows = changed if name == "worsened_wrong" else curve
            some = [row[name] for row in rows if f"{100 * row['sparsity']:.{digits}f}" == sparsity]
            assert len(some) == 3
            value = np.mean(some) * (100 if name == "test_last" else 1)
            assert cell == "-" or f"{value:.{len(cell.partition('.')[2])}f}" == cell, (sparsity, name)
