"""The study lens under DVC, tiny: what runs again and what does not, its figures, damaged files, comparisons."""

import json
import shutil

import numpy as np
import pytest
from conftest import clone, ran, run

from prunelab import config
from prunelab.core import artifacts, digests, images
from prunelab.errors import UserError
from prunelab.studies.lens import places, tables
from prunelab.studies.lens.figures import FIGURES
from prunelab.studies.lens.gather import gather

TINY = (
    *("setting=lens_digits", "studies=[lens]", "n_rounds=2", "seeds=[0,1]", "train.epochs=3", "prune.fraction=0.5"),
    *("leave_out.every=2", "leave_out.draws=2", "early.networks=2", "prune.retrain=lr_rewind"),
    "leave_out.which=[again,misclassified,improved,random,worsened]",
)
DRAWN = {f"leave_out@{name}" for name in ("again-0", "again-1", "random-0", "random-1", "misclassified-r00")}
CHOSEN = {f"leave_out@{which}-r02" for which in ("misclassified", "improved", "worsened", "beside_worsened")}
ROUNDS = {"prune@r01", "prune@r02"}


def tiny(where, name, *changes):
    options = [part for change in (*TINY, *changes) for part in ("-S", change)]
    return run("dvc", "exp", "run", "-n", name, *options, cwd=where).stdout


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    where = clone(tmp_path_factory.mktemp("lens"))
    printed = tiny(where, "one")
    assert {*ran(printed)} == {
        *("fetch", "corrupt", "dense@r00", "early@ensemble", "lens_draw@lens"),
        *(*ROUNDS, *DRAWN, *CHOSEN),
    }
    left = where.parent / "left"
    for name in ("data/lens", "data/common", "data/early", "data/rounds", "params.yaml", "dvc.yaml"):
        if (where / name).is_dir():
            shutil.copytree(where / name, left / name)
        else:
            left.mkdir(exist_ok=True)
            shutil.copy(where / name, left / name)
    shutil.copytree(where / "plots/lens", left / "plots")
    return where, printed, left


def test_it_ends_with_its_table_and_every_figure(done):
    _, printed, left = done
    for word in ("dense", "optimum, by validation accuracy", "EL2N tells wrong labels", "claims not decidable"):
        assert word in printed
    drawn = {path.stem for path in (left / "plots/figures").glob("*.png")}
    assert drawn == {*FIGURES}
    kept = {path.name for path in (left / "plots").iterdir()}
    assert kept == {
        *(f"{name}.csv" for name in tables.COLUMNS),
        *(places.TEST_EXAMPLES, places.CLAIMS, places.CLAIMS_PAGE, places.FIGURES, "sha256sums.txt"),
    }
    assert "leave_out worsened" not in printed


def test_what_is_drawn_and_the_scores_belong_to_no_criterion(done):
    """Changing how is pruned runs the rounds, and the parts that their losses choose; nothing else is trained."""
    where, _, _ = done
    again = ran(tiny(where, "two", "prune.criterion=random"))
    assert {*again} == {*ROUNDS, *CHOSEN, "lens_draw@lens"}


def test_scores_are_made_again_without_any_round(done):
    where, _, _ = done
    assert {*ran(tiny(where, "four", "early.networks=3"))} == {"early@ensemble", "lens_draw@lens"}
    assert {*ran(tiny(where, "five", "subgroups=5"))} == {"lens_draw@lens"}


def test_what_is_shown_is_this_study_alone(done):
    where, _, _ = done
    found = json.loads(run("dvc", "exp", "show", "--json", cwd=where).stdout.splitlines()[-1])
    (head,) = (one for one in found if one["rev"] != "workspace")
    for row in (one["revs"][0] for one in head["experiments"] or []):
        metrics = row["data"]["metrics"]
        assert list(metrics) == ["metrics/lens.json"]
        assert {"dense", "optimum", "el2n_auc"} <= {*metrics["metrics/lens.json"]["data"]}


def test_two_runs_are_overlaid_and_compared(done, tmp_path):
    where, _, _ = done
    plots = json.loads(run("dvc", "plots", "diff", "one", "two", "--json", cwd=where).stdout.splitlines()[-1])["data"]
    shown = {name: some for name, some in plots.items() if name.startswith("lens")}
    assert len(shown) == 2
    for some in shown.values():
        assert {revision for one in some for revision in one["revisions"]} == {"one", "two"}
    printed = run("prunelab", "compare", "one", "two", "--out", tmp_path / "out", cwd=where).stdout
    for word in ("Jaccard", "two dense", "forgetting", "chance", "optimum", "matched", "L18"):
        assert word in printed
    rows = artifacts.table_of((tmp_path / "out/similarity.csv").read_text())
    assert {(row["a"], row["b"]) for row in rows} == {("one", "two")}
    assert len(rows) == 2 * 2 * 3  # pairs of rounds, replicates, ways of being affected
    assert all(0 <= row["jaccard"] <= 1 and 0 <= row["between_dense"] <= 1 for row in rows)
    assert all(row["chance"] == pytest.approx(0.1 / 1.9) for row in rows)


