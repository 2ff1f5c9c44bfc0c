"""Stages start warm: forked from a process that has imported PyTorch, which takes each of them more than a second.

The first stage that DVC runs starts that process; it ends by itself when there was nothing to do for IDLE seconds.
It has imported libraries only, never a line of this project but this file, so that every stage runs the code that lies
in its folder. What a process takes from the one that forks it (environment, limits, cores, namespaces, ignored signals,
installed packages, this file) is part of the address at which it is asked: another of any of them, another process.

To DVC nothing is different. The process it started stays, and passes on what a terminal sends: an interrupt, a stop. It
ends as the stage ends; if it is killed, so is the stage; and if the forking process is killed, so are its stages. Where
any of this cannot be had, and with PRUNELAB_WARM=0, the stage runs in the process that DVC started.

This file imports nothing of the project. It is run by its path, too: that is the forking process.
"""

import contextlib
import gc
import glob
import hashlib
import importlib
import io
import json
import os
import runpy
import selectors
import signal
import socket
import struct
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import NoReturn

SWITCH = "PRUNELAB_WARM"  # 0: off
IDLE = 15.0  # seconds
LIBRARIES = ("torch", "numpy", "numba", "scipy.sparse.linalg", "safetensors.torch", "pydantic", "ruamel.yaml", "tqdm")
# Not everybody has these; a stage that logs would load them for half a second, with its training waiting for it.
OPTIONAL = ("dvclive", "dvc.repo")
# Those of the environment that differ from stage to stage, or from test to test, and of which no library takes notice.
VOLATILE = (SWITCH, "PWD", "OLDPWD", "SHLVL", "_")
VOLATILE_FAMILIES = ("DVC", "PYTEST_")
INHERITED = ("Uid", "Gid", "Groups", "Umask", "NoNewPrivs", "Seccomp", "Cap", "SigBlk", "SigIgn", "Cpus_", "Mems_")
PASSED_ON = (signal.SIGINT, signal.SIGSTOP, signal.SIGCONT)
STATUS = struct.Struct("i")


def hand_over() -> None:
    """Have this stage run by a fork, and end as it ends; return if it is to run here.

    To be called before anything is imported that takes long, by what `python -m stages.NAME` imports first.
    """
    by_dvc = "DVC_STAGE" in os.environ and " ".join(sys.orig_argv[1:]).startswith("-m stages.")
    if not by_dvc or os.environ.get(SWITCH, "1") == "0":
        return
    interrupted = signal.getsignal(signal.SIGINT)
    if interrupted == signal.default_int_handler:
        signal.signal(signal.SIGINT, signal.SIG_DFL)  # there is nothing to clean up, nor to say
    began = False
    with contextlib.suppress(OSError, ValueError):
        _end_with(os.getppid())
        link = _connect(address())
        began = _ask(link)
    if began:
        _wait(link)
    signal.signal(signal.SIGINT, interrupted)


def address() -> str:
    """Of the process that forks for such a process as this: in Linux's abstract namespace, so no file is left."""
    given = [repr(sys.version), sys.executable, hashlib.sha256(Path(__file__).read_bytes()).hexdigest()]
    given += [f"{name}={value}" for name, value in sorted(os.environ.items()) if not _volatile(name)]
    given += [f"{path} {os.stat(path).st_mtime_ns}" for path in sys.path if path.endswith("-packages")]
    given += [f"{path} {os.readlink(path)}" for path in [*sorted(glob.glob("/proc/self/ns/*")), "/proc/self/root"]]
    given += [line for line in _proc("status").splitlines() if line.startswith(INHERITED)]
    given += [_proc("limits"), _proc("cgroup"), _proc("oom_score_adj")]
    given += [str(os.getsid(0)), str(os.getpriority(os.PRIO_PROCESS, 0)), str(os.sched_getscheduler(0))]
    return "\0prunelab-" + hashlib.sha256("\n".join(given).encode("utf-8", "surrogateescape")).hexdigest()


def _volatile(name: str) -> bool:
    return name in VOLATILE or name.startswith(VOLATILE_FAMILIES)


def _proc(name: str) -> str:
    with contextlib.suppress(OSError):
        return Path("/proc/self", name).read_text()
    return ""


