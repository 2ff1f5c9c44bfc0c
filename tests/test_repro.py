"""The pipeline itself: real DVC in a clone, tiny settings."""

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
import yaml
from conftest import clone, run
from test_datasets import write_folder, write_npz

from prunelab.core import artifacts

TINY = ["setting=digits_quick", "n_rounds=2", "seeds=[0,1]", "train.epochs=2", "redense.epochs=2", "redense.every=2"]


def exp_run(where, *changes, check=True):
    options = [part for change in [*TINY, *changes] for part in ("-S", change)]
    return run("dvc", "exp", "run", *options, cwd=where, check=check).stdout


def ran(output):
    return re.findall(r"Running stage '([^']+)'", output)


def as_dict(content):
    return content if isinstance(content, dict) else json.loads(content)


def hashes(where):
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    return {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A clone in which the tiny study has run once."""
    where = clone(tmp_path_factory.mktemp("study"))
    return where, exp_run(where)


def test_the_study_runs_whole_and_ends_with_its_table(study):
    where, output = study
    assert ran(output) == [
        *("fetch", "corrupt", "dense", "prune@r01", "prune@r02", "redense@r00", "redense@r02", "analyze", "draw")
    ]
    for word in ("dense", "valley", "sweet spot", "end", "plots/figures/double_descent.png"):
        assert word in output
    for name in ("double_descent", "memorization", "dynamics", "distance", "redense"):
        assert (where / f"plots/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (where / f"plots/figures/{name}.svg").read_text().startswith("<?xml")
    summary = json.loads((where / "metrics/summary.json").read_text())
    contract = {"round", "sparsity", "train", "test_last", "test_best", "permuted", "restored"}
    assert all(contract <= set(summary[name]) for name in ("dense", "valley", "sweet_spot", "end"))
    assert 0 <= summary["pruning_efficacy"] < 1
    assert not (where / artifacts.UNFINISHED).exists()
    live = where / "data/rounds/r01/seed0/live"
    assert (live / "plots/metrics/test/accuracy.tsv").read_text().splitlines()[-1].startswith("2\t")
    rows = (where / "plots/double_descent.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 2


def test_again_is_up_to_date_and_twice_is_the_same_bytes(study, tmp_path):
    where, _ = study
    assert "up to date" in run("dvc", "repro", cwd=where).stdout
    other = clone(tmp_path)
    exp_run(other)
    assert hashes(other) == hashes(where)


def test_changes_rerun_only_what_they_touch(study):
    where, _ = study
    pruned = ran(exp_run(where, "prune.criterion=random"))
    assert pruned == ["prune@r01", "prune@r02", "redense@r02", "analyze", "draw"]
    assert ran(exp_run(where, "redense.lr=0.05")) == ["redense@r00", "redense@r02", "analyze", "draw"]
    assert ran(exp_run(where)) == ["analyze", "draw"]  # all training comes back from the run-cache
    style = where / "src/prunelab/figures/style.py"
    style.write_text(style.read_text().replace("#0072B2", "#0073B3"))
    assert ran(run("dvc", "repro", cwd=where).stdout) == ["draw"]
    (where / "src/prunelab/criteria/new.py").write_text('"""Another."""\n')
    (where / "src/prunelab/datasets/new.py").write_text('"""Another."""\n')
    assert "up to date" in run("dvc", "repro", cwd=where).stdout


SMALL = ["noise=0", "seeds=[0]", "n_rounds=1", "redense.every=9", "train.batch_size=4"]


def test_a_users_folder_goes_from_pictures_to_the_curve(study, tmp_path):
    where, _ = study
    write_folder(tmp_path)
    output = exp_run(where, *SMALL, "dataset=folder", f"data_root={tmp_path}")
    assert "lenet on folder, 0% symmetric noise" in output
    summary = json.loads((where / "metrics/summary.json").read_text())
    assert summary["dense"]["permuted"] is None
    assert summary["end"]["test_last"] in (0, 0.25, 0.5, 0.75, 1)


def test_a_users_arrays_are_watched_and_validation_one_shot_and_reinit_arrive_in_the_tables(study, tmp_path):
    where, _ = study
    root, _ = write_npz(tmp_path)
    changes = ["n_rounds=2", "prune.schedule=one_shot", "reinit.every=2", "train.validation=3"]
    output = exp_run(where, *SMALL, *changes, "dataset=npz", f"data_root={root}")
    assert ran(output)[-5:] == ["prune@r02", "redense@r00", "reinit@r02", "analyze", "draw"]
    assert "prune --round r02 --parent r00" in output
    assert "best valid." in output
    summary = json.loads((where / "metrics/summary.json").read_text())
    assert summary["best_validation"]["validation"] in (0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1)
    rows = artifacts.read_table(where / "plots/reinit.csv")
    assert {(row["training"], row["round"]) for row in rows} == {("sparse", "r02"), ("reinit", "r02")}
    assert (where / "plots/figures/reinit.png").read_bytes().startswith(b"\x89PNG")
    # DVC sees that the file is another one now.
    write_npz(tmp_path, x_train=np.zeros((12, 6, 5), dtype=np.uint8))
    assert ran(run("dvc", "repro", "fetch", cwd=where).stdout) == ["fetch"]
    # How many images there are is known now only, and held against the parameters.
    edit_params(where, train=yaml.safe_load((where / "params.yaml").read_text())["train"] | {"validation": 12})
    refused = run("dvc", "repro", "corrupt", cwd=where, check=False).stdout
    assert "error: train.validation=12: must be less than the 12 training images" in refused
    refused = exp_run(where, "dataset=npz", "data_root=nowhere", check=False)
    assert "error: data_root='nowhere': must be" in refused
    assert not ran(refused)


def test_two_runs_lie_over_each_other_in_dvcs_own_diffs(study):
    """What is committed (the default study) against what lies in the workspace (the tiny one)."""
    where, _ = study
    metrics = json.loads(run("dvc", "metrics", "diff", "--json", cwd=where).stdout)
    assert metrics["metrics/summary.json"]["dense.test_last"].keys() >= {"old", "new"}
    plots = json.loads(run("dvc", "plots", "diff", "--json", cwd=where).stdout)
    assert "errors" not in plots
    declared = [next(iter(plot)) for plot in yaml.safe_load((where / "dvc.yaml").read_text())["plots"]]
    assert list(plots["data"]) == declared
    for plot, *_ in plots["data"].values():
        content = as_dict(plot["content"])
        assert set(plot["revisions"]) == {"HEAD", "workspace"}
        assert {row["rev"] for row in content["data"]["values"]} == {"HEAD", "workspace"}
        assert set(content["spec"]["encoding"]["color"]["scale"]["domain"]) == {"HEAD", "workspace"}
        assert "DVC_METRIC" not in json.dumps(content)
    rows = as_dict(plots["data"]["Accuracy against sparsity"][0]["content"])["data"]["values"]
    assert {row["field"] for row in rows} == {"train", "test_last", "test_best"}


def test_a_killed_stage_leaves_nothing_half_written_and_the_next_run_goes_on(tmp_path):
    where = clone(tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = [part for change in [*TINY, "train.epochs=300"] for part in ("-S", change)]
    done = where / "data/rounds/r00/seed0/record.json"
    process = subprocess.Popen(
        ["dvc", "exp", "run", *options], cwd=where, env={**os.environ, "PATH": path}, start_new_session=True
    )
    half_written = where / "data/unfinished/rounds/r01"
    deadline = time.monotonic() + 120
    while not (done.exists() and half_written.exists()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (where / "data/rounds/r01").exists()
    output = run("dvc", "repro", cwd=where).stdout
    assert ran(output)[0] == "prune@r01"
    assert "draw" in ran(output)
    assert not half_written.exists()


def edit_params(where, **values):
    file = where / "params.yaml"
    file.write_text(yaml.safe_dump(yaml.safe_load(file.read_text()) | values, sort_keys=False))


@pytest.fixture(scope="module")
def bare(tmp_path_factory):
    """A clone in which nothing has run."""
    return clone(tmp_path_factory.mktemp("bare"))


@pytest.mark.parametrize(
    ("values", "line"),
    [
        ({"noise": 1.5}, "error: noise=1.5: must be a number in [0, 1)"),
        ({"dataset": "digit"}, "error: dataset='digit': must be one of cifar10, cifar100, digits, "),
        ({"nosie": 0.1}, "error: nosie=0.1: unknown parameter; did you mean noise?"),
        ({"n_rounds": 12}, "error: params.yaml: `rounds` does not match n_rounds=12"),
        ({"seeds": [1, 1]}, "error: seeds=[1, 1]"),
    ],
)
def test_a_params_yaml_edited_by_hand_is_checked_before_anything_is_written(bare, values, line):
    run("git", "checkout", "-q", "params.yaml", cwd=bare)
    edit_params(bare, **values)
    done = run("python", "-m", "stages.fetch", cwd=bare, check=False)
    assert done.returncode == 1
    assert done.stdout.startswith(line)
    assert done.stdout.count("\n") == 1
    assert [path.name for path in (bare / "data").iterdir()] == ["source"]


def test_damaged_inputs_end_a_stage_in_one_line(study):
    where, _ = study
    for damaged, command in (
        ("data/raw/x_train.npy", ["stages.corrupt"]),
        ("data/rounds/r00/seed1/weights.safetensors", ["stages.prune", "--round", "r01", "--parent", "r00"]),
        ("data/rounds/r01/seed0/mask.npz", ["stages.prune", "--round", "r02", "--parent", "r01"]),
        ("data/rounds/r02/seed0/record.json", ["stages.analyze"]),
        ("plots/redense.csv", ["stages.draw"]),
    ):
        file = where / damaged
        whole = file.read_bytes()
        file.unlink()  # a link into DVC's cache: never write through it
        file.write_bytes(whole[: len(whole) // 2])
        done = run("python", "-m", *command, cwd=where, check=False)
        lines = [line for line in re.split(r"[\r\n]+", done.stdout) if "epoch/s" not in line and line.strip()]
        assert done.returncode == 1
        assert lines == [line for line in lines if line.startswith(f"error: {damaged}: damaged")] != []
        file.write_bytes(whole)
    assert not (where / artifacts.UNFINISHED).exists()


def test_a_replicate_that_dies_is_reported(tmp_path, monkeypatch):
    from prunelab.core.study import replicates
    from prunelab.errors import UserError

    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"seed 1: its process ended early \(exit code -9\)"):
        replicates.run(
            lambda seed, device, report: os.kill(os.getpid(), signal.SIGKILL) if seed else None,
            [0, 1],
            "cpu",
            lambda *row: None,
        )
    with pytest.raises(RuntimeError, match="division by zero"):
        replicates.run(lambda seed, device, report: 1 / seed, [0], "cpu", lambda *row: None)
