"""What a killed run leaves behind, found and mended where that is safe: one file for each kind of finding.

Rules that all of them keep: nothing is touched while a run lives; nothing that could be somebody's work is deleted, it
is moved aside or only named; no command of DVC's is needed, because what is mended keeps DVC from starting.
"""

from collections.abc import Callable
from pathlib import Path

from prunelab.doctor import artefacts, damaged, head, leftovers, locks, processes, reflogs, stashes, tasks
from prunelab.doctor.place import Finding, Place

# In the order in which they are mended: what still runs first, then what keeps git and DVC from working, then the
# user's own changes, and at last what only takes up room.
KINDS: tuple[Callable[[Place], list[Finding]], ...] = (
    processes.orphans,
    locks.of_git,
    reflogs.cut_off,
    reflogs.of_stashes,
    stashes.of_git,
    head.detached,
    stashes.merged,
    stashes.staged,
    stashes.passing,
    stashes.of_dvc,
    head.references,
    locks.of_dvc,
    damaged.found,
    tasks.dead,
    artefacts.found,
    tasks.killed,
    leftovers.found,
)


def examine(root: Path) -> list[Finding]:
    """All that is wrong with this repository; empty if nothing is.

    Args:
        root: the folder with dvc.yaml.

    Raises:
        UserError: with one line if it is not in a git repository.
    """
    place = Place.at(root)
    return processes.living(place) or [finding for kind in KINDS for finding in kind(place)]
