"""A run's outputs as files to read: copies, in a folder of their own."""

import contextlib
import os
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from prunelab.comparison import provenance
from prunelab.comparison.runs import Run
from prunelab.errors import UserError


@contextlib.contextmanager
def copied(run: Run, paths: Sequence[Path], outputs: Sequence[Path]) -> Iterator[None]:
    """Stand in a folder with copies of some of a run's outputs, from the working tree or DVC's cache.

    Args:
        run: whose.
        paths: files and folders, outputs or in them.
        outputs: those of dvc.yaml that they are of.

    Raises:
        UserError: one is not in the cache (the line says which command fetches it), or the working tree, if that is the
            run, holds another one's: another branch's, until `dvc checkout`.
    """
    here = Path.cwd()
    with tempfile.TemporaryDirectory() as folder:
        for path in paths:
            _fetch(run, path, Path(folder))
        odd = [] if run.commit else provenance.strays(run.files, map(str, outputs))  # a commit's are read by hash
        if odd:
            raise UserError(
                f"{run.name}: {odd[0]} is not as dvc.lock has it; `dvc checkout` puts it back, or `dvc pull`"
            )
        os.chdir(folder)
        try:
            yield
        finally:
            os.chdir(here)


def _fetch(run: Run, path: Path, folder: Path) -> None:
    from dvc_data.index import DataIndexDirError  # here: DVC takes a second to load

    place = folder / path
    place.parent.mkdir(parents=True, exist_ok=True)
    try:
        run.files.get(str(path), str(place), recursive=True)
    except (OSError, DataIndexDirError):  # a file is in no cache, or a folder's list is in none
        pull = "`dvc pull` fetches it" if not run.commit else f"`git checkout {run.name}` and `dvc pull` fetch it"
        if run.baseline:
            pull = f"`dvc exp pull REMOTE {run.name}` fetches it"
        raise UserError(f"{run.name}: {path} is not in DVC's cache; {pull}, or run it again") from None
