"""What changes while a stage runs: nothing is recorded as made of what it was not made of."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import yaml
from conftest import TINY, clone, edit_params, ran, run

from prunelab import meanwhile
from prunelab.errors import UserError

PIPELINE = """
stages:
  first:
    cmd: true
    deps: [src/code, "${data_root}", data/made]
    params: [lr, train.epochs]
  making: {cmd: true, outs: [data/made, data/rounds/r00]}
  each:
    foreach: ${rounds}
    do: {cmd: true, deps: [src/code, "data/rounds/${item}"], params: [lr]}
  last:
    cmd: true
    deps: [data/made]
    params: [{params.yaml: null}]
"""
PARAMS = {"lr": 0.05, "train": {"epochs": 3}, "other": 1, "data_root": "data/source", "rounds": {"r01": "r00"}}


@pytest.fixture
def place(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    Path("dvc.yaml").write_text(PIPELINE)
    Path("params.yaml").write_text(yaml.safe_dump(PARAMS))
    for name in ("src/code/a.py", "src/other/b.py", "data/source/x.png", "data/made/file"):
        Path(name).parent.mkdir(parents=True)
        Path(name).write_text("before")
    return tmp_path


def check(stage, change, recorded=True):
    given = meanwhile.Given.of(stage, meanwhile.code())
    change()
    given.check(recorded)


def params(**values):
    return lambda: Path("params.yaml").write_text(yaml.safe_dump(PARAMS | values))


def write(name):
    return lambda: Path(name).write_text("after, longer")


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("stage", "change", "line"),
    [
        ("first", params(lr=0.01), "params.yaml: lr was 0.05 when first began and is 0.01 now"),
        ("first", params(train={"epochs": 4}), "params.yaml: train.epochs was 3"),
        ("first", params(train={}), "params.yaml: train.epochs was 3"),
        ("each", params(lr=0.01), "params.yaml: lr was 0.05 when each began"),
        ("last", params(other=2), "params.yaml: other was 1"),
        ("first", write("src/code/a.py"), "src/code/a.py: changed while first ran"),
        ("first", write("data/source/x.png"), "data/source/x.png: changed while first ran"),
        ("first", write("data/source/new.png"), "data/source/new.png: changed while first ran"),
        ("first", lambda: Path("data/source/x.png").unlink(), "data/source/x.png: changed while first ran"),
    ],
)
def test_what_a_stage_depends_on_must_stay(stage, change, line):
    with pytest.raises(UserError) as raised:
        check(stage, change)
    assert str(raised.value).startswith(line)
    assert "\n" not in str(raised.value)


@pytest.mark.usefixtures("place")
@pytest.mark.parametrize(
    ("stage", "change"),
    [
        ("first", params(other=2)),  # not declared
        ("first", write("src/other/b.py")),
        ("first", write("data/made/file")),  # another stage's
        ("first", params()),
    ],
)
def test_what_it_does_not_depend_on_may_change(stage, change):
    check(stage, change)


@pytest.mark.usefixtures("place")
def test_stages_before_the_last_must_have_had_the_same_parameters():
    lock = {"stages": {"each@r01": {"cmd": "true", "params": {"params.yaml": {"lr": 0.04}}}}}
    Path("dvc.lock").write_text(yaml.safe_dump(lock))
    with pytest.raises(UserError, match=r"lr was 0\.04 when each@r01 ran and is 0\.05 now; run `dvc repro` again"):
        check("last", params())
    check("last", params(), recorded=False)  # by hand, nobody records it


def test_parameters_edited_during_a_stage_are_not_recorded_for_it(tmp_path):
    """Real DVC: the line, status 1, no entry in dvc.lock; the next run trains with what is recorded."""
    where = clone(tmp_path)
    options = [part for change in [*TINY, "train.epochs=400"] for part in ("-S", change)]
    run("dvc", "exp", "run", *options, "corrupt", cwd=where)
    edited = yaml.safe_load((where / "params.yaml").read_text())["train"]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    repro = subprocess.Popen(
        ["dvc", "repro", "dense"],
        cwd=where,
        env={**os.environ, "PATH": path},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    deadline = time.monotonic() + 60
    while not list((where / "data/unfinished").rglob("seed0")):
        assert time.monotonic() < deadline
        assert repro.poll() is None
        time.sleep(0.02)
    edit_params(where, train=edited | {"lr": 0.01, "epochs": 2})
    said, _ = repro.communicate(timeout=120)
    assert repro.returncode
    lines = [line for line in said.splitlines() if line.startswith("error: ")]
    assert [line.partition(" when ")[0] for line in lines] == ["error: params.yaml: train.epochs was 400"]
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    assert "dense@r00" not in lock
    assert ran(run("dvc", "repro", "dense", cwd=where).stdout) == ["dense@r00"]
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    assert lock["dense@r00"]["params"]["params.yaml"]["train"]["epochs"] == 2
    record = json.loads((where / "data/rounds/r00/replicates/seed0/record.json").read_text())
    assert record["last"]["epoch"] == 2
