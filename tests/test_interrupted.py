"""Killed stages, dying replicates and parameters edited by hand: nothing half-written, one clear line."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import TINY, clone, edit_params, ran, run
from warmed import defaults, processes, until, working

from prunelab.core.rounds import replicates
from prunelab.errors import UserError
from prunelab.warm import SWITCH


def test_a_killed_stage_leaves_nothing_half_written_and_the_next_run_goes_on(tmp_path):
    where = clone(tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = [part for change in [*TINY, "train.epochs=300"] for part in ("-S", change)]
    done = where / "data/rounds/r00/replicates/seed0/record.json"
    process = subprocess.Popen(
        ["dvc", "exp", "run", *options], cwd=where, env={**os.environ, "PATH": path}, start_new_session=True
    )
    half_written = where / "data/unfinished/rounds/r01/replicates"
    deadline = time.monotonic() + 120
    while not (done.exists() and half_written.exists()):
        assert time.monotonic() < deadline
        assert process.poll() is None
        time.sleep(0.02)
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGKILL)
    process.wait()
    assert not (where / "data/rounds/r01/replicates").exists()
    output = run("dvc", "repro", cwd=where).stdout
    assert ran(output)[0] == "prune@r01"
    assert "draw@sdd" in ran(output)
    assert not half_written.exists()


@pytest.mark.parametrize("switch", ["0", "1"])
def test_an_interrupt_is_one_line_and_leaves_nothing(tmp_path, switch):
    """As a terminal sends it, to DVC, the stage and what it started."""
    where = clone(tmp_path)
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    options = [part for change in [*TINY, "train.epochs=3000"] for part in ("-S", change)]
    with (tmp_path / "printed").open("w") as printed:
        process = subprocess.Popen(
            ["dvc", "exp", "run", *options, "dense@r00"],
            cwd=where,
            env={**os.environ, "PATH": path, SWITCH: switch},
            stdout=printed,
            stderr=subprocess.STDOUT,
            start_new_session=True,
            preexec_fn=defaults,
        )
    until(lambda: (where / "data/live/rounds/r00").exists() or process.poll() is not None, 60)
    assert process.poll() is None
    time.sleep(0.3)
    os.killpg(process.pid, signal.SIGINT)
    process.wait(30)
    said = (tmp_path / "printed").read_text()
    assert "error: interrupted; the same command goes on from the last finished stage\n" in said
    assert "Traceback" not in said
    assert "Exception ignored" not in said
    assert not (where / "data/rounds/r00/replicates").exists()
    assert not (where / "data/unfinished").exists()
    until(lambda: not [p for p in processes() if working(p, where)])


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
        ({"n_rounds": 12}, "error: params.yaml: `rounds` does not match n_rounds and "),
        ({"seeds": [1, 1]}, "error: seeds=[1, 1]: must be a list of 1 to 1000 whole numbers"),
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


def test_a_replicate_that_dies_is_reported(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=r"seed 1: its process ended early \(exit code -9: is there enough memory"):
        replicates.run(
            lambda seed, device, report: os.kill(os.getpid(), signal.SIGKILL) if seed else None,
            [0, 1],
            "cpu",
            1,
            lambda *row: None,
        )
    with pytest.raises(RuntimeError, match="division by zero"):
        replicates.run(lambda seed, device, report: 1 / seed, [0], "cpu", 1, lambda *row: None)


STUCK = """
import os, sys, time
from pathlib import Path
from prunelab.core.rounds import replicates

def work(seed, device, report):
    Path(f"{seed}.pid.partial").write_text(str(os.getpid()))
    os.replace(f"{seed}.pid.partial", f"{seed}.pid")
    while True:
        time.sleep(0.1) if seed else sum(range(10**6))

replicates.run(work, [0, 1], "cpu", 1, lambda *row: None)
"""


def running(pid):
    try:
        return (
            psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        )  # not everywhere is there an init that collects them
    except psutil.NoSuchProcess:
        return False


def wait_until(happened, seconds):
    deadline = time.monotonic() + seconds
    while not happened() and time.monotonic() < deadline:
        time.sleep(0.02)
    return happened()


def test_replicates_end_with_their_stage_and_not_with_their_epoch(tmp_path):
    """One is at work and one asleep; neither has anything to report."""
    files = [tmp_path / "0.pid", tmp_path / "1.pid"]
    process = subprocess.Popen([sys.executable, "-c", STUCK], cwd=tmp_path)
    assert wait_until(lambda: all(file.exists() for file in files), 60)
    children = [int(file.read_text()) for file in files]
    try:
        assert all(psutil.Process(pid).ppid() == process.pid for pid in children)
        process.kill()
        process.wait()
        assert wait_until(lambda: not any(running(pid) for pid in children), 2)
    finally:
        for pid in filter(running, children):
            os.kill(pid, signal.SIGKILL)


def test_a_replicate_whose_stage_ended_before_it_began_does_not_begin():
    """Nothing tells it afterwards; it sees that its parent is another one than it was forked by."""
    code = "from prunelab.core import lifetime as r; r.end_with({}); print('goes on')"
    for parent, said in ((os.getpid(), "goes on\n"), (1, "")):
        done = subprocess.run([sys.executable, "-c", code.format(parent)], capture_output=True, text=True)
        assert (done.stdout, done.returncode) == (said, 0 if said else 1)
