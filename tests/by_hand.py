"""A folder in which stages run by hand, with this repository's code and parameters of one's own."""

import subprocess
import sys

import yaml
from conftest import ROOT

from prunelab import config, presets
from tests.golden.studies import nested

# Stages of a study: their pages are in its folder.
PAGES = {path.stem: f"{path.parent.name}.{path.stem}" for path in ROOT.glob("stages/*/[a-z]*.py")}


def laid_out(folder, changes):
    """Make the folder: dvc.yaml, code, and params.yaml as the quick preset has it, with these changes."""
    (folder / "data" / "source").mkdir(parents=True)
    for name in ("dvc.yaml", "conf", "src", "stages"):
        (folder / name).symlink_to(ROOT / name)
    params = config.validate(nested(presets.values("digits_quick", ROOT) | {"device": "cpu"} | changes))
    (folder / "params.yaml").write_text(yaml.safe_dump(params.model_dump() | config.derived(params)))
    return folder


def stage(folder, *command, before=""):
    """Run `python -m stages.NAME`, after shell commands such as `ulimit`; stdout and stderr are one."""
    line = f'{before}exec "$0" -m "$@"'
    command = ["bash", "-c", line, sys.executable, f"stages.{PAGES.get(command[0], command[0])}", *command[1:]]
    return subprocess.run(command, cwd=folder, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, timeout=120)
