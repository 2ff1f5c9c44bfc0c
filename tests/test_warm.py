"""Stages started warm: they can tell no difference, none runs stale code, and nothing outlives anything."""

import contextlib
import os
import runpy
import signal
import socket
import subprocess
import sys
import time
from types import SimpleNamespace

import psutil
import pytest
from conftest import ROOT, TINY, clone, run
from warmed import (
    IDLE,
    command,
    defaults,
    edit,
    environ,
    folder,
    forks,
    looked,
    page,
    processes,
    servers,
    stage,
    started,
    until,
    warm,
)

from prunelab.warm import SWITCH


@pytest.fixture(scope="module")
def toy(tmp_path_factory):
    """A folder with stages; at the end no process of it may be left, IDLE seconds after the last stage."""
    where = folder(tmp_path_factory.mktemp("toy").resolve())
    yield where
    until(lambda: not [p for p in processes() if str(where) in " ".join(p.info["cmdline"])], IDLE + 10)


def test_a_stage_cannot_tell_how_it_was_started(toy):
    cold = stage(toy, "look", "--some", "ü", given="in", **{SWITCH: "0"})
    forked = stage(toy, "look", "--some", "ü", given="in")
    assert (warm(cold), warm(forked)) == (False, True)
    assert looked(forked) == looked(cold)


def test_by_hand_there_is_none(toy):
    done = subprocess.run(command("look"), cwd=toy, capture_output=True, text=True, stdin=subprocess.DEVNULL)
    assert not warm(done)


ENDS = {
    "pass": (0, ""),
    "import sys; sys.exit(3)": (3, ""),
    "import sys; sys.exit('error: noise')": (1, "error: noise\n"),
    "import os; os._exit(7)": (7, ""),
    "import os; os.kill(os.getpid(), 9)": (-9, ""),
    "import os; os.kill(os.getpid(), 15)": (-15, ""),
    "import os; os.abort()": (-6, ""),
    "import atexit; atexit.register(print, 'last')": (0, ""),
}


@pytest.mark.parametrize("text", ENDS)
def test_it_ends_as_the_stage_ends(toy, text):
    page(toy, "ends", text)
    done = stage(toy, "ends")
    assert (done.returncode, done.stderr) == ENDS[text]
    assert done.stdout == ("last\n" if "atexit" in text else "")


def test_a_mistake_in_the_code_is_shown_whole(toy):
    page(toy, "ends", "def f():\n    raise ValueError('this')\nf()")
    done = stage(toy, "ends")
    assert done.returncode == 1
    assert done.stderr.startswith("Traceback")
    assert done.stderr.endswith("ValueError: this\n")
    assert f'File "{toy}/stages/ends.py", line 2' in done.stderr


def test_code_is_that_of_the_folder_at_that_moment(toy, tmp_path):
    """Also where size and time of change are the same, and in another folder that has another `prunelab`."""
    module, mine = toy / "src/prunelab/fresh.py", "from prunelab import fresh; print(fresh.VALUE, fresh.__file__)"
    page(toy, "ends", mine)
    for value in "123":
        module.write_text(f"VALUE = {value}")
        os.utime(module, ns=(int(value) * 10**9,) * 2)
        assert stage(toy, "ends").stdout == f"{value} {module}\n"
    page(toy, "ends", mine.replace("print(", "print(  "))
    assert stage(toy, "ends").stdout == f"3 {module}\n"
    other = folder(tmp_path.resolve())
    (other / "src/prunelab/fresh.py").write_text("VALUE = 4")
    page(other, "ends", mine)
    assert stage(other, "ends").stdout == f"4 {other}/src/prunelab/fresh.py\n"


ASK = "import sys; sys.path.insert(0, 'src'); from prunelab import warm; print(repr(warm.address()))"
UNINTERRUPTED = ["sh", "-c", 'trap "" INT; exec "$@"', "sh"]
SAME = {
    "nothing": [],
    "the stage": ["env", "DVC_STAGE=prune@r01"],
    "the test": ["env", "PYTEST_CURRENT_TEST=x"],
}
OTHER = {
    "a switch of a library's": ["env", "OMP_NUM_THREADS=2"],
    "fewer cores": ["taskset", "-c", str(min(os.sched_getaffinity(0)))],
    "lower priority": ["nice", "-n", "3"],
    "fewer files": ["prlimit", "--nofile=300"],
    "no interrupts": UNINTERRUPTED,
    "another session": ["setsid", "-w"],
    "files for nobody else": ["sh", "-c", 'umask 77; exec "$@"', "sh"],
}


def asks(*prefix):
    """Where a process that is started so asks for a fork."""
    return subprocess.run(
        [*prefix, sys.executable, "-c", ASK],
        cwd=ROOT,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        check=True,
        preexec_fn=defaults,
    ).stdout


@pytest.mark.parametrize("prefix", SAME.values(), ids=SAME)
def test_all_stages_of_a_run_ask_at_one_address(prefix):
    assert asks(*prefix) == asks()


@pytest.mark.parametrize("prefix", OTHER.values(), ids=OTHER)
def test_what_a_process_takes_from_its_parent_is_part_of_the_address(prefix):
    assert asks(*prefix) != asks()


