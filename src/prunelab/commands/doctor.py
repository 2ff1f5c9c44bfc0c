"""`prunelab doctor`: what a killed run left behind, and the way on."""

import argparse
import sys
from pathlib import Path

from prunelab.doctor import each, examine
from prunelab.doctor.place import Finding
from prunelab.errors import UserError

ABOUT = (
    "Say what a killed run left behind (locks, a detached HEAD, stashed changes, dead tasks), and mend what is safe."
)
ROUNDS = 4  # one thing that is mended may show another


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("--dry-run", action="store_true", help="say what would be done, and do nothing")


def run(options: argparse.Namespace) -> None:
    """A line for each finding; status 1 if something is left to do."""
    root = Path()
    if options.dry_run:
        found = examine(root)
        for finding in found:
            print(f"{finding.text}; would be {finding.done}" if finding.mend else finding.text)
        left = [finding for finding in found if not finding.harmless]
    else:
        found, left = mended(root)
    if not found:
        print("nothing to mend")
    if left:
        sys.exit(1)


def mended(root: Path) -> tuple[list[Finding], list[Finding]]:
    """Mend until nothing more is found, saying so; all that was found, and what of it is left to the user.

    What nothing is safe to do about is only said of what is still there at the end: its cause may have been mended.
    """
    seen: dict[str, Finding] = {}
    left: list[Finding] = []
    rest: list[Finding] = []
    for _ in range(ROUNDS):
        rest, is_over = [], True
        for finding in each(root):
            if finding.mend is None:
                rest.append(finding)
            elif finding.text not in seen:
                seen[finding.text], is_over = finding, False
                left += [] if _is_mended(finding) else [finding]
        if is_over:
            break
    for finding in rest:
        print(finding.text, flush=True)
    return [*seen.values(), *rest], [*left, *(finding for finding in rest if not finding.harmless)]


def _is_mended(finding: Finding) -> bool:
    """Mend it, and say whether that went well."""
    assert finding.mend
    try:
        finding.mend()
    except (UserError, OSError) as error:
        print(f"{finding.text}; could not be {finding.done}: {error}", flush=True)
        return False
    print(f"{finding.text}; {finding.done}", flush=True)
    return True