@pytest.mark.parametrize(
    ("change", "line"),
    [
        ("early.networks=0", "error: early.networks=0: must be a whole number from 1 to 1000"),
        ("leave_out.which=[nope]", "error: leave_out.which='nope': must be a list, empty or of again, misc"),
        ("leave_out.which=[again,again]", "error: leave_out.which=['again', 'again']: must be a list, empty or of"),
        ("leave_out.worst=0.5", "error: leave_out.worst=0.5: must be less than leave_out.keep=0.4"),
        ("subgroups=1", "error: subgroups=1: must be a whole number from 2 to 1000"),
    ],
)
def test_wrong_values_end_in_one_line(done, change, line):
    where, _, _ = done
    before = (where / "params.yaml").read_text()
    found = run("dvc", "exp", "run", "-S", "setting=lens_digits", "-S", change, cwd=where, check=False)
    assert found.returncode
    assert found.stdout.splitlines()[-1].startswith(line)
    assert (where / "params.yaml").read_text() == before


@pytest.fixture
def left(done, tmp_path, monkeypatch):
    """What a run left, in a folder of its own, and its parameters."""
    shutil.copytree(done[2], tmp_path / "left")
    monkeypatch.chdir(tmp_path / "left")
    return config.read("lens_draw")


SCORES = "data/early/seed1"
PART = "data/lens/trained/leave_out/random-1/replicates/seed1"
ROUND = "data/rounds/r01/replicates/seed1"
WRONG_ARRAYS = [
    (f"{SCORES}/scores.npz", "el2n", lambda a: a[:, :-1]),
    (f"{SCORES}/scores.npz", "el2n", lambda a: a * np.nan),
    (f"{SCORES}/scores.npz", "el2n", lambda a: a.astype(int)),
    (f"{SCORES}/scores.npz", "el2n", None),
    (f"{PART}/examples.npz", "loss", lambda a: a[:-1]),
    (f"{PART}/examples.npz", "loss", lambda a: a + np.float16(np.inf)),
    (f"{PART}/examples.npz", "predicted", lambda a: a.astype(float)),
    (f"{PART}/examples.npz", "test_right", lambda a: a[:-1]),
    (f"{ROUND}/examples.npz", "loss", lambda a: a[:, None]),
    (f"{ROUND}/examples.npz", "test_right", lambda a: a.astype(np.uint8)),
    ("data/common/corrupted/seed1/labels.npz", "validation", lambda a: ~a),
]
WRONG_RECORDS = [
    (f"{SCORES}/record.json", "seed", 0),
    (f"{SCORES}/record.json", "epochs", "many"),
    (f"{SCORES}/record.json", "epochs", None),
    (f"{PART}/record.json", "part", "random-0"),
    (f"{PART}/record.json", "trained_on", True),
    (f"{PART}/record.json", "last", {}),
    (f"{ROUND}/record.json", "sparsity", "0.5"),
    (f"{ROUND}/record.json", "round", "r02"),
]


@pytest.mark.parametrize(("file", "name", "change"), WRONG_ARRAYS)
def test_damaged_arrays_are_named(left, file, name, change):
    path = artifacts.Path(file)
    arrays = artifacts.read_arrays(path)
    arrays = {n: a for n, a in arrays.items() if change or n != name} | ({name: change(arrays[name])} if change else {})
    artifacts.write_arrays(path, arrays)
    digests.seal(path.parents[1])
    with pytest.raises(UserError) as found:
        gather(left, images.read(artifacts.RAW))
    assert "\n" not in str(found.value)
    assert str(path.parent.parent) in str(found.value) or "data/common/corrupted" in str(found.value)


@pytest.mark.parametrize(("file", "name", "value"), WRONG_RECORDS)
def test_damaged_records_are_named(left, file, name, value):
    path = artifacts.Path(file)
    artifacts.write_json(path, artifacts.read_json(path) | {name: value})
    digests.seal(path.parents[1])
    with pytest.raises(UserError) as found:
        gather(left, images.read(artifacts.RAW))
    assert str(path) in str(found.value)
    assert "\n" not in str(found.value)


def test_a_missing_file_is_named(left):
    artifacts.Path(f"{PART}/record.json").unlink()
    with pytest.raises(UserError, match=r"random-1/replicates/seed1/record.json: not found; `dvc repro` makes it"):
        gather(left, images.read(artifacts.RAW))
