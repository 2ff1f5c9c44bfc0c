"""Regimes and named models on curves drawn by hand; tables and the report."""

import json

import numpy as np
import pytest

from prunelab import byround, regimes
from prunelab.studies.sdd import closing, tables

TRAIN = np.array([1.00, 1.00, 0.995, 0.97, 0.90, 0.70, 0.60, 0.30])
TEST = np.array([0.73, 0.72, 0.70, 0.68, 0.71, 0.80, 0.88, 0.40])
BEST = np.array([0.90, 0.90, 0.90, 0.90, 0.90, 0.91, 0.92, 0.45])
SPARSITY = np.array([0.0, 0.2, 0.4, 0.6, 0.7, 0.8, 0.9, 0.99])
NONE = np.full(8, np.nan)  # no validation split


def test_regimes_by_hand():
    names = regimes.regimes(TRAIN, TEST, 0.1)
    assert names == ["trivial"] * 3 + ["critical"] * 2 + ["high"] * 3
    assert regimes.pruning_efficacy(TRAIN, SPARSITY) == 0.4


def test_named_models_by_hand():
    assert regimes.named_models(TEST, BEST, NONE) == {
        "dense": 0,
        "valley": 3,
        "sweet_spot": 6,
        "underfitting": 7,
        "end": 7,
    }


@pytest.mark.parametrize("digits", [7, 17])
def test_tables_with_seven_digits_name_the_rounds_that_were_measured(digits):
    """Five replicates' right answers of 797: rounds 1 and 2 have as many in all, rounds 0 and 4 too."""
    right_RS = np.array(
        [[571] * 5, [506, 496, 518, 518, 520], [480, 499, 532, 519, 528], [660] * 5, [570, 572] * 2 + [571]]
    )
    accuracy_RS = np.vectorize(lambda value: float(f"{value:.{digits}g}"))(right_RS / 797)
    for order in ([0, 1, 2, 3, 4], [4, 2, 0, 3, 1]):
        curve_R = accuracy_RS[:, order].mean(axis=1)
        assert regimes.named_models(curve_R, curve_R, NONE[:5]) == {"dense": 0, "valley": 1, "sweet_spot": 3, "end": 4}
        assert regimes.regimes(np.array([1, 0.99, 0.9, 0.8, 0.7]), curve_R, 0.1)[3:] == ["high", "high"]


def test_the_model_to_use_is_chosen_on_validation_alone():
    validation = np.array([0.70, 0.90, 0.6, 0.6, 0.6, 0.6, 0.89, 0.3])
    assert regimes.named_models(TEST, BEST, validation)["best_validation"] == 1
    assert "best_validation" not in regimes.named_models(TEST, BEST, NONE)


def test_without_a_dip_the_valley_is_no_invention():
    flat = np.array([0.97, 0.97, 0.96, 0.60, 0.20])
    assert regimes.named_models(flat, flat, NONE[:5]) == {
        "dense": 0,
        "valley": 0,
        "sweet_spot": 0,
        "underfitting": 2,
        "end": 4,
    }
    train = np.array([1.0, 1.0, 0.98, 0.60, 0.20])
    assert regimes.regimes(train, flat, 0.1) == ["trivial", "trivial", "critical", "critical", "high"]


def test_a_run_that_never_hurts_training_is_all_trivial():
    assert regimes.regimes(TRAIN[:3], TEST[:3], 0.1) == ["trivial"] * 3
    assert regimes.pruning_efficacy(TRAIN[:3], SPARSITY[:3]) == 0.4
    assert "underfitting" not in regimes.named_models(TEST[:3], BEST[:3], NONE[:3])


def record(number, seed, test, permuted=0.5):
    subsets = {f"{s}_accuracy": 0.5 for s in ("train", "unpermuted", "restored")}
    last = subsets | {"test_accuracy": test, "permuted_accuracy": permuted}
    return {
        "round": f"r{number:02d}",
        "seed": seed,
        "sparsity": 1 - 0.8**number,
        "remaining": 0.8**number,
        "last": last | ({"restored_accuracy": None} if permuted is None else {}),
        "best": {"epoch": 3, "test_accuracy": test + 0.1, "fitted_test_accuracy": test + 0.05},
        "distance": {"from_start": 1.0, "from_dense_init": 2.0},
    }


RECORDS = [record(n, s, 0.1 * n + 0.01 * s) for n in range(3) for s in (0, 1)]


def test_mean_and_spread_over_replicates():
    curve = tables.double_descent(RECORDS)
    assert byround.mean(curve, "test_last") == pytest.approx([0.005, 0.105, 0.205])
    mean, std = byround.mean_std([0.1, 0.11])
    assert mean == pytest.approx(0.105)
    assert std == pytest.approx(0.01 / np.sqrt(2))
    assert byround.mean_std([0.3]) == (0.3, None)  # the spread of one value is not 0: it was not measured
    assert byround.mean_std([0.3, None]) == (None, None)


def test_validation_is_reported_where_it_was_measured():
    held_out = [r | {"last": r["last"] | {"validation_accuracy": 0.7}} for r in RECORDS]
    named = tables.named_models(held_out, {"dense": 0, "end": 2, "best_validation": 1})
    summary = tables.summary(named, 0.0)
    assert summary["best_validation"]["round"] == "r01"
    assert summary["best_validation"]["validation"] == 0.7
    text = closing.table(named, "x", [])
    assert "best valid." in text
    assert text.count("70.0 ± 0.0") == 3
    without = closing.table(tables.named_models(RECORDS, {"dense": 0}), "x", [])
    assert "validation" not in without


def test_tables_are_tidy():
    assert len(tables.double_descent(RECORDS)) == 6
    assert len(tables.memorization(RECORDS)) == 4 * 6
    redense = [record(0, 0, 0.9), record(0, 1, 0.9)]
    assert [r["training"] for r in tables.distance(RECORDS, redense)] == ["sparse"] * 6 + ["redense"] * 2
    pairs = tables.beside(RECORDS, redense, "redense")
    assert set(pairs[0]) == set(tables.BESIDE)
    assert [(r["training"], r["round"], r["seed"]) for r in pairs] == [
        (t, "r00", s) for t in ("sparse", "redense") for s in (0, 1)
    ]


def test_summary_and_report_without_noise_have_no_nan():
    clean = [record(n, 0, 0.9 - 0.1 * n, permuted=None) for n in range(3)]
    named = tables.named_models(clean, {"dense": 0, "valley": 0, "sweet_spot": 0, "underfitting": 1, "end": 2})
    summary = tables.summary(named, 0.2)
    assert list(summary) == ["dense", "valley", "sweet_spot", "end", "pruning_efficacy"]
    assert summary["dense"]["permuted"] is None
    json.dumps(summary, allow_nan=False)
    text = closing.table(named, "x", ["a.png"])
    assert "nan" not in text
    assert "±" not in text
    assert "one replicate" in text
    assert summary["dense"]["test_last_std"] is None
    widths = {len(line) for line in text.splitlines()[2:6]}
    assert len(widths) == 1  # the columns line up


@pytest.mark.parametrize(
    ("loss", "climb"), [([3, 2, 1], 0.0), ([1, 2, 3], 1.0), ([2, 3, 1], 0.5), ([2, 1, 1.5], 0.5), ([1, 1, 1], 0.0)]
)
def test_a_paths_climb_is_a_share_of_its_range(loss, climb):
    """One that ends higher than it began is measured too: it would contradict claim 6, not drop out of it."""
    assert tables.climb([{"train_loss": value} for value in loss]) == climb
