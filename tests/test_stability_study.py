"""The study stability under DVC, tiny: which arms run again, its figures, damaged files, comparisons, real networks."""

import json
import shutil
import sys

import numpy as np
import pytest
from conftest import clone, ran, run

from prunelab import config
from prunelab.core import artifacts, digests
from prunelab.errors import UserError
from prunelab.studies.stability import gather, places, tables
from prunelab.studies.stability.figures import FIGURES

TINY = (
    *("setting=digits_stability", "seeds=[0,1]", "subset.train=100", "subset.test=60", "train.epochs=5"),
    *("train.milestones=[]", "model.width=0.1", "stability.start=1", "stability.end=3", "stability.periods=[1,80]"),
    *("stability.targets=[smallest]", "stability.temporary=[restore-2]", "stability.controls=[scratch]"),
    *("flatness.arms=[none]", "flatness.probes=2", "flatness.density=3", "flatness.examples=30"),
)
ARMS = ("none", "scratch", "smallest-001", "smallest-080", "restore-2-001")
DRAWN = {"stability_draw@stability"}
MEASURED = {"flatness@none", "reliance@restore-2-001"}


def tiny(where, name, *changes):
    options = [part for change in (*TINY, *changes) for part in ("-S", change)]
    return run("dvc", "exp", "run", "-n", name, *options, cwd=where).stdout


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    where = clone(tmp_path_factory.mktemp("stability"))
    printed = tiny(where, "one")
    assert {*ran(printed)} == {"fetch", "corrupt", *(f"disturb@{arm}" for arm in ARMS), *MEASURED, *DRAWN}
    left = where.parent / "left"
    for name in ("data/stability", "data/common", "params.yaml", "dvc.yaml"):
        if (where / name).is_dir():
            shutil.copytree(where / name, left / name)
        else:
            left.mkdir(exist_ok=True)
            shutil.copy(where / name, left / name)
    shutil.copytree(where / "plots/stability", left / "plots")
    return where, printed, left


def test_it_ends_with_its_table_and_every_figure(done):
    _, printed, left = done
    for word in ("stability", "test - none", "smallest-080", "claims not decidable"):
        assert word in printed
    drawn = {path.stem for path in (left / "plots/figures").glob("*.png")}
    # One target has no correlation at a rate, nor one against another.
    assert {*FIGURES} - {"correlation", "tradeoff", "flatness"} <= drawn <= {*FIGURES}
    kept = {path.name for path in (left / "plots").iterdir()}
    of_tables = {f"{name}.csv" for name in ("arms", "events", "dynamics", *tables.MEASURED)}
    rest = {places.TEST_EXAMPLES, places.CLAIMS, places.CLAIMS_PAGE, places.FIGURES, "sha256sums.txt"}
    assert kept == of_tables | rest


def test_the_table_of_arms_is_what_histories_and_events_say(done):
    left = done[2]
    for row in artifacts.table_of((left / "plots/arms.csv").read_text()):
        folder = left / f"data/stability/arms/{row['arm']}/replicates/seed{row['seed']}"
        history, events = (artifacts.table_of((folder / f"{n}.csv").read_text()) for n in ("history", "events"))
        assert row["test"] == pytest.approx(history[4]["test_accuracy"], abs=1e-6)
        assert row["gap"] == pytest.approx(row["train"] - row["test"], abs=1e-6)
        assert row["test_best"] == max(one["test_accuracy"] for one in history[3:])
        costs = [1 - one["after"] / one["before"] for one in events]
        assert row["stability"] == pytest.approx(1 - np.mean(costs) if costs else 1, abs=1e-6)
        assert row["events"] == {"smallest-001": 3, "restore-2-001": 3, "smallest-080": 1}.get(row["arm"], 0)
        assert (row["removed"] > 0) == (row["arm"] in ("scratch", "smallest-001", "smallest-080"))


