"""The study theory under DVC, as small as its two turns allow; and what is said of its files where they are damaged."""

import json
import shutil

import numpy as np
import pytest
from conftest import clone, ran, run

from prunelab import config
from prunelab.core import artifacts, digests
from prunelab.errors import UserError
from prunelab.studies.theory import places, tables

# p_star = 0.4; at the smallest p a tenth of a filter of a class keeps its signal, and weights enough to memorise with.
SMALL = {
    "classes": 4,
    "filters": 40,
    "dimension": 2000,
    "examples": 24,
    "test_examples": 1000,
    "noise": 0.1286,
    "kept": "[1,0.5,0.25,0.1,0.03,0.01,0.0025]",
    "seeds": "[0,1,2,3,4,5]",
}


def options(**changes):
    found = ["-S", "setting=theory"]
    for name, value in (SMALL | changes).items():
        found += ["-S", f"theory.{name}={value}"]
    return found


@pytest.fixture(scope="module")
def done(tmp_path_factory):
    where = clone(tmp_path_factory.mktemp("theory"))
    printed = run("dvc", "exp", "run", "-n", "strong", *options(), cwd=where).stdout
    assert ran(printed) == ["fetch", "corrupt", "train@theory", "theory_draw@theory"]
    weak = run("dvc", "exp", "run", "-n", "weak", *options(signal=1.0), cwd=where).stdout
    assert ran(weak) == ["train@theory", "theory_draw@theory"]
    run("dvc", "exp", "run", "-n", "neither", "-S", "studies=[]", cwd=where)
    run("dvc", "exp", "apply", "weak", cwd=where)  # what it left is looked at below
    return where, printed


def show(where, *command):
    return json.loads(run("dvc", *command, "--json", cwd=where).stdout.splitlines()[-1])


def test_both_turns_are_there(done):
    _, printed = done
    lines = [line.split() for line in printed.splitlines() if line[:1] == " "]
    errors = {float(line[0]): float(line[1]) for line in lines if len(line) == 10 and line[0] != "kept"}
    assert list(errors) == [1, 0.5, 0.25, 0.1, 0.03, 0.01, 0.0025]
    assert errors[1] > 0.5
    assert min(errors.values()) < 0.2
    assert errors[0.0025] > 0.6
    assert {"T1", "T2", "T3"} <= {*printed.partition("claims supported: ")[2].splitlines()[0].split(", ")}


def test_what_is_shown_is_this_study_alone(done):
    where, _ = done
    rows = {row["name"]: row["data"]["metrics"] for row in _experiments(where)}
    assert rows.pop("neither") == {}
    assert all(list(metrics) == ["metrics/theory.json"] for metrics in rows.values())
    found = rows["strong"]["metrics/theory.json"]["data"]
    assert {*found} == {"dense", "best", "sparsest", "reached", "p_star", "error_crossing", "share_crossing"}
    assert found["p_star"] == pytest.approx(0.4, rel=0.01)


def _experiments(where):
    (head,) = (one for one in show(where, "exp", "show") if one["rev"] != "workspace")
    return [one["revs"][0] for one in head["experiments"]]


def test_two_runs_are_overlaid(done):
    where, _ = done
    plots = show(where, "plots", "diff", "strong", "weak")["data"]
    theirs = {name: some for name, some in plots.items() if "plots/theory" in str(some) or "test error" in name}
    assert theirs
    for some in theirs.values():
        assert {revision for one in some for revision in one["revisions"]} == {"strong", "weak"}
    assert not [name for name in plots if name.startswith("sdd")]


def test_runs_are_compared_by_the_study_that_most_of_them_ran(done, tmp_path):
    where, _ = done
    printed = run("prunelab", "compare", "neither", "strong", "weak", "--out", tmp_path / "out", cwd=where).stdout
    assert "note: neither did not run the study theory: left out" in printed
    assert "signal 2.0" in printed
    assert "signal 1.0" in printed
    assert {file.name for file in (tmp_path / "out").iterdir()} == {
        *("curves.png", "curves.svg", "scaling.png", "scaling.svg", "scaling.csv", "claims.md"),
    }
    weak, strong = artifacts.table_of((tmp_path / "out/scaling.csv").read_text())
    assert (strong["p_star"] / weak["p_star"]) == pytest.approx(4, rel=1e-4)
    alone = run("prunelab", "compare", "strong", "--study", "sdd", cwd=where, check=False)
    assert alone.stdout == "error: strong did not run the study sdd: nothing left to show\n"