def test_so_are_installed_packages_and_this_file(toy, monkeypatch):
    packages = toy / "site-packages"
    packages.mkdir()
    monkeypatch.syspath_prepend(packages)
    found = [warm_of(toy).address()]
    (packages / "new.py").touch()
    os.utime(packages, (1, 1))
    found.append(warm_of(toy).address())
    with edited(toy / "src/prunelab/warm.py", "from a process", "from  a process"):
        found.append(warm_of(toy).address())
    assert len({*found}) == 3


def warm_of(where):
    return SimpleNamespace(**runpy.run_path(str(where / "src/prunelab/warm.py")))


@contextlib.contextmanager
def edited(file, old, new):
    before = file.read_text()
    edit(file, old, new)
    yield
    file.write_text(before)


def test_of_two_at_the_same_time_one_starts_the_forking_process(toy):
    switch = {"OF_THIS_TEST": "1"}
    both = [subprocess.Popen(command("look"), cwd=toy, env=environ(**switch), **PIPES) for _ in range(4)]
    said = [process.communicate("") for process in both]
    assert [err.split()[-1] for _, err in said] == ["True"] * 4
    assert len([p for p in servers(toy) if p.environ().get("OF_THIS_TEST")]) == 1


PIPES = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}


def test_an_interrupt_reaches_the_stage_and_is_its_end(toy):
    process, said = started(toy)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to whatever it started
    assert process.wait(20) == -signal.SIGINT
    assert said.read_text() == "interrupted"
    assert (toy / "printed").read_text().endswith("KeyboardInterrupt\n")
    assert not forks(toy)


def test_where_interrupts_are_ignored_the_stage_ignores_them(toy):
    process, said = started(toy, *UNINTERRUPTED)
    os.killpg(process.pid, signal.SIGINT)
    time.sleep(0.3)
    assert (process.poll(), said.read_text()) == (None, "begun")
    process.kill()
    process.wait()
    until(lambda: not forks(toy))


def test_a_stopped_stage_stands_still_and_goes_on(toy):
    process, _ = started(toy)
    os.killpg(process.pid, signal.SIGTSTP)
    until(lambda: all(p.status() == "stopped" for p in [psutil.Process(process.pid), *forks(toy)]))
    assert len(forks(toy)) == 2  # the stage and its replicate
    os.killpg(process.pid, signal.SIGCONT)
    until(lambda: not any(p.status() == "stopped" for p in [psutil.Process(process.pid), *forks(toy)]))
    os.killpg(process.pid, signal.SIGTSTP)
    until(lambda: all(p.status() == "stopped" for p in forks(toy)))
    process.kill()
    process.wait()
    until(lambda: not forks(toy))


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM, signal.SIGHUP])
def test_if_what_dvc_started_is_killed_so_is_the_stage(toy, number):
    process, said = started(toy)
    process.send_signal(number)
    assert process.wait(20) == -number
    until(lambda: not forks(toy))
    assert said.read_text() == "begun"


def test_if_dvc_is_killed_so_is_the_stage(toy):
    dvc, _ = started(toy, sys.executable, "-c", "import subprocess, sys; subprocess.run(sys.argv[1:])")
    dvc.kill()
    dvc.wait()
    until(lambda: not forks(toy))


def test_if_the_forking_process_is_killed_its_stage_says_so_and_the_next_is_started_anew(toy):
    process, _ = started(toy)
    for server in servers(toy):
        server.kill()
    assert process.wait(20) == 1
    line = "error: the process that started this stage was killed, and the stage with it; run it again, or with "
    assert (toy / "printed").read_text() == f"\n{line}{SWITCH}=0\n"
    until(lambda: not forks(toy))
    assert warm(stage(toy, "look"))


def test_without_the_libraries_a_stage_runs_as_if_there_were_none(toy, tmp_path):
    (tmp_path / "torch.py").write_text("raise ImportError")
    assert not warm(stage(toy, "look", PYTHONPATH=str(tmp_path)))


def test_nonsense_at_the_address_is_not_answered(toy):
    page(toy, "ends", "import sys; sys.path.insert(0, 'src'); from prunelab import warm; print(warm.address()[1:])")
    where = "\0" + stage(toy, "ends").stdout.strip()
    for nonsense in (b"", b"12", b"\x02\0\0\0{}", b"\x05\0\0\0null!", b"\x02\0\0\0[]"):
        with socket.socket(socket.AF_UNIX) as link:
            link.connect(where)
            socket.send_fds(link, [nonsense], [0, 1, 2])
            link.shutdown(socket.SHUT_WR)
            with contextlib.suppress(ConnectionResetError):
                assert link.recv(1) == b""
    assert warm(stage(toy, "look"))


def test_a_study_has_the_same_bytes(tmp_path):
    where = clone(tmp_path)
    options = [part for change in TINY for part in ("-S", change)]
    locks = []
    for switch in ("0", "1"):
        run("dvc", "exp", "run", "-f", *options, "prune@r01", cwd=where, env={SWITCH: switch})
        locks.append((where / "dvc.lock").read_text())
    assert locks[0] == locks[1]
