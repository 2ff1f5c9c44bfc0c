"""Locks, records and leftovers of killed runs: each made by hand, and mended."""

import json
import os
import shutil
import subprocess
import sys
import time

import pytest
from conftest import run
from killed import LOCK, edit, git, locked, mend, repository, started, state

from prunelab.commands import main
from prunelab.doctor import examine

READY = "print('ready', flush=True); input()"


@pytest.fixture
def root(tmp_path):
    return repository(tmp_path)


def texts(root):
    return [finding.text for finding in examine(root)]


def test_a_whole_repository_has_nothing_to_mend(root, monkeypatch, capsys):
    monkeypatch.chdir(root)
    main(["doctor"])
    main(["doctor", "--dry-run"])
    assert capsys.readouterr().out == "nothing to mend\n" * 2


@pytest.mark.parametrize("folder", ["", "exps"])
@pytest.mark.parametrize("content", ["", "{", "[]", '{"write": {"x": 1}}', '{"read": {}, "write": {"a": {"pid":'])
def test_an_rwlock_that_locks_dvc_out(root, folder, content):
    file = locked(root, "a", folder=folder)
    file.write_text(content)
    (text,) = texts(root)
    assert text.startswith(
        f".dvc/tmp/{folder}{'/' if folder else ''}rwlock: cut off while DVC wrote it, and DVC refuses"
    )
    mend(root)
    assert not file.exists()


def test_an_rwlock_of_dead_processes_goes_and_an_empty_one_stays(root):
    file = locked(root, "data/raw", folder="")
    assert "names dead processes" in texts(root)[0]
    mend(root)
    assert not file.exists()
    file.write_text('{"read": {}, "write": {}}')
    assert examine(root) == []


def test_while_a_run_lives_nothing_is_touched(root, monkeypatch, capsys):
    """Which the lock names, however it was started."""
    shutil.copytree(root / "conf", root / "data" / "unfinished" / "rounds")
    process = started([sys.executable, "-c", READY], root)
    try:
        file = locked(root, "data/raw", folder="", pid=process.pid)
        (root / ".git" / "index.lock").touch()
        monkeypatch.chdir(root)
        main(["doctor"])  # status 0: there is nothing to do
        said = capsys.readouterr().out
        assert said.startswith(f"process {process.pid} is at work here (")
        assert said.count("\n") == 1
        assert file.exists()
        assert (root / ".git" / "index.lock").exists()
        assert (root / "data" / "unfinished").exists()
    finally:
        process.communicate("\n")
    os.utime(file)
    assert len(texts(root)) == 3


def test_a_dvc_elsewhere_is_not_here(root, tmp_path_factory):
    script = tmp_path_factory.mktemp("elsewhere") / "dvc"
    script.write_text(READY)
    for where, here in ((root, True), (script.parent, False)):
        process = started([sys.executable, str(script), "repro"], where)
        try:
            assert bool(texts(root)) == here
        finally:
            process.communicate("\n")


LOCKS = ["index.lock", "HEAD.lock", "config.lock", "packed-refs.lock", "refs/heads/main.lock", "refs/exps/stash.lock"]


@pytest.mark.parametrize("inside", ["", "tools/pl"])
def test_locks_of_git_that_nobody_holds(tmp_path, inside):
    root = repository(tmp_path, inside)
    blob = git(root, "rev-parse", "HEAD:./README.md").strip()
    for name in [*LOCKS, f"objects/{blob[:2]}/{blob[2:]}.lock"]:
        (tmp_path / ".git" / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / ".git" / name).write_text("")
    (root / "README.md").write_text("more\n")
    assert run("git", "commit", "-a", "-q", "-m", "x", cwd=root, check=False).returncode
    assert len(texts(root)) == len(LOCKS) + 1
    mend(root)
    assert not list((tmp_path / ".git").rglob("*.lock"))
    git(root, "commit", "-a", "-q", "-m", "x")


def test_a_lock_that_is_held_stays(root):
    lock = root / ".git" / "index.lock"
    process = started([sys.executable, "-c", f"f = open({str(lock)!r}, 'w'); {READY}"], root.parent)
    try:
        assert examine(root) == []
    finally:
        process.communicate("\n")
    assert texts(root) == [".git/index.lock: left by a killed process, and git refuses to work beside it"]
    command = ["git", "cat-file", "--batch"]
    with subprocess.Popen(command, cwd=root, stdin=subprocess.PIPE, stdout=subprocess.PIPE, bufsize=0) as at_work:
        at_work.stdin.write(b"nothing\n")
        assert at_work.stdout.readline() == b"nothing missing\n"  # at work by now
        (finding,) = examine(root)
        assert (finding.mend, finding.harmless) == (None, True)
        at_work.stdin.close()


