"""Wrong parameters end in one line; benchmarks/parameters.py tries them all. And what only real DVC shows."""

import re

import pytest
import wrong_parameters
import wrong_values
from conftest import TINY, clone, committed, run
from wrong_parameters import COMPOSED, EDITED, QUEUED, WAYS

from prunelab import config, schema, yaml12

SHORT = {COMPOSED: 60, EDITED: 120, QUEUED: 15}


@pytest.fixture(scope="module")
def _place():
    with wrong_parameters.place():
        yield


def test_there_are_wrong_values_for_every_parameter():
    fields = schema.Config.model_fields.items()
    sections = {name: set(getattr(field.annotation, "model_fields", None) or {}) for name, field in fields}
    names = {name for name, inside in sections.items() if not inside}
    names |= {f"{section}.{name}" for section, inside in sections.items() for name in inside}
    assert names <= {*wrong_values.WRONG}
    assert len({case.what for case in wrong_parameters.cases()}) > 1000


@pytest.mark.usefixtures("_place")
@pytest.mark.parametrize("way", WAYS)
def test_each_ends_in_one_line_that_names_it(way):
    outcomes = [wrong_parameters.tried(case) for case in wrong_parameters.sample(way, SHORT[way], 0)]
    assert [one for one in outcomes if one.kind not in wrong_parameters.RIGHT] == []
    assert sum(one.kind == "one line" for one in outcomes) > 0.9 * len(outcomes)


@pytest.mark.usefixtures("_place")
def test_the_campaign_sees_what_is_accepted_and_what_ends_in_a_traceback(monkeypatch):
    case = wrong_parameters.Case(EDITED, "noise", ("noise",), text=wrong_parameters.edited({"noise": 2}))
    assert wrong_parameters.tried(case).kind == "one line"
    with monkeypatch.context() as patched:
        patched.setattr(config, "validate", lambda values: 1 / 0)
        assert wrong_parameters.tried(case).kind == "traceback"
    right = wrong_parameters.Case(EDITED, "noise", ("noise",), text=wrong_parameters.edited({"noise": 0.3}))
    assert wrong_parameters.tried(right).kind == "accepted"


@pytest.fixture(scope="module")
def cloned(tmp_path_factory):
    """A clone with a folder of a user's own in it, and one beside it."""
    where = clone(tmp_path_factory.mktemp("clone") / "of it")
    for folder in (where / "mine", where.parent / "mine"):
        folder.mkdir()
        (folder / "thesis.txt").write_text("years of work")
    return where


def snapshot(where):
    """What a user could miss: everything but DVC's own folder and locks."""
    return {
        str(path.relative_to(where.parent)): path.read_bytes()
        for path in where.parent.rglob("*")
        if path.is_file() and not {".dvc", ".git", "__pycache__"} & {*path.parts}
    }


@pytest.mark.parametrize(
    ("given", "line"),
    [
        ("train.epochs=1000000000000", "train.epochs=1000000000000: must be a whole number from 1 to 100000"),
        ("noise=0.0004", "noise=0.0004: selects none of the 1000 training images; must be 0, or at least 0.0005"),
        ("data_root=/dev/zero", "data_root='/dev/zero': is a device, must be a folder"),
    ],
)
def test_exp_run_ends_in_the_line_before_anything_runs(cloned, given, line):
    before = snapshot(cloned)
    options = [part for change in [*TINY, given] for part in ("-S", change)]
    done = run("dvc", "exp", "run", *options, cwd=cloned, check=False)
    assert done.returncode != 0
    assert [text for text in done.stdout.splitlines() if text.strip()] == [
        next(text for text in done.stdout.splitlines() if text.startswith(f"error: {line}"))
    ]
    assert snapshot(cloned) == before


def rounds_of(where, rounds):
    """params.yaml as committed but for `rounds`."""
    text = committed("params.yaml")
    (where / "params.yaml").write_text(re.sub(r"(?m)^rounds:\n(?:  .*\n)+", f"rounds: {rounds}\n", text))
    assert "rounds" in yaml12.load(where / "params.yaml")


@pytest.mark.parametrize(
    ("rounds", "targets"),
    [
        ("{'r03; touch PWNED #': r02}", []),
        ("{'r03; touch PWNED #': r02}", ["-s", "prune"]),
        ("{'../../mine': r00}", ["-s", "prune"]),
        ("{'../../../mine': r00, '../../docs': r00}", ["-s", "prune"]),
    ],
)
def test_rounds_by_hand_run_no_command_and_remove_nothing(cloned, rounds, targets):
    """Of a foreach stage run alone, too: no other stage could refuse them first, and DVC removes outputs beforehand."""
    rounds_of(cloned, rounds)
    before = snapshot(cloned)
    done = run("dvc", "repro", *targets, cwd=cloned, check=False)
    assert done.returncode != 0
    assert snapshot(cloned) == before
    if not targets:
        assert "error: params.yaml: `rounds` does not match n_rounds and prune.schedule, from which" in done.stdout
