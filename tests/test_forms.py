"""What analysis and figures take for a whole table: an honest study passes (damaged ones: test_damage.py)."""

from unittest import mock

import pytest
from damage import TINY, drawn

from prunelab import style
from prunelab.core import artifacts, digests
from prunelab.errors import UserError
from prunelab.studies.sdd import forms, places, tables
from stages.sdd import draw
from tests.golden import pipeline

# Others: test_kinds_of_study.py.
HONEST = {
    "no planes, and deviations along lines": {"landscape.plane": False, "landscape.directions": 2, "seeds": [0]},
    "neither spectrum nor layers": {"landscape.density": 0, "seeds": [0]},
    "a sparse phase of one epoch": {"prune.retrain": "lr_rewind", "train.rewind_iteration": 2},
}


@pytest.mark.parametrize("changes", HONEST.values(), ids=HONEST)
def test_an_honest_study_is_whole(changes):
    with pipeline.study(TINY | changes) as params, mock.patch.object(style, "save", drawn):
        pipeline.run_stages(params)
        pipeline.stage(draw)
        assert places.REPORT.read_text()


@pytest.fixture
def _place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


def stored(name, rows):
    path = places.ANALYSIS / f"{name}.csv"
    artifacts.write_table(path, rows, tables.COLUMNS[name])
    digests.seal(places.ANALYSIS)
    return path


SHAPE = forms.Shape([0, 1], ["r00", "r01"], ["r00"], [], [], [], [])


def memorization(**changes):
    """Of two rounds and replicates: the second has nothing that is permuted."""
    return [
        {"round": key, "sparsity": 0.5, "remaining": 0.5, "seed": seed, "subset": subset, "accuracy": 0.25} | changes
        for key in SHAPE.rounds
        for seed in SHAPE.seeds
        for subset in ("unpermuted", "test", *(["permuted"] if seed == 0 else []))
    ]


@pytest.mark.usefixtures("_place")
def test_a_replicate_may_lack_a_subset_but_no_round_of_it():
    rows = memorization()
    path = stored("memorization", rows)
    assert forms.table(path, tables.COLUMNS["memorization"], SHAPE) == rows
    for lacking in rows:
        stored("memorization", [row for row in rows if row is not lacking])
        where = f"{lacking['round']}, {lacking['seed']}, {lacking['subset']}"
        with pytest.raises(UserError, match=rf"analysis/memorization\.csv: damaged \(has no row of {where}\)"):
            forms.table(path, tables.COLUMNS["memorization"], SHAPE)


@pytest.mark.usefixtures("_place")
@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"round": "r1"}, r"row 1: round is 'r1', not such as r07"),
        ({"seed": 0.5}, r"row 1: seed is 0\.5, not a whole number"),
        ({"subset": "all"}, r"row 1: subset is 'all', not one of permuted, unpermuted, restored, test"),
        ({"accuracy": None}, r"row 1: accuracy is None, not a number"),
        ({"accuracy": float("inf")}, r"row 1: accuracy is inf, not a number"),
        ({"sparsity": "x"}, r"row 1: sparsity is 'x', not a number"),
        ({"seed": 2}, r"two rows of r00, 2, unpermuted"),
    ],
)
def test_what_is_wrong_with_a_table_is_named(changes, reason):
    path = stored("memorization", memorization(**changes))
    with pytest.raises(UserError, match=rf"analysis/memorization\.csv: damaged \({reason}\)"):
        forms.table(path, tables.COLUMNS["memorization"], SHAPE)
