"""A real sweep, remotes and all, on settings as small as they go; a worker dies on the way."""

import contextlib
import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import time
from pathlib import Path

import psutil
import pytest
from conftest import TINY, clone, ran, run

from prunelab import programs
from prunelab.commands import main, sweep
from prunelab.sweeps import board, clones, clusters, plan, remotes, replicates

GRID = [*TINY, "n_rounds=1", "seeds=[0]", "noise=0.2,0.4"]


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """A clone with a git and a DVC remote, whose last commit is on the former."""
    folder = tmp_path_factory.mktemp("sweep")
    run("git", "init", "-q", "--bare", "-b", "main", folder / "origin.git", cwd=folder)
    here = folder / "here"
    here.mkdir()
    clone(here)
    run("git", "remote", "add", "origin", folder / "origin.git", cwd=here)
    return here


def refused(where, monkeypatch, *command):
    """The line a command in this process ends with."""
    monkeypatch.chdir(where)
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert "\n" not in str(stopped.value)
    return str(stopped.value)


def test_what_other_machines_could_not_start_from_is_one_line(where, monkeypatch):
    assert "the last commit is not on origin" in refused(where, monkeypatch, "sweep", *GRID)
    run("git", "push", "-q", "origin", "main", cwd=where)
    assert refused(where, monkeypatch, "sweep", *GRID).startswith("error: no default DVC remote")
    run("dvc", "remote", "add", "-q", "-d", "storage", where.parent / "storage", cwd=where)
    changed = refused(where, monkeypatch, "sweep", *GRID)
    assert changed.startswith("error: .dvc/config: differs from the last commit")
    run("git", "commit", "-q", "-a", "-m", "remote", cwd=where)
    run("git", "push", "-q", "origin", "main", cwd=where)
    for wrong, said in (
        (["--cluster", "moon"], "--cluster moon: must be one of local, slurm or an address"),
        (["--workers", "0"], "--workers 0: must be at least 1"),
        (["--option", "x"], "--option x: must be NAME=VALUE"),
    ):
        assert said in refused(where, monkeypatch, "sweep", *GRID, *wrong)


def test_a_killed_worker_does_not_lose_an_experiment(where):
    env = {**os.environ, "PYTHONPATH": str(where / "src")}
    process = subprocess.Popen(
        [sys.executable, "-c", "from prunelab.commands import main; main()", "sweep", *GRID, "--workers", "2"],
        cwd=where,
        env=env,
        text=True,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
    )
    killed = None
    for _ in range(1500):
        stages = [
            p for p in psutil.Process(process.pid).children(recursive=True) if "stages.prune" in " ".join(_cmd(p))
        ]
        if stages:
            killed = os.getpgid(stages[0].pid)
            os.killpg(killed, signal.SIGKILL)
            break
        time.sleep(0.1)
    printed, _ = process.communicate(timeout=240)
    assert killed not in (None, os.getpgid(0)), printed
    assert process.returncode == 0, printed
    assert "2 of 2 experiments are on origin and storage" in printed
    begun = re.findall(r"worker \d+: (noise-0\.[24])$", printed, re.M)
    assert len(begun) == 3  # one of them twice
    refs = run("git", "ls-remote", "origin", "refs/exps/*", cwd=where).stdout
    assert sorted(line.split("/")[-1] for line in refs.splitlines()) == ["noise-0.2", "noise-0.4"]


def test_the_same_again_computes_nothing_and_other_parameters_are_refused(where, monkeypatch, capsys):
    monkeypatch.chdir(where)
    main(["sweep", *GRID])
    printed = capsys.readouterr().out
    assert printed.count("there already") == 2
    assert "2 of 2 experiments" in printed
    other = refused(where, monkeypatch, "sweep", *GRID, "train.epochs=3")
    assert other == "error: noise-0.2: is on origin with other parameters; use --name PREFIX"


