"""Runs that differ in seeds alone are judged as one, and nothing is measured where it was chosen."""

from dataclasses import replace

import numpy as np
import pytest
from test_compare import run

from prunelab.comparison import differences, grid, judging
from prunelab.judging import deciding
from prunelab.judging.claim import MORE_REPLICATES


def test_what_was_chosen_is_not_measured_where_it_was_chosen():
    """Nothing but luck: four rounds alike, 1000 images. The best of them is no better than the dense one."""
    rng = np.random.default_rng(0)
    found = []
    for _ in range(40):
        right = rng.random((4, 3, 1000)) < 0.7
        one = replace(evidence_of(run("a")), right={"last": right, "best": right, "reinit": right})
        measured = differences.measures(one)
        found.append({name: values.mean() for name, values in measured.items()})
        naive = right.mean(axis=(1, 2))
        assert naive[1:].max() >= measured["sweet_spot"].mean() - 0.02
    assert np.mean([row["sweet_spot"] - row["dense"] for row in found]) == pytest.approx(0, abs=0.005)
    assert np.mean([row["dip"] for row in found]) == pytest.approx(0, abs=0.005)


def evidence_of(one):
    return grid.layout([one]).studies[None, None, None].evidence


def test_replicates_of_two_runs_are_judged_as_one_runs():
    a, b = run("a", seeds=(0, 1)), run("b", seeds=(1, 7, 8), lift=0.02, rounds=3)
    laid_out = grid.layout([a, b])
    (study,) = laid_out.studies.values()
    assert study.evidence.seeds == [0, 1, 7, 8]
    assert study.evidence.rounds == ["r00", "r01", "r02"]
    expected = [[0.7, 0.71, 0.79, 0.80], [0.6, 0.61, 0.69, 0.70], [0.8, 0.81, 0.89, 0.90]]
    assert study.evidence.sparse["test_last"] == pytest.approx(np.array(expected))
    assert study.evidence.right["last"].mean(axis=2) == pytest.approx(np.array(expected), abs=1e-3)
    ((title, judged),) = judging.judged([a, b], laid_out)
    assert title == "a + b"
    assert list(judged) == list("123456789")
    settings = {**a.settings, "seeds": [0, 1, 7, 8]}
    assert "'seeds=[9,10,11,12,13]'" in deciding.command({"seeds": MORE_REPLICATES}, settings)
    more = judging.judged([a, run("c", noise=0.2)], grid.layout([a, run("c", noise=0.2)]))
    assert [title for title, _ in more] == ["20% noise", "40% noise", "all together"]
    assert "4" in more[-1][1]
    assert "4" not in more[0][1]