@pytest.mark.parametrize(
    ("change", "line"),
    [
        (
            "theory.kept=[1,0.2,0.5]",
            "error: theory.kept=[1.0, 0.2, 0.5]: must be a list of 2 to 100 numbers in (0, 1], decr",
        ),
        (
            "theory.kept=[1,0]",
            "error: theory.kept=0: must be a list of 2 to 100 numbers in (0, 1], decreasing, the first 1",
        ),
        ("theory.power=1", "error: theory.power=1: must be a whole number from 2 to 10"),
        ("theory.init=0", "error: theory.init=0.0: must be a number greater than 0, at most 1000"),
        ("theory.classes=200", "error: theory.examples=100: must be at least theory.classes=200"),
        ("theory.filters=100000", "error: theory.filters=100000: must be at most 10000, with theory.classes=10 and"),
    ],
)
def test_wrong_values_end_in_one_line(done, change, line):
    where, _ = done
    before = (where / "params.yaml").read_text()
    found = run("dvc", "exp", "run", "-S", "setting=theory", "-S", change, cwd=where, check=False)
    assert found.returncode
    assert found.stdout.splitlines()[-1].startswith(line)
    assert (where / "params.yaml").read_text() == before


@pytest.fixture
def left(done, tmp_path, monkeypatch):
    """What the last run left, in a folder of its own, and its parameters."""
    where, _ = done
    for name in ("data/theory", "params.yaml", "dvc.yaml"):
        (shutil.copytree if (where / name).is_dir() else shutil.copy)(where / name, tmp_path / name)
    monkeypatch.chdir(tmp_path)
    return config.read("theory_draw").theory


def changed(path, old, new):
    text = path.read_text()
    assert text.count(old)
    path.write_text(text.replace(old, new, 1))
    digests.seal(places.RUNS)


def test_damaged_tables_are_named(left):
    sweep = places.RUNS / "seed2" / places.SWEEP
    assert len(tables.read(left)) == 42
    row = sweep.read_text().splitlines()[1]
    for old, new, what in (
        (f"\n{row}", "", "has other rows than one for each of theory.kept"),
        ("kept,", "left,", "has no column kept"),
        (row, row.replace(row.split(",")[7], "many", 1), "no number"),
        (row, row.replace(row.split(",")[9], "inf", 1), "no number"),
        (row, f"{row}\n{row}", "has other rows"),
    ):
        before = sweep.read_text()
        changed(sweep, old, new)
        with pytest.raises(UserError, match=f"seed2/sweep.csv: damaged .*{what}"):
            tables.read(left)
        sweep.write_text(before)
        digests.seal(places.RUNS)
    sweep.write_text(before.replace("1", "2", 1))
    with pytest.raises(UserError, match=r"seed2/sweep.csv: damaged \(another content"):
        tables.read(left)


def test_damaged_margins_and_races_are_named(left):
    margins = places.RUNS / "seed0" / places.MARGINS
    assert tables.margins(left, 0).shape == (7, 1000)
    for wrong in (np.zeros((7, 999), np.float32), np.zeros((7, 1000)), np.full((7, 1000), np.nan, np.float32)):
        artifacts.write_arrays(margins, {"margins": wrong})
        digests.seal(places.RUNS)
        with pytest.raises(UserError, match=r"seed0/margins.npz: damaged \(margins"):
            tables.margins(left, 0)
    assert {row["kept"] for row in tables.race(0, [1.0, 0.01])} == {1.0, 0.01}
    with pytest.raises(UserError, match=r"seed0/race.csv: damaged \(has no row of kept=0.2\)"):
        tables.race(0, [0.2])