def test_the_queue_takes_what_is_missing_and_names_that_are_free(where, monkeypatch, capsys):
    other = refused(where, monkeypatch, "queue", *GRID, "train.epochs=3")
    assert other.startswith("error: noise-0.2: there is such an experiment, with other parameters; `dvc exp remove ")
    main(["queue", *GRID])
    assert "noise-0.2: there already\nnoise-0.4: there already\n" in capsys.readouterr().out
    for said in ("queueing", "queued already"):
        main(["queue", "--name", "first", *TINY, "noise=0.3"])
        assert said in "".join(capsys.readouterr())
    assert run("dvc", "queue", "status", cwd=where).stdout.count("first_") == 1


def test_someone_else_has_the_curves_without_computing(where, tmp_path, monkeypatch, capsys):
    """README, "Share results": clone, pull, and see the same curve."""
    run("git", "clone", "-q", where.parent / "origin.git", tmp_path / "there", cwd=tmp_path)
    there = tmp_path / "there"
    assert "noise-0.2" in run("dvc", "exp", "list", "origin", cwd=there).stdout
    run("dvc", "exp", "pull", "origin", "noise-0.2", "noise-0.4", cwd=there)
    assert "noise-0.4" in run("dvc", "exp", "show", "--csv", cwd=there).stdout
    run("git", "config", "user.name", "test", cwd=there)
    run("git", "config", "user.email", "test@example.org", cwd=there)
    run("dvc", "exp", "apply", "noise-0.2", cwd=there)
    assert "Running stage" not in run("dvc", "repro", cwd=there).stdout
    assert list((there / "data" / "rounds" / "r01").glob("replicates/seed0/*"))
    monkeypatch.chdir(there)
    main(["compare", "noise-*"])
    printed = capsys.readouterr().out
    assert "20% noise" in printed
    assert "40% noise" in printed
    assert (there / "comparison" / "grid.png").is_file()


@contextlib.contextmanager
def without(storage):
    """Meanwhile the largest file of a DVC remote is gone."""
    files = [file for file in (storage / "files" / "md5").rglob("*") if file.is_file()]
    lost = max(files, key=lambda file: file.stat().st_size)
    lost.rename(f"{lost}.aside")
    yield
    Path(f"{lost}.aside").rename(lost)


def test_what_a_remote_lacks_is_named_with_its_log(where, monkeypatch, capsys):
    """One file of the DVC remote is gone: of the two experiments one is not whole. The other's commit is elsewhere."""
    monkeypatch.chdir(where)
    points = [plan.Point(name, (), {}) for name in ("noise-0.2", "noise-0.4", "noise-0.6")]
    with without(where.parent / "storage"):
        results = {
            "noise-0.6": (
                False,
                "$ dvc exp remove\nERROR: harmless\n$ dvc exp run\nwhat it printed\nerror: device: no\n",
            )
        }
        problems = sweep._verified(points, remotes.origin(), results)
    assert (
        problems.pop("noise-0.6")
        == "noise-0.6: its commit, on the git remote; device: no (log: .dvc/tmp/sweep/noise-0.6.log)"
    )
    assert (where / ".dvc/tmp/sweep/noise-0.6.log").read_text().startswith("$ dvc exp remove\n")
    assert 1 <= len(problems) <= 2
    assert all(re.match(rf"{name}: data/\S+", line) for name, line in problems.items())
    assert sweep._verified(points[:2], remotes.origin(), {}) == {}


SECRET = "wJalrXUtnFEMI/K7MDENG"


