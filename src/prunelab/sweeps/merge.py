"""One study's folders of several runs' replicates, in the folder of the study; called in it by merging.py."""

import argparse
import os
import re
import sys
from collections.abc import Sequence
from pathlib import Path

from prunelab import errors, meanwhile, yaml12
from prunelab.core import artifacts, digests
from prunelab.errors import UserError
from prunelab.sweeps import replicates

OF_ALL = (digests.SUMS, artifacts.GIVEN)  # of all replicates of an output: a part's are not the study's
REPLICATE = re.compile(r"seed\d+")


def union(folder: Path, parts: Sequence[Path], seeds: Sequence[int]) -> None:
    """Take the replicates of an output out of several runs and write them as one run's, with digests of all.

    Args:
        folder: the output, such as data/rounds/r00/replicates.
        parts: the folders of the runs that have it; its replicates are no longer there afterwards.
        seeds: whose replicates there must be.

    Raises:
        UserError: a file is not as it was written, or a replicate is missing, there twice, or nobody's.
    """
    with artifacts.writing(folder) as whole:
        for part in parts:
            _check(part / folder)
            for one in sorted((part / folder).iterdir()):
                if one.name in OF_ALL:
                    continue
                if not REPLICATE.fullmatch(one.name) or (whole / one.name).exists():
                    raise UserError(f"{one}: belongs to no replicate, or to one that another part has too")
                os.replace(one, whole / one.name)
        found, wanted = {*os.listdir(whole)}, {artifacts.replicate(Path(), seed).name for seed in seeds}
        if found != wanted:
            raise UserError(f"{folder}: must have {min(found ^ wanted)} if, and only if, it is one of `seeds`")
        if folder == artifacts.ORIGIN:
            artifacts.write_json(whole / artifacts.GIVEN, meanwhile.given("dense"))


def _check(folder: Path) -> None:
    """Hold an output against its digests: what is written anew here would vouch for anything."""
    for name, digest in digests.recorded(folder / digests.SUMS).items():
        with artifacts.reading(folder / name):
            if digests.of(folder / name) != digest:
                raise UserError(f"{folder / name}: damaged (another content than {digests.SUMS} says); {digests.MEND}")
    listed = {*digests.recorded(folder / digests.SUMS), digests.SUMS}
    unknown = sorted({path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - listed)
    if unknown or not folder.is_dir():
        raise UserError(f"{folder / ''.join(unknown[:1])}: nothing vouches for it; {digests.MEND}")


def compose(overrides: Sequence[str]) -> None:
    """Write the params.yaml of these overrides, as `dvc exp run` does."""
    from dvc.utils.hydra import compose_and_dump

    compose_and_dump(meanwhile.PARAMS, str(Path("conf").resolve()), None, "config", str(Path.cwd()), list(overrides))


def main() -> None:
    """`compose OVERRIDE...` or `union FOLDER...`, of all outputs whose replicates the runs in these folders have."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=("compose", "union"))
    parser.add_argument("of", nargs="+")
    options = parser.parse_args()
    try:
        if options.what == "compose":
            compose(options.of)
            return
        params = yaml12.load(meanwhile.PARAMS)
        for stage in replicates.stages(params):
            for out in stage.outs:
                union(Path(out), [Path(part) for part in options.of], params[replicates.SEEDS])
    except (UserError, OSError) as error:
        sys.exit(f"error: {errors.line(error)}")


if __name__ == "__main__":
    main()
