"""What would decide a claim, as a command: this run's own setting and overrides, and what it lacks."""

import shlex
from collections.abc import Mapping
from dataclasses import asdict
from math import ceil, log
from pathlib import Path
from typing import Any

from prunelab import presets
from prunelab.judging.claim import MORE_REPLICATES, MORE_ROUNDS, Claim

LEAST_SEEDS = 5  # with fewer replicates, few verdicts are reached (docs/method.md)
MOST_ROUNDS = 99
FURTHER = 0.1  # of the weights that are left where a run ends too early: so many are left where a longer one ends


def as_json(claims: Mapping[str, Claim], settings: Mapping[str, Any], root: Path = Path()) -> dict[str, Any]:
    """For plots/sdd/claims.json.

    Args:
        claims: by number.
        settings: parameters by dotted name; `seeds` are all that were judged.
        root: the repository.
    """
    rows = {}
    for number, claim in claims.items():
        row = asdict(claim)
        needs = row.pop("needs")
        rows[number] = row | {"decide_with": None if needs is None else command(needs, settings, root)}
    return rows


def command(needs: Mapping[str, Any], settings: Mapping[str, Any], root: Path = Path()) -> str:
    """The command line.

    Other seeds than the run has: `prunelab compare` then judges the replicates of both runs together, and nothing is
    trained twice.
    """
    if "setting" in needs:  # another preset, as it is
        return shlex.join(["uv", "run", "dvc", "exp", "run", "-S", f"setting={needs['setting']}"])
    changed: dict[str, Any] = {}
    for name, value in needs.items():
        if value == MORE_REPLICATES:
            seeds = settings[name]
            first = max(seeds) + 1
            changed[name] = list(range(first, first + max(LEAST_SEEDS, len(seeds))))
        elif value == MORE_ROUNDS:
            changed[name] = _more_rounds(settings)
        elif name.endswith(".every") and 0 < settings[name] <= value:
            continue  # it is measured as often already
        else:
            changed[name] = value
    if not changed:  # measured as often as it could be, but at too few rounds
        changed["n_rounds"] = _more_rounds(settings)
    several = {
        name: value
        for name, value in changed.items()
        if isinstance(value, list) and not isinstance(settings.get(name), list)
    }
    same = presets.overrides({**settings, **{k: v for k, v in changed.items() if k not in several}}, root)
    same = [one for one in same if one.split("=", 1)[0] not in several]
    if several:
        same += [f"{name}={','.join(map(str, values))}" for name, values in several.items()]
        return shlex.join(["uv", "run", "prunelab", "queue", *same])
    return shlex.join(["uv", "run", "dvc", "exp", "run", *(part for one in same for part in ("-S", one))])


def _more_rounds(settings: Mapping[str, Any]) -> int:
    rounds, fraction = settings["n_rounds"], settings["prune.fraction"]
    more = ceil(log(FURTHER) / log(1 - fraction)) if fraction else rounds
    return min(rounds + more, MOST_ROUNDS)
