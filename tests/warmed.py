"""A folder with stages of its own, as small as they go, and the file under test in it: what is asked of warm starts."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import psutil
from conftest import ROOT

IDLE = 3.0
INIT = """import sys
from pathlib import Path
sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "src"))
from prunelab import warm
warm.hand_over()
"""
# All that a stage can tell of its process.
LOOK = """import json, os, resource, signal, sys
print(json.dumps({
    "argv": sys.argv, "path": sys.path, "folder": os.getcwd(), "name": __name__, "stdin": sys.stdin.read(),
    "environ": {k: v for k, v in os.environ.items() if k != "PRUNELAB_WARM"}, "mask": os.umask(0o22),
    "files": sorted(f for f in os.listdir("/proc/self/fd") if os.path.exists(f"/proc/self/fd/{f}")),
    "cores": sorted(os.sched_getaffinity(0)), "nice": os.nice(0), "limit": resource.getrlimit(resource.RLIMIT_CORE),
    "ignored": [n.name for n in signal.Signals if signal.getsignal(n) == signal.SIG_IGN],
    "buffered": [sys.stdout.line_buffering, sys.stderr.line_buffering], "encoding": sys.stdout.encoding,
}, sort_keys=True))
print("torch" in sys.modules, file=sys.stderr)
"""
WAIT = """import os, signal, sys, time
from multiprocessing import Process
from prunelab.core import lifetime
def replicate(stage):
    lifetime.end_with(stage)
    time.sleep(100)
Process(target=replicate, args=(os.getpid(),), daemon=True).start()
open(sys.argv[1], "w").write("begun")
try:
    time.sleep(100)
finally:
    open(sys.argv[1], "w").write("interrupted")
"""


def folder(where):
    """Make it."""
    for name in ("__init__.py", "core/__init__.py", "core/lifetime.py", "warm.py"):
        (where / "src/prunelab" / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / "src/prunelab" / name, where / "src/prunelab" / name)
    edit(where / "src/prunelab/warm.py", "IDLE = 15.0", f"IDLE = {IDLE}")
    (where / "stages").mkdir()
    (where / "stages/__init__.py").write_text(INIT)
    page(where, "look", LOOK)
    page(where, "wait", WAIT)
    return where


def page(where, name, text):
    (where / "stages" / f"{name}.py").write_text(text)


def edit(file, old, new):
    text = file.read_text()
    assert text.count(old) == 1
    file.write_text(text.replace(old, new))


def command(name, *arguments):
    return [sys.executable, "-m", f"stages.{name}", *map(str, arguments)]


def environ(**more):
    """As DVC gives it to a stage. This folder's `src` alone: none that is installed."""
    return {**os.environ, "DVC_STAGE": "toy", "LANG": "C.UTF-8", **more}


def defaults():
    """Before a command: signals as a terminal's commands have them, whatever ignores them around these tests."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGQUIT, signal.SIGTSTP):
        signal.signal(number, signal.SIG_DFL)


def stage(where, name, *arguments, given="", **more):
    """Run one to its end."""
    return subprocess.run(
        command(name, *arguments),
        cwd=where,
        env=environ(**more),
        input=given,
        text=True,
        capture_output=True,
        timeout=60,
        preexec_fn=defaults,
    )


def looked(done):
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def warm(done):
    """Whether a page `look` was run by a fork."""
    return done.stderr.split()[-1] == "True"


def started(where, *prefix, **more):
    """A stage that waits, in a process group of its own, once it has begun."""
    said = where / "said"
    said.unlink(missing_ok=True)
    with (where / "printed").open("w") as printed:
        process = subprocess.Popen(
            [*prefix, *command("wait", said)],
            cwd=where,
            env=environ(**more),
            stdin=subprocess.DEVNULL,
            stdout=printed,
            stderr=printed,
            process_group=0,
            preexec_fn=defaults,
        )
    until(lambda: said.exists() and said.read_text())
    return process, said


def servers(where):
    """The forking processes of this folder."""
    path = str(where / "src/prunelab/warm.py")
    return [process for process in processes() if path in process.info["cmdline"] and not working(process, where)]


def forks(where):
    """Of this folder: stages and their replicates."""
    return [p for p in processes() if str(where / "src/prunelab/warm.py") in p.info["cmdline"] and working(p, where)]


def processes():
    alive = psutil.process_iter(["cmdline", "cwd", "status"])
    return [process for process in alive if process.info["cmdline"] and process.info["status"] != "zombie"]


def working(process, where):
    return Path(process.info["cwd"] or "/") == where


def until(true, seconds=20):
    """Wait for it."""
    end = time.monotonic() + seconds
    while not (found := true()):
        assert time.monotonic() < end
        time.sleep(0.02)
    return found
