"""Lines of git's reflogs that a kill cut off. The next entry would be written behind such a line and be lost with it.

git's stash is nothing but a reflog: changes that DVC then puts there, it does not find again.
"""

from functools import partial
from pathlib import Path

from prunelab.doctor import damaged
from prunelab.doctor.place import Finding, Place


def cut_off(place: Place) -> list[Finding]:
    """Reflogs that do not end with the end of a line."""
    logs = [file for folder in place.git_dirs for file in sorted((folder / "logs").rglob("*")) if file.is_file()]
    return [
        Finding(
            f"{place.shown(file)}: its last line was cut off, and the next would be lost with it",
            partial(_shorten, place, file),
            f"cut back to its last whole line, the old one moved to .dvc/tmp/{damaged.ASIDE}",
        )
        for file in logs
        if file.suffix != ".lock" and (content := file.read_bytes()) and not content.endswith(b"\n")
    ]


def _shorten(place: Place, file: Path) -> None:
    content = file.read_bytes()
    damaged.aside(place, file)
    file.write_bytes(content[: content.rfind(b"\n") + 1])
