"""The pipeline itself: real DVC in a clone, tiny settings."""

import json
import os
import re

import pytest
import yaml
from conftest import clone, edit_params, exp_run, ran, run
from test_imports import NOT_DEPENDENCIES, SRC, module_file

from prunelab.core import artifacts


def as_dict(content):
    return content if isinstance(content, dict) else json.loads(content)


def hashes(where):
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    return {out["path"]: out["md5"] for stage in lock.values() for out in stage["outs"]}


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A clone in which the tiny study has run once; a test that changes it leaves the tiny study's results there."""
    where = clone(tmp_path_factory.mktemp("study"))
    return where, exp_run(where)


def test_the_study_runs_whole_and_ends_with_its_table(study):
    where, output = study
    assert ran(output) == [
        *("fetch", "corrupt", "dense@r00", "prune@r01", "prune@r02", "redense@r00", "redense@r02"),
        *("analyze@sdd", "draw@sdd"),
    ]
    for word in ("dense", "valley", "sweet spot", "end", "plots/sdd/figures/double_descent.png"):
        assert word in output
    for name in (
        "double_descent",
        "memorization",
        "dynamics",
        "distance",
        "distance_by_layer",
        "redense",
        "redense_dynamics",
    ):
        assert (where / f"plots/sdd/figures/{name}.png").read_bytes().startswith(b"\x89PNG")
        assert (where / f"plots/sdd/figures/{name}.svg").read_text().startswith("<?xml")
    summary = json.loads((where / "metrics/sdd.json").read_text())
    contract = {"round", "sparsity", "train", "test_last", "test_best", "permuted", "restored"}
    assert all(contract <= set(summary[name]) for name in ("dense", "valley", "sweet_spot", "end"))
    assert 0 <= summary["pruning_efficacy"] < 1
    assert not (where / artifacts.UNFINISHED).exists()
    replicate = where / "data/rounds/r01/replicates/seed0"
    logged = where / "data/live/rounds/r01/replicates/seed0/plots/metrics/test/accuracy.tsv"
    assert logged.read_text().splitlines()[-1].startswith("2\t")
    assert len([path for path in replicate.rglob("*") if path.is_file()]) == 6
    rows = (where / "plots/sdd/double_descent.csv").read_text().splitlines()
    assert len(rows) == 1 + 3 * 2


def test_again_is_up_to_date_and_twice_is_the_same_bytes(study, tmp_path):
    where, _ = study
    assert "up to date" in run("dvc", "repro", cwd=where).stdout
    other = clone(tmp_path)
    exp_run(other)
    assert hashes(other) == hashes(where)


# Runs a stage and refuses whatever is opened for writing, made or renamed in an output while a file that is no
# dependency of any stage is on the stack.
WATCHED = """
import os, runpy, sys
root = os.getcwd()
outputs = tuple(os.path.join(root, name) + os.sep for name in ("data", "metrics", "plots"))
excluded = {os.path.join(root, "src", "prunelab", name) for name in sys.argv.pop(1).split(",")}

def watch(event, args):
    if event not in ("open", "os.mkdir", "os.rename") or not isinstance(args[0], (str, os.PathLike)):
        return
    if event == "open" and not args[2] & (os.O_WRONLY | os.O_RDWR) or not os.path.abspath(args[0]).startswith(outputs):
        return
    frame, files = sys._getframe(), set()
    while frame:
        files.add(frame.f_code.co_filename)
        frame = frame.f_back
    if files & excluded:
        raise SystemExit(f"{files & excluded} writes {args[0]}")
    print("written:", os.path.relpath(args[0]), flush=True)

sys.argv.pop(0)
sys.addaudithook(watch)
runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)
"""


def test_only_what_a_stage_depends_on_writes_its_outputs(study):
    where, _ = study
    excluded = ",".join(str(module_file(name).relative_to(SRC / "prunelab")) for name in NOT_DEPENDENCIES)
    for stage, made in ((["stages.prune", "--round", "r01"], "rounds/r01/replicates"),):
        output = run("python", "-c", WATCHED, excluded, *stage, cwd=where).stdout
        for name in (f"live/{made}/seed0/metrics.json", f"unfinished/{made}/seed1/.history.csv.partial"):
            assert f"written: data/{name}" in output  # of this process, of its child


