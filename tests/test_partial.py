"""Runs that stopped early, or were edited since, by real DVC: another run's numbers are never shown for theirs."""

import csv
import io
import json
import shutil

import pytest
from conftest import TINY, clone, edit_params, exp_run, ran, run

from prunelab.commands import main

EARLY = [*TINY, "n_rounds=1", "seeds=[0]", "landscape.every=0"]


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """A clone whose last commit is a whole tiny run, with one whole experiment on it and two that stopped early."""
    here = clone(tmp_path_factory.mktemp("partial"))
    exp_run(here)
    run("git", "add", "-A", cwd=here)
    run("git", "commit", "-q", "-m", "a whole run", cwd=here)
    other = [*TINY, "prune.criterion=random"]
    _named(here, "whole", other)
    assert _named(here, "k1", [*EARLY, "noise=0.24"], "corrupt") == ["corrupt"]
    assert _named(here, "k2", [*other, "redense.lr=0.05"], "redense") == ["redense@r00", "redense@r02"]
    return here


def _named(here, name, changes, *targets):
    options = [part for change in changes for part in ("-S", change)]
    return ran(run("dvc", "exp", "run", *options, "-n", name, *targets, cwd=here).stdout)


@pytest.fixture(autouse=True)
def _inside(where, monkeypatch):
    monkeypatch.chdir(where)


def refused(*command):
    """The line a command ends with."""
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert "\n" not in str(stopped.value)
    return str(stopped.value)


@pytest.mark.parametrize("command", ["compare", "report"])
def test_a_run_that_stopped_early_is_refused_alone_and_left_out_beside_others(command, tmp_path, capsys):
    out = ["--out", str(tmp_path / "out")]
    assert refused(command, "k1", *out) == "error: k1 ran only up to corrupt: nothing left to show"
    both = "error: k1 ran only up to corrupt, k2 ran only up to redense@r02: nothing left to show"
    assert refused(command, "k1", "k2", *out) == both
    assert not (tmp_path / "out").exists()
    main([command, "k1", "whole", "k2", *out])
    printed = capsys.readouterr().out
    assert "note: k1 ran only up to corrupt: left out\nnote: k2 ran only up to redense@r02: left out\n" in printed
    page = tmp_path / "out" / "claims.md" if command == "compare" else tmp_path / "out"
    text = page.read_text()
    assert ("checked on whole\n" in text) if command == "compare" else ("k1 ran only up to corrupt: left out." in text)


def test_without_names_what_is_whole_is_compared(tmp_path, capsys):
    main(["compare", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert printed.count(": left out\n") == 2
    assert {row["runs"] for row in csv.DictReader(io.StringIO((tmp_path / "models.csv").read_text()))} == {
        "HEAD",
        "whole",
    }


def table(capsys, *options):
    """What `show --csv` prints, by name."""
    main(["show", "--csv", *options])
    printed = capsys.readouterr()
    return {row["Experiment"] or row["rev"]: row for row in csv.DictReader(io.StringIO(printed.out))}, printed.err


def test_the_table_of_experiments_has_whole_runs_only(where, capsys):
    rows, said = table(capsys)
    assert set(rows) == {"main", "whole"}
    assert sorted(said.splitlines()) == [
        "note: k1 ran only up to corrupt: left out",
        "note: k2 ran only up to redense@r02: left out",
    ]
    summary = json.loads(run("git", "show", "HEAD:metrics/sdd.json", cwd=where).stdout)
    assert float(rows["main"]["sweet_spot.test_last"]) == summary["sweet_spot"]["test_last"]
    assert (rows["main"]["prune.criterion"], rows["whole"]["prune.criterion"]) == ("magnitude", "random")


def test_the_table_takes_dvcs_options(where, capsys):
    main(["show", "--md", "--sort-by", "sweet_spot.test_last"])
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].startswith("| Experiment ")
    assert "[whole]" in lines[3]
    assert refused("show", "--sort-by", "sweetness") == "error: Unknown sort column 'sweetness'"
    for command, unknown in (("show", "--sweet"), ("compare", "--md")):
        done = run("prunelab", command, unknown, check=False, cwd=where)
        assert done.returncode
        assert f"unrecognized arguments: {unknown}" in done.stdout


def test_the_working_tree_after_an_edit_and_after_a_run_that_stopped(where, tmp_path):
    """It holds k2's parameters over HEAD's tables; then a run edited since; then a table put back from another."""
    out = ["--out", str(tmp_path / "out")]
    assert refused("compare", "workspace", *out).startswith("error: workspace ran only up to redense@r02")
    run("git", "checkout", "-q", "--", ".", cwd=where)
    main(["compare", "workspace", *out])
    edit_params(where, noise=0.3)
    assert refused("report", "workspace", *out) == "error: workspace ran only up to fetch: nothing left to show"
    run("git", "checkout", "-q", "--", ".", cwd=where)
    refs = run("git", "for-each-ref", "--format=%(refname)", "refs/exps", cwd=where).stdout.split()
    (whole,) = (ref for ref in refs if ref.endswith("/whole"))
    curve = where / "plots/sdd/double_descent.csv"
    curve.write_text(run("git", "show", f"{whole}:plots/sdd/double_descent.csv", cwd=where).stdout)
    said = "error: workspace lacks plots/sdd as draw@sdd made it: nothing left to show"
    assert refused("compare", "workspace", *out) == said
    run("git", "checkout", "-q", "--", ".", cwd=where)


def test_changed_code_makes_a_runs_tables_no_others(where, tmp_path):
    style = where / "src/prunelab/style.py"
    before = style.read_text()
    style.write_text(before + "# another line\n")
    main(["compare", "workspace", "--out", str(tmp_path / "out")])
    style.write_text(before)


def test_a_commit_that_is_not_whole_keeps_its_place_without_numbers(where, tmp_path, capsys, monkeypatch):
    """Its parameters were committed after its run; an experiment on it is whole all the same."""
    there = tmp_path / "there"
    shutil.copytree(where, there, symlinks=True)
    monkeypatch.chdir(there)
    edit_params(there, noise=0.3)
    run("git", "commit", "-q", "-a", "-m", "edited", cwd=there)
    assert refused("show") == "error: main ran only up to fetch: nothing left to show"
    exp_run(there)
    run("dvc", "exp", "save", "-n", "saved", cwd=there)
    rows, said = table(capsys)
    assert said == "note: main ran only up to fetch: left out\n"
    assert rows["main"]["sweet_spot.test_last"] == ""
    assert float(rows["saved"]["sweet_spot.test_last"]) > 0
