"""DVC and git as subprocesses, in any clone."""

import os
import re
import subprocess
import sys
from collections.abc import Iterable
from pathlib import Path

from prunelab.errors import UserError


def environment(**more: str) -> dict[str, str]:
    """This process's environment, such that `dvc` and the stages' `python` are those beside this interpreter."""
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ.get('PATH', '')}"
    return {**os.environ, "PATH": path, "DVC_NO_ANALYTICS": "1", **more}


def output(*command: str) -> str:
    """What a command prints. Raises UserError with its last line if it fails."""
    done = subprocess.run(command, env=environment(), text=True, capture_output=True)
    if done.returncode:
        lines = (done.stderr or done.stdout).strip().splitlines() or ["no message"]
        raise UserError(without_secrets(f"{' '.join(command[:3])}: {lines[-1]}"))
    return done.stdout


def without_secrets(text: str, secrets: Iterable[str] = ()) -> str:
    """The text with *** for these, and for who logs in by a URL (https://name:password@host)."""
    for secret in sorted(secrets, key=len, reverse=True):  # one may be part of another
        text = text.replace(secret, "***")
    return re.sub(r"(\w://)[^/\s]+@", r"\1***@", text)
