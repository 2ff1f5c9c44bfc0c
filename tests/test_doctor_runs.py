"""Processes and queue tasks that outlive a kill, and real kills of DVC: the doctor, then the same command again."""

import os
import shutil
import subprocess
import sys

import psutil
import pytest
import yaml
from conftest import run
from killed import edit, git, mend, repository, state, wait_for

from prunelab.commands import main
from prunelab.doctor import examine


@pytest.fixture
def project(tmp_path):
    """With a pipeline of one stage, for DVC itself."""
    root = repository(tmp_path)
    shutil.rmtree(root / ".dvc")
    run("dvc", "init", "-q", cwd=root)
    (root / "dvc.lock").unlink()
    stage = {"cmd": "cp params.yaml data/out", "params": ["noise"], "outs": ["data/out"]}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"a": stage}}))
    (root / "data").mkdir()
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "dvc")
    return root


STAGE = """
import os, time
from pathlib import Path
Path(f"{os.environ['NAME']}.pid").write_text(str(os.getpid()))
time.sleep(60)
"""


@pytest.mark.parametrize(("by_dvc", "orphaned"), [(True, True), (True, False), (False, True)])
def test_only_what_dvc_started_and_nobody_waits_for_is_ended(tmp_path, by_dvc, orphaned):
    root = repository(tmp_path)
    (root / "stages").mkdir()
    (root / "stages" / "long.py").write_text(STAGE)
    env = {"NAME": "one", **({"DVC_STAGE": "long"} if by_dvc else {})}
    code = "import subprocess, sys, time; subprocess.Popen([sys.executable, '-m', 'stages.long'])"
    parent = subprocess.Popen(
        [sys.executable, "-c", code + ("" if orphaned else "; time.sleep(60)")], cwd=root, env=os.environ | env
    )
    pid = int(wait_for(root / "one.pid"))
    try:
        if orphaned:
            parent.wait()
        found = [finding.text for finding in examine(root)]
        assert any(f"process {pid} is a stage whose DVC was killed" in text for text in found) == (by_dvc and orphaned)
        mend(root)
        lives = psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE
        assert lives != (by_dvc and orphaned)
    finally:
        for one in (parent.pid, pid):
            if psutil.pid_exists(one):
                psutil.Process(one).kill()
        parent.wait()


def test_a_task_whose_worker_died_fails_and_can_be_queued_again(project, monkeypatch, capsys):
    root = project
    run("dvc", "exp", "run", "--queue", "-n", "one", "-S", "noise=0.2", cwd=root)
    broker = root / ".dvc" / "tmp" / "exps" / "celery" / "broker"
    (message,) = (broker / "in").glob("*.celery.msg")
    message.rename(broker / "processed" / message.name)  # as a worker takes it
    assert "Running" in run("dvc", "queue", "status", cwd=root).stdout
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit):
        main(["doctor", "--dry-run"])
    said = capsys.readouterr().out
    assert said.startswith(
        "one is shown as running, but its queue worker was killed (afterwards: `dvc queue remove one`"
    )
    assert said.endswith("; would be marked as failed\n")
    main(["doctor"])
    assert "Failed" in run("dvc", "queue", "status", cwd=root).stdout
    assert "nothing to mend" not in capsys.readouterr().out
    run("dvc", "queue", "remove", "one", cwd=root)
    run("dvc", "exp", "run", "--queue", "-n", "one", "-S", "noise=0.2", cwd=root)
    assert examine(root) == []


# DVC, killed before the N-th time that it changes files, the index or references through libgit2.
DYING = """
import os, signal, sys
from scmrepo.git.backend.pygit2 import Pygit2Backend as backend
calls = 0

def dying(method):
    def counted(*given, **named):
        global calls
        calls += 1
        if calls == {at}:
            os.kill(os.getpid(), signal.SIGKILL)
        return method(*given, **named)
    return counted

for name in ("_stash_push", "_stash_apply", "_stash_drop", "checkout", "reset", "set_ref"):
    setattr(backend, name, dying(getattr(backend, name)))
from dvc.cli import main
sys.exit(main(["exp", "run", "-S", "noise=0.2"]))
"""


@pytest.mark.parametrize("at", [2, 4, 8, 11, 13])
def test_killed_mended_and_the_same_again(project, at):
    """As DVC detaches HEAD; takes back its own changes; restores the user's; drops the copy; applies them again."""
    edit(project)
    before = state(project)
    done = subprocess.run([sys.executable, "-c", DYING.format(at=at)], cwd=project, capture_output=True)
    assert done.returncode == -9, done.stderr.decode()
    mend(project)
    assert examine(project) == []
    mine = ("README.md", "both.md", "new.md", "untracked.md")
    assert {name: state(project)[0].get(name) for name in mine} == {name: before[0][name] for name in mine}
    assert "gone.md" not in state(project)[0]
    assert state(project)[2:] == ("main\n", "")
    run("dvc", "exp", "run", "-S", "noise=0.2", cwd=project)
    assert (project / "data" / "out").read_text() == "noise: 0.2\n"
    assert {name: state(project)[0].get(name) for name in mine} == {name: before[0][name] for name in mine}
    assert state(project)[2:] == ("main\n", "")