def cloned(origin, folder, before):
    """On a worker: what making a clone prints, its options as DVC reads them, and what a failing command prints.

    The worker has run another sweep already, of the commit before.
    """
    earlier = dataclasses.replace(origin, commit=before)
    clones.clone(folder, earlier, clones.Shell("w", programs.environment(), origin.secrets()))
    again = clones.Shell("w", programs.environment(), origin.secrets())
    clones.clone(folder, earlier, again)
    assert again.log == ""
    shell = clones.Shell("x", programs.environment(), origin.secrets())
    there = clones.clone(folder, origin, shell)
    made = shell.log
    assert run("git", "rev-parse", "HEAD", cwd=there).stdout.strip() == origin.commit
    listed = subprocess.run(["dvc", "config", "--list"], cwd=there, env=programs.environment(), capture_output=True)
    with pytest.raises(clones.FailedError) as failed:
        shell("sh", "-c", f"echo 'no such user {SECRET}, https://me:pass@host/x'; exit 1", cwd=there)
    local = there / ".dvc" / "config.local"
    return made, listed.stdout.decode(), str(failed.value), local.stat().st_mode & 0o777


@pytest.fixture
def _port_taken():
    """Dask's usual one, as by somebody else's sweep."""
    with socket.socket() as other:
        with contextlib.suppress(OSError):  # it is already
            other.bind(("", 8787))
            other.listen()
        yield


@pytest.mark.usefixtures("_port_taken")
def test_a_remotes_secrets_reach_the_clone_and_no_log(where, tmp_path):
    commit, before = run("git", "rev-parse", "HEAD", "HEAD^", cwd=where).stdout.split()
    given = (("url", "s3://bucket/path"), ("secret_access_key", SECRET), ("ssl_verify", "false"), ("region", "eu-1"))
    cache = tmp_path / "cache"
    cache.mkdir()
    origin = remotes.Origin(str(where), commit, "storage", given, str(cache), "me", "me@example.org")
    with clusters.client("local", 1, [], tmp_path / "scratch") as client:
        made, settings, failed, mode = client.submit(cloned, origin, tmp_path / "worker", before).result()
        assert clusters.workers(client, "local", 7) == 7
        assert clusters.workers(client, client.scheduler.address, 7) == 1
    assert f"remote.storage.secret_access_key={SECRET}\n" in settings
    for line in ("url=s3://bucket/path", "ssl_verify=false", "region=eu-1"):
        assert f"remote.storage.{line}\n" in settings
    assert "core.remote=storage\n" in settings
    assert f"cache.dir={cache}\n" in settings
    assert mode == 0o600
    assert "$ git clone" in made
    assert "***" not in made  # no command was given it
    assert "no such user ***, https://***@host/x\n" in failed
    assert SECRET not in made + failed + repr(origin)
    assert "eu-1" not in repr(origin)


def test_secrets_are_left_out_whole_and_line_by_line():
    options = (("url", "s3://b"), ("use_ssl", "true"), ("port", "22"), ("key", '{\n"k": "abc"\n}'), ("token", "abc"))
    origin = remotes.Origin("u", "c", "s", options, "", "", "")
    assert origin.secrets() == {"{", '"k": "abc"', "}", "abc"}
    assert programs.without_secrets('x "k": "abc" abc 22 true', ["abc", '"k": "abc"']) == "x *** *** 22 true"
    assert (
        programs.without_secrets("git@host:x https://host/a@b ssh://u@h/") == "git@host:x https://host/a@b ssh://***@h/"
    )


def test_an_experiment_that_stopped_early_is_not_there(where, monkeypatch, capsys):
    """As somebody may have pushed it under the name of a point of the grid: it is computed, and not taken for whole."""
    options = plan.options([*GRID[:-1], "noise=0.7"])
    run("dvc", "exp", "run", "--temp", "-n", "noise-0.7", *options, "corrupt", cwd=where)
    run("dvc", "exp", "push", "origin", "noise-0.7", cwd=where)
    monkeypatch.chdir(where)
    (point,) = plan.points([*GRID[:-1], "noise=0.7"], "")
    point = plan.Point("noise-0.7", point.overrides, point.params)
    assert sweep._not_there_yet([point], remotes.origin()) == [point]
    assert capsys.readouterr().out == "noise-0.7: there already, but ran only up to corrupt\n"
    (said,) = sweep._verified([point], remotes.origin(), {}).values()
    assert said == "noise-0.7: ran only up to corrupt (log: .dvc/tmp/sweep/noise-0.7.log)"