def test_hard_linked_locks_may_be_another_machines(root, monkeypatch, capsys):
    (root / ".dvc" / "tmp").mkdir()
    (root / ".dvc" / "tmp" / "lock").touch()
    assert examine(root) == []  # held by a system call, not by being there
    (root / ".dvc" / "config").write_text("[core]\n    hardlink_lock = true\n")
    monkeypatch.chdir(root)
    with pytest.raises(SystemExit) as stopped:
        main(["doctor"])
    assert stopped.value.code == 1
    assert "remove it by hand" in capsys.readouterr().out
    assert (root / ".dvc" / "tmp" / "lock").exists()


def test_a_lock_file_of_dvcs_that_was_cut_off(root):
    whole = (root / "dvc.lock").read_text()
    later = json.dumps({**LOCK, "stages": {**LOCK["stages"], "b": LOCK["stages"]["a"]}})
    (root / "dvc.lock").write_text(later)
    git(root, "add", "dvc.lock")  # as DVC does after each stage
    for cut in ("schema: '2.0'\nstages:\n  a:\n    outs: [", "schema: '2.0'\nstages:\n  a:\n    outs:\n    - path: o"):
        (root / "dvc.lock").write_text(cut)
        assert texts(root) == ["dvc.lock: cut off while DVC wrote it, and DVC refuses to start"]
        mend(root)
        assert (root / "dvc.lock").read_text() == later
    assert (root / ".dvc" / "tmp" / "doctor" / "dvc.lock").read_text().startswith("schema")
    git(root, "reset", "-q")
    for cut in ("[", ""):
        (root / "dvc.lock").write_text(cut)
        mend(root)
        assert (root / "dvc.lock").read_text() == whole
    git(root, "rm", "-q", "--cached", "dvc.lock")
    git(root, "commit", "-q", "-m", "without")
    (root / "dvc.lock").write_text("")
    mend(root)
    assert not (root / "dvc.lock").exists()


def test_what_is_the_users_to_decide_is_only_said(root):
    for name, text, said in (
        (
            "dvc.lock",
            "<<<<<<< HEAD\na: 1\n=======\n",
            "dvc.lock: has conflicts of a merge: `git checkout --ours dvc.lock",
        ),
        ("params.yaml", "noise: [\n", "params.yaml: is not YAML: `git checkout params.yaml`, or `dvc exp run`"),
    ):
        git(root, "checkout", "-q", ".")
        (root / name).write_text(text)
        (finding,) = examine(root)
        assert finding.text.startswith(said)
        assert finding.mend is None
        assert not finding.harmless


@pytest.mark.parametrize("name", ["HEAD", "refs/stash", "refs/heads/main"])
def test_a_line_of_a_reflog_that_was_cut_off(root, name):
    """The next entry would stand behind it, and git would take neither for one."""
    (root / "README.md").write_text("first change\n")
    git(root, "stash", "-q")
    file = root / ".git" / "logs" / name
    whole = file.read_bytes()
    file.write_bytes(whole + whole[:70])
    assert texts(root) == [f".git/logs/{name}: its last line was cut off, and the next would be lost with it"]
    mend(root)
    assert file.read_bytes() == whole
    (root / "README.md").write_text("second change\n")
    git(root, "stash", "-q")
    assert git(root, "show", "stash@{0}:README.md") == "second change\n"
    assert git(root, "show", "stash@{1}:README.md") == "first change\n"


@pytest.mark.parametrize("cut", ["", "noise: ["])
def test_what_another_finding_mends_is_mended_once(root, monkeypatch, capsys, cut):
    """params.yaml cut off, and put back with the changes that DVC had taken away, not from git's HEAD as well."""
    edit(root)
    (root / "params.yaml").write_text("noise: 0.3\n")
    git(root, "update-ref", "refs/exps/exec/EXEC_BASELINE", "HEAD")
    locked(root, "workspace", "refs/exps/stash")
    os.utime(root / ".dvc" / "tmp" / "exps" / "rwlock", (time.time() - 2,) * 2)
    git(root, "stash", "-q")
    (root / "params.yaml").write_text(cut)
    monkeypatch.chdir(root)
    main(["doctor"])
    assert "params.yaml" not in capsys.readouterr().out
    assert (root / "params.yaml").read_text() == "noise: 0.3\n"


