"""The task that makes one study of experiments that have some of its replicates each.

The outputs of stages whose replicates are independent (replicates.KINDS) are put together, and DVC is told that they
are these stages' (`dvc commit`); what is left, `dvc exp run` computes: tables, verdicts, figures.
"""

import shutil
from collections.abc import Mapping
from pathlib import Path

from distributed import get_worker

from prunelab.programs import environment
from prunelab.sweeps import replicates
from prunelab.sweeps.clones import Shell, clone, gpu, one_at_a_time, push
from prunelab.sweeps.plan import options
from prunelab.sweeps.remotes import GIT_REMOTE, Origin, reference
from prunelab.sweeps.replicates import Study

MERGE = ("python", "-m", "prunelab.sweeps.merge")


def merge(study: Study, origin: Origin, gpus: int, after: object = None) -> str:
    """Merge a study's parts, which are on both remotes, compute what is left and push it; on a worker.

    It begins in an empty folder each time, so that it may be cut off anywhere.

    Args:
        study: with parts.
        origin: what to clone.
        gpus: of this machine, as for tasks.compute.
        after: ignored; the parts, which had to come first.

    Returns:
        What the commands printed.

    Raises:
        FailedError: with that, if one of them failed.
    """
    with one_at_a_time:
        shell = Shell(study.whole.name, environment(**gpu(gpus)), origin.secrets())
        folder = Path(get_worker().local_directory).resolve() / "merging"
        shutil.rmtree(folder, ignore_errors=True)
        try:
            _merge(study, origin, shell, folder)
        finally:
            shutil.rmtree(folder, ignore_errors=True)
    return shell.log


def _merge(study: Study, origin: Origin, shell: Shell, folder: Path) -> None:
    name, params = study.whole.name, study.whole.params
    here = clone(folder / "whole", origin, shell)
    own = {"PYTHONPATH": str(here / "src")}  # the library as it is at the sweep's commit
    shell(*MERGE, "compose", *study.whole.overrides, cwd=here, env=own)
    made = replicates.stages(params, here)
    outs = [out for stage in made for out in stage.outs]
    parts = [_bring(part.name, outs, origin, shell, folder, own) for part in study.parts]
    shell("dvc", "repro", "--pull", *replicates.FIRST, cwd=here)
    shell(*MERGE, "union", *map(str, parts), cwd=here, env=own)
    # Forced: nobody is there to be asked whether stages that DVC did not run itself may have changed.
    shell("dvc", "commit", "-f", *(stage.name for stage in made), cwd=here)
    # Not `dvc repro` and `dvc exp save`, which commits a file of DVC's own too (.dvc/tmp/repro.dat).
    shell("dvc", "exp", "run", "-n", name, *options(study.whole.overrides), cwd=here)
    push(name, origin, shell, here)


def _bring(name: str, outs: list[str], origin: Origin, shell: Shell, folder: Path, env: Mapping[str, str]) -> Path:
    """The outputs of one part, in a folder of their own: a clone that is made for the first part goes through all."""
    there = clone(folder / "part", origin, shell)
    shell("git", "fetch", "-q", GIT_REMOTE, reference(name, origin.commit), cwd=there)
    shell("git", "checkout", "-q", "-f", "--detach", "FETCH_HEAD", cwd=there)
    shell("dvc", "pull", "-r", origin.storage, *outs, cwd=there)
    shell(*MERGE, "check", name, *outs, cwd=there, env=env)
    brought = folder / "brought" / name
    brought.mkdir(parents=True)
    for out in outs:
        (brought / out).parent.mkdir(parents=True, exist_ok=True)
        (there / out).rename(brought / out)
    return brought