def _connect(where: str) -> socket.socket:
    """A connection to the forking process, which is started if there is none."""
    link = socket.socket(socket.AF_UNIX)
    try:
        link.connect(where)
    except ConnectionRefusedError:
        # Bound here: of two that come at the same time only one can, and the other is soon answered at that address.
        with socket.socket(socket.AF_UNIX) as door, contextlib.suppress(FileExistsError):
            door.bind(where)
            door.listen(socket.SOMAXCONN)
            _start(door)
        link.connect(where)
    if _peer(link) != os.geteuid():
        raise ConnectionRefusedError(where)
    return link


def _start(door: socket.socket) -> None:
    """The forking process: of this one it has its address, and no signal of the terminal reaches it."""
    null = subprocess.DEVNULL
    subprocess.Popen(
        [sys.executable, "-P", __file__, str(door.fileno())],
        stdin=null,
        stdout=null,
        stderr=null,
        cwd="/",
        pass_fds=[door.fileno()],
        process_group=0,
    )


def _peer(link: socket.socket) -> int:
    """The user at the other end."""
    return int(struct.unpack("3i", link.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, 12))[1])


def _ask(link: socket.socket) -> bool:
    """Say what is to be run, and where; whether it is."""
    asked = json.dumps(
        {"argv": sys.orig_argv, "path": sys.path, "folder": os.getcwd(), "environ": dict(os.environ)}
    ).encode()
    link.settimeout(60)
    socket.send_fds(link, [len(asked).to_bytes(4, sys.byteorder)], [0, 1, 2])
    link.sendall(asked)
    began = bool(link.recv(1))
    link.settimeout(None)
    return began


def _wait(link: socket.socket) -> NoReturn:
    """Pass on what the terminal sends, and end as the stage has ended."""

    def send(number: int) -> None:
        with contextlib.suppress(OSError):  # there is nobody any more, as is seen below
            link.sendall(bytes([number]))

    def interrupt(*_: object) -> None:
        send(signal.SIGINT)

    def stop(*_: object) -> None:
        send(signal.SIGSTOP)
        os.kill(os.getpid(), signal.SIGSTOP)
        send(signal.SIGCONT)

    for number, handler in ((signal.SIGINT, interrupt), (signal.SIGTSTP, stop)):
        if signal.getsignal(number) == signal.SIG_DFL:
            signal.signal(number, handler)
    status = b""
    with contextlib.suppress(OSError):
        status = link.recv(STATUS.size, socket.MSG_WAITALL)
    if len(status) < STATUS.size:
        was = "the process that started this stage was killed, and the stage with it"
        print(f"\nerror: {was}; run it again, or with {SWITCH}=0", file=sys.stderr)
        os._exit(1)
    code = os.waitstatus_to_exitcode(*STATUS.unpack(status))
    if code < 0:
        with contextlib.suppress(OSError):  # SIGKILL has no other
            signal.signal(-code, signal.SIG_DFL)
        os.kill(os.getpid(), -code)
    os._exit(code)


@dataclass
class Stage:
    """One that runs: the process that DVC started for it, and the fork."""

    link: socket.socket
    process: int  # also the number of its group, in which its replicates are
    end: int  # a file descriptor, to be read from when the fork has ended

    def signal(self, number: int) -> None:
        """Send it to the fork and its replicates."""
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process, number)

    def close(self) -> None:
        """In this process."""
        self.link.close()
        os.close(self.end)


@dataclass
class Asked:
    """What is to be run, and where."""

    argv: list[str]
    path: list[str]
    folder: str
    environ: dict[str, str]
    files: list[int]  # standard input, output and error


def serve(door: socket.socket) -> Asked | None:
    """Fork for each process that asks; return, in the fork, what it is to run; None when there was nothing to do."""
    selector = selectors.DefaultSelector()
    selector.register(door, selectors.EVENT_READ)
    stages: list[Stage] = []
    while ready := selector.select(None if stages else IDLE):
        key = ready[0][0]  # one at a time: it may end what another is about
        stage: Stage | None = key.data
        if stage is None:
            link, _ = door.accept()
            if (asked := _read(link)) is None:
                link.close()
                continue
            if not (process := os.fork()):
                inherited: list[selectors.BaseSelector | socket.socket | Stage] = [selector, door, link, *stages]
                for file in inherited:
                    file.close()
                return asked
            stages.append(_follow(selector, link, process, asked))
        elif key.fd != stage.end:
            _pass_on(selector, stage)
        else:
            _end(selector, stage)
            stages.remove(stage)
    return None