def test_empty_params_come_back(root):
    (root / "params.yaml").write_text("")
    mend(root)
    assert (root / "params.yaml").read_text() == "noise: 0.4\n"


def test_records_that_were_cut_off(root):
    exps = root / ".dvc" / "tmp" / "exps"
    body = {"body": "eyJtZXRob2QiOiAic2h1dGRvd24ifQ=="}  # {"method": "shutdown"}
    broken = {
        "run/abc/abc.run": "",
        "run/workspace/workspace.json": "{",
        "standalone/run/x/x.run": '{"a":',
        "celery/broker/in/1.celery.msg": "",
        "celery/broker/control/celery.exchange": "[",
        "celery/result/celery-task-meta-1": "{",
        "celery/broker/in/2.w@localhost.celery.pidbox.msg": json.dumps(body),
    }
    whole = {"run/def/def.run": "{}", "celery/broker/processed/3.pidbox.msg": json.dumps(body), "run/def/def.out": ""}
    for name, text in (broken | whole).items():
        (exps / name).parent.mkdir(parents=True, exist_ok=True)
        (exps / name).write_text(text)
    mend(root)
    assert [name for name in broken if (exps / name).exists()] == []
    assert [name for name in whole if not (exps / name).exists()] == []
    kept = {file.name for file in (exps.parent / "doctor").iterdir()}
    assert {"abc.run", "1.celery.msg", "celery.exchange"} <= kept


def test_leftovers_go_and_what_is_not_one_stays(root):
    name = f".{'x' * 22}.tmp"
    gone = ["data/unfinished/rounds/r03/seed0/a", f"data/raw/{name}", f".dvc/cache/files/md5/ab/{name}"]
    gone += [
        f".dvc/cache/runs/ab/abcd/{name}",
        ".dvc/tmp/exps/standalone/tmpabc/x",
        ".dvc/tmp/exps/tmpdef/x",
        ".dvc/tmp/repro.dat",
    ]
    stay = ["data/source/mine.tmp", "data/raw/x.npy", ".dvc/cache/files/md5/ab/cd", f".dvc/cache/files/md5/cd/{name}"]
    stay += [
        f".dvc/cache/runs/ab/whole/{'0' * 64}",
        ".dvc/tmp/exps/run/abc/abc.out",
        f"{name}",
        ".dvc/tmp/exps/standalone/run/abc/abc.run",
    ]
    for path in (*gone, *stay):
        (root / path).parent.mkdir(parents=True, exist_ok=True)
        (root / path).write_text(json.dumps({"status": 6}))  # of an experiment beside the working tree: all done
    (root / ".dvc/cache/runs/ab/empty").mkdir()
    gone += [".dvc/cache/runs/ab/abcd", ".dvc/cache/runs/ab/empty"]
    hour_ago = time.time() - 3700
    os.utime(root / gone[2], (hour_ago, hour_ago))
    git(root, "add", "-f", ".dvc/tmp/repro.dat")
    before = [finding.text for finding in examine(root)]
    assert any("data/unfinished: what a killed stage had not finished (rounds/r03)" in text for text in before)
    mend(root)
    assert [path for path in gone if (root / path).exists()] == []
    assert [path for path in stay if not (root / path).exists()] == []
    assert state(root)[1] == ""
    assert examine(root) == []


def test_a_clone_in_which_somebody_stands_stays(root):
    clone = root / ".dvc" / "tmp" / "exps" / "standalone" / "tmpabc"
    clone.mkdir(parents=True)
    process = started([sys.executable, "-c", READY], clone)
    try:
        (finding,) = examine(root)
        with pytest.raises(Exception, match="a process stands in it"):
            finding.mend()
        assert clone.exists()
    finally:
        process.communicate("\n")


def test_dead_numbers_are_told_from_reused_ones(root):
    """The process that has the number now is younger than the lock."""
    process = started([sys.executable, "-c", READY], root.parent)
    try:
        file = locked(root, "a", folder="", pid=process.pid)
        os.utime(file, (time.time() - 3600,) * 2)
        assert "names dead processes" in texts(root)[0]
    finally:
        process.communicate("\n")
