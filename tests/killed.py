"""A small repository, and what a kill leaves in it: by DVC's own library where that is quick, by hand where not."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

from conftest import run

from prunelab.commands import doctor

# Runs some of DVC's steps on a repository, then dies as if by `kill -9`.
DIE = """
import os, signal, sys
from scmrepo.git import Git
scm = Git({root!r})
def die():
    os.kill(os.getpid(), signal.SIGKILL)
{steps}
"""
LOCK = {"schema": "2.0", "stages": {"a": {"cmd": "x", "outs": [{"path": "o", "md5": "0" * 32, "size": 1}]}}}


def git(where, *command):
    return run("git", *command, cwd=where).stdout


def repository(top, inside=""):
    """Committed on `main`, with a change of each kind: in a file, staged, staged and changed again, a new file.

    Returns the project's folder: `inside` of it.
    """
    root = top / inside
    (root / "conf").mkdir(parents=True)
    (root / ".dvc").mkdir()
    for name, text in {
        "dvc.yaml": "stages: {}\n",
        "params.yaml": "noise: 0.4\n",
        "dvc.lock": json.dumps(LOCK) + "\n",
        "README.md": "the text\n" * 200,
        "both.md": "first\n",
        "gone.md": "to be deleted\n",
        ".gitignore": "/.dvc/tmp\n/data\n",
    }.items():
        (root / name).write_text(text)
    git(top, "init", "-q", "-b", "main")
    git(top, "config", "user.name", "t")
    git(top, "config", "user.email", "t@example.org")
    git(top, "add", "-A")
    git(top, "commit", "-q", "-m", "first")
    git(top, "branch", "other")
    return root


def edit(root):
    """Changes as a user makes them."""
    (root / "README.md").write_text("the user's words\n" * 300)
    (root / "both.md").write_text("staged\n")
    (root / "new.md").write_text("new\n")
    git(root, "add", "both.md", "new.md")
    (root / "both.md").write_text("staged, and more\n")
    (root / "gone.md").unlink()
    (root / "untracked.md").write_text("unknown to git\n")


def state(root):
    """Files, what is staged, the branch and git's stash."""
    listed = (path.relative_to(root) for path in sorted(root.rglob("*")) if path.is_file())
    files = {str(name): (root / name).read_text() for name in listed if name.parts[0] not in (".git", ".dvc", "data")}
    assert "params.yaml" in files
    return files, git(root, "diff", "--cached"), git(root, "branch", "--show-current"), git(root, "stash", "list")


def die(root, steps):
    """Do these steps on the repository (of scmrepo's), and die."""
    done = subprocess.run([sys.executable, "-c", DIE.format(root=str(root), steps=steps)], capture_output=True)
    assert done.returncode == -9, done.stderr.decode()


def dead_pid():
    """The number of a process that was."""
    process = subprocess.Popen(["true"])
    process.wait()
    return process.pid


def locked(root, *names, folder="exps", pid=None):
    """An rwlock as DVC writes it while it works on these."""
    file = root / ".dvc" / "tmp" / folder / "rwlock"
    file.parent.mkdir(parents=True, exist_ok=True)
    entry = {"pid": pid or dead_pid(), "cmd": "dvc exp run"}
    file.write_text(json.dumps({"read": {}, "write": dict.fromkeys(names, entry)}))
    return file


def mend(root):
    """Mend all that can be; the texts of what was found."""
    return [finding.text for finding in doctor.mended(root)[0]]


def started(command, cwd, **env):
    """A process that says when it is ready."""
    process = subprocess.Popen(
        command, cwd=cwd, env={**os.environ, **env}, stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True
    )
    assert process.stdout.readline() == "ready\n"
    return process


def wait_for(file: Path, seconds=60):
    """The line that another process writes to `file`, once it is whole: a file exists before it has its text."""
    deadline = time.monotonic() + seconds
    while not (file.exists() and (text := file.read_text()).endswith("\n")):
        assert time.monotonic() < deadline, f"no line in {file.name} after {seconds} s"
        time.sleep(0.05)
    return text
