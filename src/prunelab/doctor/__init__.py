"""What a killed run leaves behind, found and mended where that is safe: one file for each kind of finding.

Rules that all of them keep: nothing is touched while a run lives; nothing that could be somebody's work is deleted, it
is moved aside or only named; no command of DVC's is needed, because what is mended keeps DVC from starting.
"""

from collections.abc import Callable, Iterator
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
    """All that is wrong with this repository; empty if nothing is. Arguments and errors as `each`."""
    return list(each(root))


def each(root: Path) -> Iterator[Finding]:
    """All that is wrong with this repository, one kind after the other.

    A kind looks only once the findings before it have been taken, and mended: what was a finding may then be none.

    Args:
        root: the folder with dvc.yaml.

    Raises:
        UserError: with one line if it is not in a git repository.
    """
    found = processes.living(Place.at(root))
    yield from found
    if not found:
        for kind in KINDS:
            yield from kind(Place.at(root))
