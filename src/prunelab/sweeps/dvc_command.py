"""DVC and git as subprocesses, in any clone."""

import os
import subprocess
import sys
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
        raise UserError(f"{' '.join(command[:3])}: {lines[-1]}")
    return done.stdout
