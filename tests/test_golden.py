"""Numbers and tables of tiny studies are what they were: `uv run python -m tests.golden` makes them anew."""

import base64
import copy

import pytest

from tests.golden import compare, pipeline, studies
from tests.golden.__main__ import MAKERS, stored

NUMBERS = stored("numbers.json")


def moved(old, new, name):
    return list(compare.differences(old, new, compare.TOLERANCE[name]))


@pytest.mark.parametrize("name", studies.STUDIES)
def test_the_numbers_of_tiny_studies_are_what_they_were(name):
    of_study = {what: value for what, value in NUMBERS.items() if what.startswith(f"{name}: ")}
    assert len(of_study) > 50
    new = {f"{name}: {what}": value for what, value in studies.run(studies.STUDIES[name]).items()}
    assert moved(of_study, new, "numbers.json") == []


def test_the_tables_summary_and_claims_of_a_short_study_are_what_they_were():
    assert moved(stored("tables.json"), pipeline.tables(), "tables.json") == []


def test_all_switches_are_on_in_some_study():
    on = [studies.BASE | study.changes for study in studies.STUDIES.values()]
    assert {f"{s['train.optimizer']}" for s in on} == {"sgd", "nesterov", "adam"}
    assert {s["prune.criterion"] for s in on} == {"magnitude", "gradient", "random", "snip", "synflow"}
    assert {s["prune.retrain"] for s in on} == {"rewind", "lr_rewind", "finetune", "scratch"}
    assert {s["noise_type"] for s in on} == {"symmetric", "uniform_other", "pairflip", "asymmetric"}
    assert {s["train.augment"] for s in on} == {"none", "flip", "shift", "flip_shift"}
    for name in ("prune.scope", "prune.schedule", "sparse", "model.name", "model.batchnorm_init", "landscape.plane"):
        assert len({s[name] for s in on}) == 2, name
    for name in ("momentum", "weight_decay", "milestones", "warmup_epochs", "validation", "rewind_iteration"):
        assert {bool(s[f"train.{name}"]) for s in on} == {True, False}, name


def one_bit(text):
    first, *others = base64.b64decode(text)
    return base64.b64encode(bytes([first ^ 1, *others])).decode()


def test_whatever_is_changed_is_seen():
    """Leaf by leaf of the tables: a number by half a percent, a text, one bit of the answers, a row that is gone."""
    old = stored("tables.json")
    places = [
        (("double_descent.csv", "train", 0), lambda v: v + 0.005),
        (("claims.json", "1", "verdict"), lambda v: "supported?"),
        (("summary.json", "end", "test_last"), lambda v: None),
        (("distance.csv", "rows"), lambda v: v + 1),
        (("curvature.csv", "trace"), lambda v: v[:-1]),
        (
            ("test_examples.npz", "last", "bytes"),
            lambda v: base64.b64encode(b"\x01" + base64.b64decode(v)[1:]).decode(),
        ),
    ]
    assert set(MAKERS) == set(compare.TOLERANCE)
    assert moved(old, old, "tables.json") == []
    for path, change in places:
        new = copy.deepcopy(old)
        *parents, last = path
        place = new
        for key in parents:
            place = place[key]
        place[last] = change(place[last])
        assert len(moved(old, new, "tables.json")) == 1, path