def test_an_added_target_runs_its_own_arms_alone(done):
    where, _, _ = done
    before = (where / "params.yaml").read_bytes()
    compose = "from dvc.utils.hydra import compose_and_dump as c; import sys; "
    compose += "c('params.yaml', sys.argv[1] + '/conf', None, 'config', sys.argv[1], sys.argv[2:])"
    changes = (*TINY, "stability.targets=[smallest,largest]")
    run(sys.executable, "-c", compose, where, *changes, cwd=where)
    would = ran(run("dvc", "repro", "--dry", cwd=where).stdout)
    (where / "params.yaml").write_bytes(before)
    assert {*would} == {"disturb@largest-001", "disturb@largest-080", *DRAWN}


def test_another_score_ranks_anew_and_nothing_that_is_not_ranked_is_trained_again(done):
    where, _, _ = done
    again = ran(tiny(where, "three", "stability.score=l2"))
    assert {*again} == {
        "disturb@smallest-001",
        "disturb@smallest-080",
        "disturb@restore-2-001",
        "reliance@restore-2-001",
        *DRAWN,
    }
    rows = artifacts.table_of((where / places.ARM_TABLE).read_text())
    assert list(dict.fromkeys(row["arm"] for row in rows)) == list(ARMS)


def test_arms_that_lie_there_from_other_runs_are_not_this_ones(left):
    shutil.copytree("data/stability/arms/smallest-001", "data/stability/arms/largest-001")
    assert tables.read(left, 60).names == list(ARMS)


def test_two_runs_are_overlaid_and_compared(done, tmp_path):
    where, _, _ = done
    plots = json.loads(run("dvc", "plots", "diff", "one", "three", "--json", cwd=where).stdout.splitlines()[-1])["data"]
    shown = {name: some for name, some in plots.items() if name.startswith("stability")}
    assert len(shown) == 2
    for some in shown.values():
        assert {revision for one in some for revision in one["revisions"]} == {"one", "three"}
    printed = run("prunelab", "compare", "one", "three", "--out", tmp_path / "out", cwd=where).stdout
    for word in ("score batchnorm; 2 replicates", "score l2; 2 replicates", "S14", "smallest-080"):
        assert word in printed
    assert (tmp_path / "out/tradeoff.png").is_file()
    rows = artifacts.table_of((tmp_path / "out/arms.csv").read_text())
    assert len(rows) == 2 * len(ARMS)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "stability.end=79",
            "error: stability.end=79: must be at most 78, so that an epoch of",
        ),
        ("stability.targets=[big]", "error: stability.targets='big': must be a list, empty or of smallest, random, la"),
        (
            "stability.temporary=[zeroing]",
            "error: stability.temporary=['zeroing']: must be a list, empty or of zeroing",
        ),
        ("stability.fraction=1", "error: stability.fraction=1: must be a number in [0, 1), or a list of them"),
        ("stability.start=[-1,3]", "error: stability.start=[-1, 3]: must be a whole number from 0 to"),
        ("stability.fraction=[0.5]", "error: stability.fraction=[0.5]: must have 2 values, stability.layers"),
        ("flatness.arms=[largest-007]", "error: flatness.arms='largest-007': must be [all] or of none, scratch, drop"),
        (
            "stability.score=l3",
            "error: stability.score='l3': must be one of activation, batchnorm, batchnorm_signed, l",
        ),
    ],
)
def test_wrong_values_end_in_one_line(done, change, line):
    where, _, _ = done
    before = (where / "params.yaml").read_text()
    found = run("dvc", "exp", "run", "-S", "setting=digits_stability", "-S", change, cwd=where, check=False)
    assert found.returncode
    assert found.stdout.splitlines()[-1].startswith(line)
    assert (where / "params.yaml").read_text() == before


def test_what_the_model_cannot_do_ends_in_one_line_before_any_arm(done):
    where, _, _ = done
    changes = (*TINY, "stability.temporary=[zeroing-2]", "train.optimizer=sgd")
    found = run("dvc", "exp", "run", *(part for one in changes for part in ("-S", one)), cwd=where, check=False)
    assert found.returncode
    line = "error: stability.temporary=zeroing-2: must not be zeroing with train.optimizer=sgd where batch norm follows"
    assert line in found.stdout
    assert [name for name in ran(found.stdout) if name.startswith("disturb")] == ["disturb@none"]


