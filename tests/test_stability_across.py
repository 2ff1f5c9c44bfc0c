"""Runs of the study stability side by side: which count as one, and S14, which needs two scores."""

import io

import numpy as np
import pytest
from stability_worlds import run as world
from stability_worlds import settings

from prunelab.comparison import stability
from prunelab.comparison.runs import Run as Experiment
from prunelab.errors import UserError
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.studies.stability import places


class Files:
    """The files of a commit."""

    def __init__(self, found):
        self._found = found

    def read_bytes(self, path):
        if path not in self._found:
            raise FileNotFoundError(path)
        return self._found[path]


def experiment(name, evidence, seeds=None, *, examples=True, **changes):
    """What `prunelab compare` reads of a run."""
    rows = [dict(row) for row in evidence.run.arms]
    for row in rows:
        row["seed"] = (seeds or evidence.run.seeds)[row["seed"]]
    packed = io.BytesIO()
    np.savez(packed, **{arm: values.astype(np.float16) for arm, values in evidence.run.right.items()})
    files = {str(places.PLOTS / places.TEST_EXAMPLES): packed.getvalue()} if examples else {}
    params = settings(**changes).model_dump()
    return Experiment(name, "abc", params, rows, Files(files), study="stability")


def apart(by):
    """The stable arm is stabler by so much, the unstable one less stable; and so much steeper is the trade-off."""

    def worth(about, stable):
        return (0.01 + 10 * by) * (1 - stable) if about.scheme == "prune" else 0

    found = world(worth, replicates=8)
    for row in found.run.arms:
        if row["scheme"] == "prune":
            row["stability"] += by if row["target"] == "smallest" else -by
    return found


def s14(norm, size):
    runs = [experiment("norm", norm), experiment("size", size, **{"stability.score": "l2"})]
    found, notes = stability.settings(runs)
    assert notes == []
    assert [one.name for one in found] == ["score batchnorm", "score l2"]
    return stability.scores(found).verdict


def test_scores_that_separate_the_arms_more():
    assert s14(apart(0.03), apart(0.0)) == SUPPORTED
    assert s14(apart(0.0), apart(0.03)) == CONTRADICTED


def test_one_score_alone_decides_nothing():
    found, _ = stability.settings([experiment("norm", apart(0.03))])
    assert stability.scores(found).verdict == UNDECIDED
    other = experiment("size", apart(0.0), **{"stability.score": "l2", "stability.controls": []})
    found, _ = stability.settings([experiment("norm", apart(0.03)), other])
    assert stability.scores(found).verdict == SUPPORTED  # arms beside those that count may be others
    other = experiment("size", apart(0.0), **{"stability.score": "l2", "train.lr": 0.01})
    found, _ = stability.settings([experiment("norm", apart(0.03)), other])
    assert stability.scores(found).verdict == UNDECIDED  # which differ in something else, too
    other = experiment("size", apart(0.0), list(range(20, 28)), **{"stability.score": "l2"})
    found, _ = stability.settings([experiment("norm", apart(0.03)), other])
    assert stability.scores(found).why == "the two runs share no seed"


def test_other_seeds_are_more_replicates_and_the_same_are_counted_once():
    one, two = world(seed=1), world(seed=2)
    runs = [experiment("a", one), experiment("b", two, [6, 7, 8, 9, 10, 11]), experiment("c", one)]
    (found,), notes = stability.settings(runs)
    assert notes == ["c repeats seeds of a: counted once"]
    assert list(found.evidence.run.seeds) == list(range(12))
    assert found.evidence.run.right["none"].shape == (12, 600)
    both = [*one.run.values("none", "test"), *two.run.values("none", "test")]
    np.testing.assert_allclose(found.evidence.run.values("none", "test"), both)
    np.testing.assert_allclose(found.evidence.run.right["largest-006"][7], two.run.right["largest-006"][1], atol=1e-3)
    assert [run.name for run in found.runs] == ["a", "b"]


def test_flatness_measured_otherwise_is_another_setting():
    one, two, others = world(seed=1, tests=50), world(seed=2, tests=50), [6, 7, 8, 9, 10, 11]
    found, _ = stability.settings([experiment("a", one), experiment("b", two, others, **{"flatness.data": "train"})])
    assert [one.name for one in found] == ["data test", "data train"]
    found, _ = stability.settings([experiment("a", one), experiment("b", two, others, **{"flatness.arms": ["none"]})])
    assert len(found) == 1


def test_a_run_without_its_examples_is_named():
    with pytest.raises(UserError, match=r"a: has no plots/stability/test_examples.npz; run it again"):
        stability.settings([experiment("a", world(replicates=2, tests=50), examples=False)])


def test_a_table_with_intervals():
    (found,), _ = stability.settings([experiment("a", world(lambda about, stable: 0.01, replicates=4, tests=50))])
    rows = {row["arm"]: row for row in stability._rows(found)}
    assert rows["none"]["low"] is None
    row = rows["largest-006"]
    change = 100 * (found.evidence.run.values("largest-006", "test") - found.evidence.run.values("none", "test"))
    assert row["difference"] == pytest.approx(change.mean())
    assert row["low"] < row["difference"] < row["high"]
