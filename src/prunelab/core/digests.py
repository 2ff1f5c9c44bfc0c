"""SHA-256 of every file of an output, kept beside them in the format of `sha256sum`, and checked wherever one is read.

DVC knows a file that it has stored by size and time, not by content: a bit that flipped on a disk, or in a remote,
it does not see. `sha256sum -c sha256sums.txt` checks a folder by hand.
"""

import hashlib
from collections.abc import Iterable
from pathlib import Path

from prunelab.errors import UserError

SUMS = "sha256sums.txt"
SINGLE = ".sha256"  # after the name of a file: its digest alone
# Where outputs lie. A file read from there has a digest; one from elsewhere (a user's, a test's) need not.
OUTPUTS = ("data", "plots", "metrics")
MEND = "`prunelab doctor` takes it away, `dvc repro` makes it again"


def seal(folder: Path, names: Iterable[str] | None = None, sums: str = SUMS) -> None:
    """Write the digests of finished files into their folder.

    Args:
        folder: where they are.
        names: relative to it; default: of all files in it and below.
        sums: the name of the file of digests.
    """
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    listed = sorted(name for name in (found if names is None else names) if name != sums)
    partial = folder / f".{sums}.partial"
    partial.write_text("".join(f"{of(folder / name)}  {name}\n" for name in listed), encoding="utf-8")
    partial.replace(folder / sums)


def of(path: Path) -> str:
    """The digest of a file, in hexadecimal."""
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def check(path: Path, content: bytes | None = None) -> None:
    """Hold a file of an output against its digest.

    Args:
        path: relative to the repository.
        content: of the file, if it has been read already.

    Raises:
        UserError: one line: it is another than was written, or nothing tells what was.
        OSError: it cannot be read.
    """
    if path.is_absolute() or path.parts[0] not in OUTPUTS:
        return
    digest, sums = _of(path)
    if digest is None:
        raise UserError(f"{path}: nothing vouches for it, {sums} is missing or does not name it; {MEND}")
    if digest != (of(path) if content is None else hashlib.sha256(content).hexdigest()):
        raise UserError(f"{path}: damaged (another content than {sums} says); {MEND}")


def recorded(sums: Path) -> dict[str, str]:
    """The digests in a file of digests, by name; empty if it is not there."""
    if not sums.is_file():
        return {}
    lines = sums.read_text(encoding="utf-8", errors="replace").splitlines()
    return {name: digest for digest, _, name in (line.partition("  ") for line in lines)}


def _of(path: Path) -> tuple[str | None, Path]:
    """What the nearest file of digests above a file, or one for it alone, says it is, and which file that is.

    None if there is no such file, or none names it; then the nearest there is, or should be.
    """
    places = (path.with_name(f"{path.name}{SINGLE}"), *(parent / SUMS for parent in path.parents))
    for sums in places:
        digest = recorded(sums).get(path.relative_to(sums.parent).as_posix())
        if digest is not None:
            return digest, sums
    return None, next((sums for sums in places if sums.is_file()), path.parent / SUMS)