@pytest.fixture
def left(done, tmp_path, monkeypatch):
    """What a run left, in a folder of its own, and its parameters."""
    shutil.copytree(done[2], tmp_path / "left")
    monkeypatch.chdir(tmp_path / "left")
    return config.read("stability_draw")


ARM = "data/stability/arms/smallest-001/replicates/seed1"
FLAT = "data/stability/measured/flatness/none/replicates/seed1"
RELIANCE = "data/stability/measured/reliance/restore-2-001/replicates/seed1"
WRONG_TABLES = [
    (f"{ARM}/history.csv", "test_accuracy", "nan"),
    (f"{ARM}/history.csv", "epoch", 7),
    (f"{ARM}/history.csv", "train_loss", "much"),
    (f"{ARM}/events.csv", "before", None),
    (f"{ARM}/events.csv", "after_first", "inf"),
    (f"{FLAT}/along.csv", "loss", "high"),
    (f"{FLAT}/spectrum.csv", "weight", None),
    (f"{FLAT}/layers.csv", "trace", "nan"),
]
WRONG_RECORDS = [
    (f"{ARM}/record.json", "arm", "smallest-080"),
    (f"{ARM}/record.json", "seed", 0),
    (f"{ARM}/record.json", "removed", "all"),
    (f"{ARM}/record.json", "rate", True),
    (f"{FLAT}/record.json", "trace", None),
    (f"{FLAT}/record.json", "eigenvalues", [1, "x"]),
    (f"{FLAT}/record.json", "effective", {"0.5": 1}),
    (f"{FLAT}/record.json", "arm", "scratch"),
    (f"{RELIANCE}/record.json", "reliance", None),
    (f"{RELIANCE}/record.json", "arm", "restore-2-006"),
]


def refused(path, params):
    digests.seal(path.parents[1])
    with pytest.raises(UserError) as found:
        tables.read(params, 60)
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


@pytest.mark.parametrize(("file", "column", "value"), WRONG_TABLES)
def test_damaged_tables_are_named(left, file, column, value):
    path = artifacts.Path(file)
    rows = artifacts.read_table(path)
    rows[1][column] = value
    artifacts.write_table(path, rows)
    refused(path, left)


@pytest.mark.parametrize(("file", "name", "value"), WRONG_RECORDS)
def test_damaged_records_are_named(left, file, name, value):
    path = artifacts.Path(file)
    artifacts.write_json(path, artifacts.read_json(path) | {name: value})
    refused(path, left)


@pytest.mark.parametrize("change", [lambda a: a[:-1], lambda a: a.astype(float), lambda a: a + 5, None])
def test_damaged_examples_are_named(left, change):
    path = artifacts.Path(f"{ARM}/examples.npz")
    found = artifacts.read_arrays(path)
    artifacts.write_arrays(path, {"test_right": change(found["test_right"])} if change else {"x": found["test_right"]})
    refused(path, left)


def test_a_missing_file_is_named(left):
    artifacts.Path(f"{ARM}/record.json").unlink()
    with pytest.raises(UserError, match=r"smallest-001/replicates/seed1/record.json: not found; `dvc repro` makes it"):
        tables.read(left, 60)


def test_what_is_read_is_what_was_measured(left):
    found = tables.read(left, 60)
    assert found.names == list(ARMS)
    assert found.right["none"].shape == (2, 60)
    np.testing.assert_allclose(found.right["none"].mean(axis=1), found.values("none", "test"), atol=1e-6)
    assert found.flat_arms == ["none"]
    assert {row["arm"] for row in found.tables["events"]} == {"smallest-001", "smallest-080", "restore-2-001"}
    assert len(found.tables["dynamics"]) == len(ARMS) * 2 * 5
    assert gather.stability(found.tables["events"]) < 1
