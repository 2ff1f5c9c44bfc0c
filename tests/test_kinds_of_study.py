"""Studies at the edges of what parameters allow go through all stages, to figures and verdicts."""

import matplotlib.pyplot as plt
import pytest

from prunelab.core import artifacts
from prunelab.studies.sdd import places
from stages.sdd import draw
from tests.golden import pipeline

SHORT = pipeline.QUICK | {"train.epochs": 2, "redense.epochs": 2, "landscape.plane": False, "model.width": 0.1}
SHORT |= {"subset.train": 80, "subset.test": 60}


def ends(changes):
    """The curve and the texts of what the study says at its end."""
    with pipeline.study(SHORT | changes) as params:
        pipeline.run_stages(params)
        pipeline.stage(draw)
        plt.close("all")
        assert (places.PLOTS / places.FIGURES / "double_descent.png").read_bytes().startswith(b"\x89PNG")
        curve = artifacts.read_table(places.PLOTS / "double_descent.csv")
        return curve, places.REPORT.read_text(), artifacts.read_json(places.PLOTS / places.CLAIMS)


def test_a_chain_that_removes_every_weight_is_drawn_to_its_end():
    """Of 0.9 a round nothing is left in the last ones: they guess, and no verdict rests on that."""
    emptied = {"prune.fraction": 0.9, "redense.every": 3, "reinit.every": 3, "landscape.every": 1}
    curve, report, claims = ends(emptied | {"n_rounds": 6, "train.validation": 0})
    assert [row["remaining"] for row in curve][-2:] == [0, 0]
    assert [row["sparsity"] for row in curve][-2:] == [1, 1]
    assert all(row["test_last"] == pytest.approx(0.1, abs=0.02) for row in curve if row["remaining"] == 0)
    assert "100.00%" in report
    assert claims["9"]["verdict"] == "not decidable"


@pytest.mark.parametrize(
    "changes",
    [
        {"seeds": [7], "train.validation": 0, "prune.retrain": "finetune", "finetune.epochs": 1, "n_rounds": 2},
        {"noise": 0.0, "prune.schedule": "one_shot", "landscape.directions": 1, "n_rounds": 2},
        {"n_rounds": 1, "redense.every": 9, "reinit.every": 0, "landscape.every": 0, "subset.test": 10},
        {"prune.fraction": 0.0, "n_rounds": 2, "noise": 0.95},
    ],
)
def test_all_stages_read_what_the_others_wrote(changes):
    curve, report, claims = ends(changes)
    assert len(curve) == (changes["n_rounds"] + 1) * len(changes.get("seeds", [0, 1]))
    assert "sweet spot" in report
    assert ("no noise added" in report) == (changes.get("noise") == 0)
    assert len(claims) == 9
