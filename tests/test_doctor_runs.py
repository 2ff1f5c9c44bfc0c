"""Processes and queue tasks that outlive a kill, and real kills of DVC: the doctor, then the same command again."""

import json
import os
import shutil
import subprocess
import sys
import time

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
Path(f"{os.environ['NAME']}.pid").write_text(f"{os.getpid()}\\n")
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
    pid = parent.pid
    try:
        pid = int(wait_for(root / "one.pid"))
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


def queued(root):
    """An experiment in the queue; its commit, and its message."""
    run("dvc", "exp", "run", "--queue", "-n", "one", "-S", "noise=0.2", cwd=root)
    (message,) = (root / ".dvc" / "tmp" / "exps" / "celery" / "broker" / "in").glob("*.celery.msg")
    return git(root, "rev-parse", "refs/exps/celery/stash").strip(), message


@pytest.mark.parametrize("begun", [False, True])
def test_a_task_whose_worker_died_is_queued_again(project, monkeypatch, capsys, begun):
    """Before or after the worker took it out of git's reference."""
    revision, message = queued(project)
    taken = message.parent.parent / "processed" / message.name
    message.rename(taken)  # as a worker takes it
    if begun:
        git(project, "update-ref", "-d", "refs/exps/celery/stash")
    assert "Running" in run("dvc", "queue", "status", cwd=project).stdout
    monkeypatch.chdir(project)
    with pytest.raises(SystemExit):
        main(["doctor", "--dry-run"])
    assert capsys.readouterr().out.endswith("; would be put back into the queue\n")
    main(["doctor"])
    said = capsys.readouterr().out
    assert said.startswith("one is shown as running, but its queue worker was killed; go on with `dvc queue start`")
    assert said.endswith("put back into the queue\n")
    assert message.exists()
    assert not taken.exists()
    assert "Queued" in run("dvc", "queue", "status", cwd=project).stdout
    assert git(project, "log", "-g", "-1", "--format=%H", "refs/exps/celery/stash").strip() == revision
    assert examine(project) == []


@pytest.mark.parametrize("later", [True, False])
def test_a_task_that_was_killed_once_it_had_its_result_is_taken_off(project, later):
    """Unless that is an earlier one's, which it is to replace."""
    _, message = queued(project)
    message.rename(message.parent.parent / "processed" / message.name)
    baseline = git(project, "rev-parse", "HEAD").strip()
    when = {f"GIT_{who}_DATE": f"{time.time() + (1 if later else -100):.0f} +0000" for who in ("AUTHOR", "COMMITTER")}
    commit = run("git", "commit-tree", "-m", "x", "HEAD^{tree}", cwd=project, env=when).stdout.strip()
    git(project, "update-ref", f"refs/exps/{baseline[:2]}/{baseline[2:]}/one", commit)
    assert any("its result is there" in text for text in mend(project)) == later
    assert ("No experiment tasks" in run("dvc", "queue", "status", cwd=project).stdout) == later
    assert message.exists() != later


@pytest.mark.parametrize("returncode", [-9, 255])
def test_a_task_that_failed_is_named_if_it_was_killed(project, returncode):
    revision, message = queued(project)
    message = message.rename(message.parent.parent / "processed" / message.name)
    folder = project / ".dvc" / "tmp" / "exps" / "run" / revision
    folder.mkdir(parents=True)
    (folder / f"{revision}.json").write_text(json.dumps({"pid": 1, "returncode": returncode}))
    number = json.loads(message.read_bytes())["headers"]["id"]
    code = "from dvc.repo import Repo; Repo().experiments.celery_queue.celery.backend.mark_as_failure({!r}, None)"
    run("python", "-c", code.format(number), cwd=project)
    for last, killed in (("ERROR: failed to run: cp a b, exited with 1", False), ("..., exited with -9", True)):
        (folder / f"{revision}.out").write_text(last + "\n")
        named = [finding for finding in examine(project) if "failed in the queue because it was killed" in finding.text]
        assert bool(named) == (killed or returncode < 0)
        assert all(finding.harmless and "`dvc queue remove one`" in finding.text for finding in named)


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