def _read(link: socket.socket) -> Asked | None:
    """What a process asks for; None if it is another user's, or ended before it had said so."""
    files: list[int] = []
    try:
        link.settimeout(5)
        size, files, _, _ = socket.recv_fds(link, 4, 3)
        asked = link.recv(int.from_bytes(size, sys.byteorder), socket.MSG_WAITALL)
        if _peer(link) == os.geteuid() and len(files) == 3:
            return Asked(**json.loads(asked), files=files)
    except (OSError, ValueError, TypeError):
        pass
    for file in files:
        os.close(file)
    return None


def _follow(selector: selectors.BaseSelector, link: socket.socket, process: int, asked: Asked) -> Stage:
    for file in asked.files:
        os.close(file)
    with contextlib.suppress(OSError):  # the fork does so itself, perhaps later
        os.setpgid(process, process)
    stage = Stage(link, process, os.pidfd_open(process))
    selector.register(link, selectors.EVENT_READ, stage)
    selector.register(stage.end, selectors.EVENT_READ, stage)
    with contextlib.suppress(OSError):
        link.sendall(b"1")
    return stage


def _pass_on(selector: selectors.BaseSelector, stage: Stage) -> None:
    """The signals that the other end names; if it has ended, so does the stage."""
    try:
        said = stage.link.recv(64)
    except OSError:
        said = b""
    for number in said:
        if number in PASSED_ON:
            stage.signal(number)
    if not said:
        stage.signal(signal.SIGKILL)
        selector.unregister(stage.link)


def _end(selector: selectors.BaseSelector, stage: Stage) -> None:
    _, status = os.waitpid(stage.process, 0)
    with contextlib.suppress(OSError):
        stage.link.sendall(STATUS.pack(status))
    for file in (stage.link, stage.end):
        with contextlib.suppress(KeyError):
            selector.unregister(file)
    stage.close()


def become(asked: Asked, parent: int) -> None:
    """In a fork: be the process that asked, as far as a stage can tell."""
    os.setpgid(0, 0)
    os.chdir(asked.folder)
    for number in range(3):
        os.dup2(asked.files[number], number)
    for file in asked.files:
        os.close(file)
    if isinstance(sys.stdout, io.TextIOWrapper):
        sys.stdout.reconfigure(line_buffering=os.isatty(1))
    os.environ.clear()
    os.environ.update(asked.environ, **{SWITCH: "0"})
    sys.orig_argv[:] = asked.argv
    sys.argv[:] = ["", *asked.argv[3:]]
    sys.path[:] = asked.path
    _end_with(parent)
    sys.path.pop(0)  # src, which importing `stages` puts there


def _end_with(parent: int) -> None:
    from prunelab.core import lifetime  # not above: of the folder of the stage, which the forking process does not know

    lifetime.end_with(parent)


def main(door: int) -> Asked | None:
    """The forking process."""
    parent = os.getpid()
    os.close(os.pidfd_open(parent))  # fails on a kernel without: nobody is answered then
    for name in LIBRARIES:
        importlib.import_module(name)
    for name in OPTIONAL:
        with contextlib.suppress(ImportError):
            importlib.import_module(name)
    # The first function that Numba compiles makes its compiler ready, which takes a quarter of a second.
    sys.modules["numba"].njit("float32(float32)")(lambda value: value)
    gc.collect()
    gc.freeze()  # so that no fork copies memory only to look through it
    asked = serve(socket.socket(fileno=door))
    if asked:
        become(asked, parent)
    return asked


if __name__ == "__main__":
    if to_run := main(int(sys.argv[1])):
        runpy.run_module(to_run.argv[2], run_name="__main__", alter_sys=True)
    else:
        os._exit(0)  # nothing to clean up but PyTorch's modules