def test_damaged_inputs_end_a_stage_in_one_line(study):
    where, _ = study
    for damaged, command in (
        ("data/common/raw/x_train.npy", ["stages.corrupt"]),
        ("data/rounds/r00/replicates/seed1/weights.safetensors", ["stages.prune", "--round", "r01"]),
        ("data/rounds/r01/replicates/seed0/mask.npz", ["stages.prune", "--round", "r02"]),
        ("data/rounds/r02/replicates/seed0/record.json", ["stages.sdd.analyze"]),
        ("data/sdd/analysis/redense.csv", ["stages.sdd.draw"]),
    ):
        file = where / damaged
        whole = file.read_bytes()
        file.unlink()  # a link into DVC's cache: never write through it
        file.write_bytes(whole[: len(whole) // 2])
        done = run("python", "-m", *command, cwd=where, check=False)
        lines = [line for line in re.split(r"[\r\n]+", done.stdout) if "epoch" not in line and line.strip()]
        assert done.returncode == 1
        assert lines == [line for line in lines if line.startswith(f"error: {damaged}: damaged")] != []
        file.write_bytes(whole)
    assert not (where / artifacts.UNFINISHED).exists()


def test_a_bit_that_flipped_unseen_ends_repro_in_one_line(study):
    """DVC knows a stored file by its size and times, which a failing disk does not change."""
    where, _ = study
    kept = (where / "params.yaml").read_text()
    for damaged, change in (
        ("data/rounds/r02/replicates/seed1/weights.safetensors", {"redense": {"epochs": 3, "lr": 0.1, "every": 2}}),
        ("data/sdd/analysis/redense.csv", {}),
    ):
        file = where / damaged
        times, whole, mode = file.stat(), file.read_bytes(), file.stat().st_mode
        file.chmod(mode | 0o200)
        with open(file, "r+b") as opened:  # in place, so in DVC's cache as well where that is a link
            opened.seek(len(whole) - 20)
            opened.write(bytes([whole[-20] ^ 1]))
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        edit_params(where, **change)
        stage = [] if change else ["-s", "-f", "draw@sdd"]
        done = run("dvc", "repro", *stage, cwd=where, check=False)
        lines = [line for line in re.split(r"[\r\n]+", done.stdout) if line.startswith("error:")]
        assert done.returncode != 0
        assert len(lines) == 1, done.stdout
        assert lines[0].startswith(f"error: {damaged}: damaged (another content than ")
        with open(file, "r+b") as opened:
            opened.write(whole)
        os.utime(file, ns=(times.st_atime_ns, times.st_mtime_ns))
        file.chmod(mode)
        (where / "params.yaml").write_text(kept)
    run("dvc", "repro", cwd=where)
    assert not (where / artifacts.UNFINISHED).exists()


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"nosie": 0.2}, "error: nosie=0.2: unknown parameter; did you mean noise?"),
        (
            {"rounds": {"r01": "r00", "R02": "r01"}},
            "error: params.yaml: `rounds` does not match n_rounds and prune.schedule",
        ),
    ],
)
def test_a_name_misspelt_by_hand_is_seen_when_all_is_cached(study, changes, line):
    where, _ = study
    kept = (where / "params.yaml").read_text()
    edit_params(where, **changes)
    done = run("dvc", "repro", cwd=where, check=False)
    (where / "params.yaml").write_text(kept)
    assert done.returncode != 0
    assert next(text for text in done.stdout.splitlines() if text.startswith("error:")).startswith(line)
    run("dvc", "repro", cwd=where)


def test_changes_rerun_only_what_they_touch(study):
    where, _ = study
    pruned = ran(exp_run(where, "prune.criterion=random"))
    assert pruned == ["prune@r01", "prune@r02", "redense@r02", "analyze@sdd", "draw@sdd"]
    assert ran(exp_run(where, "redense.lr=0.05")) == ["redense@r00", "redense@r02", "analyze@sdd", "draw@sdd"]
    assert ran(exp_run(where)) == ["draw@sdd"]  # all training comes back from the run-cache
    style = where / "src/prunelab/style.py"
    style.write_text(style.read_text().replace("#0072B2", "#0073B3"))
    assert ran(run("dvc", "repro", cwd=where).stdout) == ["draw@sdd"]
    (where / "src/prunelab/criteria/new.py").write_text('"""Another."""\n')
    (where / "src/prunelab/datasets/new.py").write_text('"""Another."""\n')
    assert "up to date" in run("dvc", "repro", cwd=where).stdout


def test_two_runs_lie_over_each_other_in_dvcs_own_diffs(study):
    """What is committed (the default study) against what lies in the workspace (the tiny one)."""
    where, _ = study
    metrics = json.loads(run("dvc", "metrics", "diff", "--json", cwd=where).stdout)
    assert metrics["metrics/sdd.json"]["dense.test_last"].keys() >= {"old", "new"}
    plots = json.loads(run("dvc", "plots", "diff", "--json", cwd=where).stdout)
    assert "errors" not in plots
    declared = [next(iter(plot)) for plot in yaml.safe_load((where / "dvc.yaml").read_text())["plots"]]
    named = {"${plotted.sdd}": "sdd"}
    must = [re.sub(r"^\S+}", lambda found: named.get(found[0], "not_chosen"), name) for name in declared]
    assert list(plots["data"]) == must
    shown = {name: some for name, some in plots["data"].items() if some}
    assert list(shown) == [name for name in plots["data"] if name.startswith("sdd, ")]
    for plot, *_ in shown.values():
        content = as_dict(plot["content"])
        assert set(plot["revisions"]) == {"HEAD", "workspace"}
        assert {row["rev"] for row in content["data"]["values"]} == {"HEAD", "workspace"}
        assert set(content["spec"]["encoding"]["color"]["scale"]["domain"]) == {"HEAD", "workspace"}
        assert "DVC_METRIC" not in json.dumps(content)
    rows = as_dict(plots["data"]["sdd, accuracy against sparsity"][0]["content"])["data"]["values"]
    assert {row["field"] for row in rows} == {"train", "test_last", "test_best"}
