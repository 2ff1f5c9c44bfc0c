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
from prunelab.sweeps.remotes import GIT_REMOTE

OF_ALL = (digests.SUMS, artifacts.GIVEN)  # of all replicates of an output: a part's are not the study's
REPLICATE = re.compile(r"seed\d+")


def union(folder: Path, parts: Sequence[Path], seeds: Sequence[int]) -> None:
    """Take the replicates of an output out of several runs, all checked, and write them as one's, with digests of all.

    Args:
        folder: the output, such as data/rounds/r00/replicates.
        parts: the folders of the runs that have it; its replicates are no longer there afterwards.
        seeds: whose replicates there must be.

    Raises:
        UserError: a replicate is missing, there twice, or nobody's.
    """
    with artifacts.writing(folder) as whole:
        for part in parts:
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


def check(part: str, folder: Path) -> None:
    """Hold an output of a part, in whose clone this is, against its digests; those of the study will vouch for it.

    Raises UserError with what to remove: DVC has the damaged file, and would take it again.
    """
    recorded = digests.recorded(folder / digests.SUMS)
    there = {path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file()} - {digests.SUMS}
    wrong = sorted(there ^ {*recorded}) or [
        name for name in sorted(there) if digests.of(folder / name) != recorded[name]
    ]
    if wrong or not there:
        name = (wrong or [digests.SUMS])[0]
        raise UserError(
            f"{part}: {folder / name}: damaged (not what {digests.SUMS} says); remove {_kept_as(folder, name)} from "
            f"DVC's cache and remote, `dvc exp remove -g {GIT_REMOTE} {part}`, and the same again computes it anew"
        )


def _kept_as(folder: Path, name: str) -> str:
    """Where DVC's cache and remotes keep a file of an output."""
    from dvc.repo import Repo

    with Repo() as repo:
        (out,) = repo.find_outs_by_path(str(folder))
        found = {"/".join(key): digest.value for key, _, digest in out.get_obj() or ()}
        md5 = found.get(name, out.hash_info.value)
    return f"files/md5/{md5[:2]}/{md5[2:]}"


def compose(overrides: Sequence[str]) -> None:
    """Write the params.yaml of these overrides, as `dvc exp run` does."""
    from dvc.utils.hydra import compose_and_dump

    compose_and_dump(meanwhile.PARAMS, str(Path("conf").resolve()), None, "config", str(Path.cwd()), list(overrides))


def main() -> None:
    """What merging.py calls in a clone.

    `compose OVERRIDE...`; `check PART OUTPUT...`; `union FOLDER...`, of all outputs whose replicates the runs in these
    folders have.
    """
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("what", choices=("compose", "check", "union"))
    parser.add_argument("of", nargs="+")
    options = parser.parse_args()
    try:
        if options.what == "compose":
            compose(options.of)
        elif options.what == "check":
            for out in options.of[1:]:
                check(options.of[0], Path(out))
        else:
            params = yaml12.load(meanwhile.PARAMS)
            for stage in replicates.stages(params):
                for out in stage.outs:
                    union(Path(out), [Path(part) for part in options.of], params[replicates.SEEDS])
    except (UserError, OSError) as error:
        sys.exit(f"error: {errors.line(error)}")


if __name__ == "__main__":
    main()