def test_replicates_computed_apart_are_the_study_computed_at_once(where, tmp_path, monkeypatch, capsys):
    """One part is there, as after a sweep that was cut off: of seed 0, which DVC remembers from the grid above."""
    small = [*(one for one in GRID[:-1] if not one.startswith("seeds=")), "noise=0.2"]
    part = "seeds-1-2-0_part-0"
    options = plan.options([*small, "seeds=[0]"])
    run("dvc", "exp", "run", "--temp", "-n", part, *options, "dense", "prune", "redense", cwd=where)
    run("dvc", "exp", "push", "origin", part, cwd=where)
    run("dvc", "exp", "remove", part, cwd=where)
    monkeypatch.chdir(where)
    with monkeypatch.context() as patch:
        patch.setattr(sweep, "_computed", lambda studies, origin, options: {})
        with pytest.raises(SystemExit) as stopped:
            main(["sweep", *small, "seeds=1,2,0"])
    assert stopped.value.code == 1
    printed = capsys.readouterr().out
    assert "missing: seeds-1-2-0: its commit, on the git remote (log: " in printed
    assert f"kept, for the same command again: {part}\n" in printed
    (point,), origin = plan.points([*small, "seeds=1,2,0"], apart=True), remotes.origin()
    study = replicates.split(point, 2)
    assert sweep._parts_to_do(study, origin) == [study.parts[0]]
    with without(where.parent / "storage"):
        assert sweep._parts_to_do(study, origin) == [*study.parts]
    command = [sys.executable, "-m", "prunelab", "sweep", *small, "seeds=1,2,0", "--workers", "2"]
    printed = run(*command, cwd=where, env={"PYTHONPATH": str(where / "src")}).stdout
    assert f"{part}: there already\n" in printed
    assert re.findall(r"worker \d+: (\S+)$", printed, re.M) == ["seeds-1-2-0_part-1-2", "seeds-1-2-0"]
    assert "1 of 1 experiments are on origin and storage" in printed
    listed = run("git", "ls-remote", "origin", "refs/exps/*/seeds-*", cwd=where).stdout
    assert [line.split("/")[-1] for line in listed.splitlines()] == ["seeds-1-2-0"]

    run("git", "clone", "-q", where.parent / "origin.git", tmp_path / "there", cwd=tmp_path)
    there = tmp_path / "there"
    for key, value in (("user.name", "test"), ("user.email", "test@example.org")):
        run("git", "config", key, value, cwd=there)
    at_once = run("dvc", "exp", "run", "-n", "once", *plan.options([*small, "seeds=[1,2,0]"]), cwd=there).stdout
    assert len(ran(at_once)) == 7  # nothing was there: its cache is its own
    run("git", "fetch", "-q", "origin", "refs/exps/*:refs/exps/*", cwd=there)
    # dvc.lock, which has the MD5 of every output, parameters, plots and metrics.
    once, merged = (
        run("git", "for-each-ref", f"refs/exps/**/{name}", "--format=%(tree)", cwd=there).stdout.strip()
        for name in ("once", "seeds-1-2-0")
    )
    assert once
    assert run("git", "diff", "--stat", once, merged, cwd=there).stdout == ""


def test_a_board_counts_a_task_that_begins_anew_anew():
    with board.Board({"a": 3, "b": 3}) as seen:
        seen.show({"name": "a", "where": "0", "stage": None})
        for stage in ("fetch", "dense", "dense"):
            seen.show({"name": "a", "where": "0", "stage": stage})
        assert seen._bar.n == 2
        seen.show({"name": "a", "where": "1", "stage": None})
        assert seen._bar.n == 0
        seen.show({"name": "a", "ended": True})
        assert seen._bar.n == 3


def _cmd(process):
    try:
        return process.cmdline()
    except psutil.Error:
        return []
