"""Claims that compare runs, on curves whose answer is known, and on real DVC revisions."""

import numpy as np
import pytest
from test_claims import curve

from prunelab import across
from prunelab.analysis.claims import CONTRADICTED, SUPPORTED, UNDECIDED

ROUNDS, SEEDS = 9, (0, 1, 2)


def made(interpolates, sweet, best=0.9):
    """Train accuracy 1 up to one round, test accuracy highest at another."""
    train = np.array([[1.0 if r <= interpolates else 0.8] * 3 for r in range(ROUNDS)])
    test = curve([0.8 - 0.05 * abs(r - sweet) for r in range(ROUNDS)], 0.001)
    return across.Curves(SEEDS, 1 - 0.5 ** np.arange(ROUNDS), train, test, np.full((ROUNDS, 3), best))


def test_more_noise_interpolates_earlier_and_is_robust_later():
    runs = {0.0: made(8, 0), 0.2: made(5, 5), 0.4: made(4, 6), 0.6: made(3, 7)}
    claim = across.noise_levels(runs)
    assert claim.verdict == SUPPORTED
    assert [effect.value for effect in claim.effects] == [2.0, 2.0]
    assert across.noise_levels({0.2: made(3, 7), 0.6: made(5, 5)}).verdict == CONTRADICTED
    assert across.noise_levels({0.0: made(8, 0), 0.6: made(5, 5)}).verdict == UNDECIDED


def test_criteria_in_the_papers_order_and_not():
    runs = {"magnitude": made(5, 6, 0.85), "gradient": made(3, 6, 0.9), "random": made(1, 6, 0.8)}
    assert across.criteria(runs).verdict == SUPPORTED
    assert across.criteria(runs | {"random": made(4, 6, 0.8)}).verdict == CONTRADICTED
    assert across.criteria(runs | {"gradient": made(3, 6, 0.7)}).verdict == CONTRADICTED
    missing = across.criteria({"magnitude": runs["magnitude"]})
    assert missing.verdict == UNDECIDED
    assert "prune.criterion=magnitude,gradient,random" in missing.decide_with


def test_only_runs_that_differ_in_one_parameter_are_compared():
    def params(noise, lr=0.1, setting="digits"):
        return {"noise": noise, "train": {"lr": lr}, "setting": setting, "rounds": {"r01": "r00"}}

    found = made(3, 5)
    runs = {
        "a": (params(0.2), found),
        "b": (params(0.4), found),
        "c": (params(0.6, lr=0.5), found),
        "d": (params(0.4), made(1, 1)),
        "e": (params(0.8, setting="mine"), found),
    }
    assert list(across.alike(runs, "noise")) == [0.2, 0.4, 0.8]
    assert across.alike(runs, "noise")[0.4] is found
    assert across.alike({}, "noise") == {}


def test_a_table_is_read_by_round_and_seed():
    rows = [
        {
            "round": f"r{r:02d}",
            "seed": str(s),
            "sparsity": str(r / 10),
            "train": "1",
            "test_last": f"{r}.{s}",
            "test_best": "1",
        }
        for s in (1, 0)
        for r in (1, 0)
    ]
    found = across.curves(rows)
    assert found.seeds == (0, 1)
    assert found.test_last.tolist() == [[0.0, 0.1], [1.0, 1.1]]
    assert found.sparsity_R.tolist() == [0.0, 0.1]


def test_an_unknown_name_is_one_line(capsys):
    with pytest.raises(SystemExit) as stopped:
        across.main(["no-such-run"])
    assert str(stopped.value).startswith("error: no-such-run: no such run")
    assert "\n" not in str(stopped.value)


def test_one_run_alone_says_what_is_missing(capsys):
    across.main(["HEAD"])
    page = capsys.readouterr().out
    assert page.count("not decidable") >= 4
    assert "Compared: HEAD" in page
