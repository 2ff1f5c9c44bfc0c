"""Outputs that are not what their stage wrote: another content than their digests say, in the working tree and cache.

DVC looks at a file's size and time, and copies what its cache has without reading it: it would take a damaged file for
the stage's own, now and after every checkout. What is moved out of the way, it makes again.
"""

import hashlib
import json
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any

from prunelab import yaml12
from prunelab.core import digests
from prunelab.doctor.damaged import LOCK, aside
from prunelab.doctor.place import Finding, Place
from prunelab.errors import UserError


def found(place: Place) -> list[Finding]:
    """One line for each output of dvc.lock that holds a damaged file."""
    outs = _outs(place)
    broken: dict[Path, list[Path]] = {}  # what is moved away -> the files in it that are damaged
    for folder, sums in _sealed(place, outs):
        whole = folder.relative_to(place.root).as_posix() in outs
        for file in _damaged(folder, sums, whole):
            broken.setdefault(folder if whole else file, []).append(file)
            if not whole:
                broken.setdefault(sums, [])
    return [_finding(place, path, files, outs) for path, files in broken.items() if path.exists()]


def _outs(place: Place) -> dict[str, str]:
    """Outputs in dvc.lock and their hashes; empty if it is unreadable, which damaged.py says."""
    try:
        stages = yaml12.load(place.root / LOCK).get("stages", {})
        return {out["path"]: out.get("md5", "") for stage in stages.values() for out in stage.get("outs", [])}
    except (UserError, AttributeError, KeyError, TypeError):
        return {}


def _sealed(place: Place, outs: dict[str, str]) -> Iterator[tuple[Path, Path]]:
    """Folders and their files of digests, which may be missing where DVC knows the folder as an output."""
    # Without digests: what lies in DVC's cache alone. Older commits have figures without, in git.
    unsealed = (place.root / name for name in outs if name.startswith("data/"))
    folders = {folder for folder in unsealed if folder.is_dir()}
    for top in digests.OUTPUTS:
        folders |= {sums.parent for sums in (place.root / top).rglob(digests.SUMS)}
        for single in (place.root / top).rglob(f"*{digests.SINGLE}"):
            yield single.parent, single
    for folder in sorted(folders):
        yield folder, folder / digests.SUMS


def _damaged(folder: Path, sums: Path, whole: bool) -> list[Path]:
    """Files that are not as recorded; of a whole output, also those that nothing is recorded of."""
    recorded = digests.recorded(sums)
    files = [path for path in folder.rglob("*") if path.is_file()] if whole else [folder / name for name in recorded]
    return sorted(
        file
        for file in files
        if file != sums and file.is_file() and recorded.get(file.relative_to(folder).as_posix()) != digests.of(file)
    )


def _finding(place: Place, path: Path, files: list[Path], outs: dict[str, str]) -> Finding:
    objects = _broken_objects(place.cache, outs.get(path.relative_to(place.root).as_posix(), ""))
    names = ", ".join(str(file.relative_to(path)) for file in files[:3] if file != path)
    more = f" and {len(files) - 3} more" if len(files) > 3 else ""
    of = f" ({names}{more})" if names else ""
    text = f"{place.shown(path)}: is not what its stage wrote{of}; `dvc repro` makes it again"
    if not files:
        text = f"{place.shown(path)}: vouches for what is not what its stage wrote; `dvc repro` makes it again"
    also = f", {len(objects)} damaged object(s) removed from DVC's cache" if objects else ""
    return Finding(text, partial(_take_away, place, path, objects), f"moved to .dvc/tmp/doctor{also}")


def _broken_objects(cache: Path, md5: str) -> list[Path]:
    """Of an output, the files of DVC's cache whose content is not what their names say."""
    top = _object(cache, md5)
    if not md5 or not top.is_file():
        return []
    try:
        listed: Any = json.loads(top.read_bytes()) if md5.endswith(".dir") else []
        inside = [_object(cache, entry["md5"]) for entry in listed]
    except (ValueError, KeyError, TypeError):
        return [top]
    return [file for file in dict.fromkeys((top, *inside)) if file.is_file() and _md5(file) != _name(file)]


def _object(cache: Path, md5: str) -> Path:
    return cache / "files" / "md5" / md5[:2] / md5[2:]


def _name(file: Path) -> str:
    return (file.parent.name + file.name).removesuffix(".dir")


def _md5(file: Path) -> str:
    with open(file, "rb") as content:
        return hashlib.file_digest(content, "md5").hexdigest()


def _take_away(place: Place, path: Path, objects: list[Path]) -> None:
    aside(place, path)
    for file in objects:
        file.unlink(missing_ok=True)
