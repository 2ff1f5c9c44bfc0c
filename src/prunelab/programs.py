"""DVC and git as subprocesses, in any clone."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from prunelab.errors import UserError

# What the line on a cause starts with: a stage's or a plugin's of ours, git's, DVC's.
CAUSES = ("error: ", "fatal: ", "ERROR: unexpected error - ", "ERROR: ")
BOILERPLATE = ("Having any troubles?", "hint: ")


def environment(**more: str) -> dict[str, str]:
    """This process's environment, such that `dvc` and the stages' `python` are those beside this interpreter."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", **more}


def output(*command: str) -> str:
    """What a command prints. Raises UserError with the cause that it names, in one line, if it fails."""
    done = subprocess.run(command, env=environment(), text=True, capture_output=True, errors="replace")
    if done.returncode:
        raise UserError(
            without_secrets(f"{' '.join(command[:3])}: {cause(done.stderr) or cause(done.stdout) or 'no message'}")
        )
    return done.stdout


def cause(printed: str) -> str:
    """Why a command failed, of all that it printed, in one line; "" if it printed nothing.

    A stage's own `error: ...` says more than DVC's line on the stage, and that more than the advice that ends it.
    """
    lines = [re.sub(r"\x1b\[[0-9;]*m", "", line).strip() for line in re.split(r"[\r\n]+", printed)]
    lines = [line for line in lines if line and not line.startswith(BOILERPLATE)]
    for starts in CAUSES:
        found = [line for line in lines if line.startswith(starts)]
        if found:
            return "; ".join(dict.fromkeys(line.partition(starts)[2].strip() for line in found[:3]))
    return lines[-1] if lines else ""


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with *** for these, and for who logs in by a URL (https://name:password@host)."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, "***")
    return re.sub(r"(\w://)[^/\s]+@", r"\1***@", text)
