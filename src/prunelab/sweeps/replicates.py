"""One study whose replicates are computed apart: which seeds a sweep names, and which part trains which of them.

`seeds=0,1,2` and `seeds=range(0,20)` name one study with all of them; `seeds=[0,1],[2,3]` are two studies.
"""

import argparse
import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice, pairwise
from math import ceil
from pathlib import Path
from typing import TYPE_CHECKING, Any

from prunelab import pipeline, presets, yaml12
from prunelab.errors import UserError, cut
from prunelab.fields import REPLICATES

if TYPE_CHECKING:
    from prunelab.sweeps.plan import Point

# Kinds of stages in which no replicate looks at another, so that each may be trained by another machine; every output
# of theirs holds a folder a replicate. What is not named here is computed when all of them are there.
KINDS: tuple[str, ...] = (
    *("dense", "prune", "early"),  # the trunk
    *("redense", "reinit", "landscape"),  # sdd
    *("leave_out", "crossfit", "disturb", "flatness", "reliance"),  # lens, labels, stability
)
FIRST = ("fetch", "corrupt")  # what comes before them, a few seconds' work
UP_TO = (*FIRST, *KINDS)  # what a part computes, of what its study has
SEEDS = "seeds"
NAMED = 8  # seeds that a name lists


@dataclass(frozen=True)
class Study:
    """A point of a grid, and the experiments that compute its replicates; without parts it is computed as it is."""

    whole: "Point"
    parts: tuple["Point", ...] = ()
    targets: tuple[str, ...] = ()  # the kinds of stages up to which the parts run


def swept(parsed: Sequence[Any]) -> list[Any] | None:
    """The seeds of one study, if that is what the overrides sweep over; whether they are allowed, config.validate says.

    Args:
        parsed: Hydra's `Override`s.

    Raises:
        UserError: one line: `seeds` is given twice, is to be shuffled, or its range has no end.
    """
    from hydra.core.override_parser.types import ChoiceSweep, RangeSweep

    for override in parsed:
        if override.key_or_group != SEEDS or not isinstance(override.value(), ChoiceSweep | RangeSweep):
            continue
        value = override.value()
        try:
            # One more than may be: enough to be refused.
            seeds = list(islice(value.list if isinstance(value, ChoiceSweep) else value.range(), REPLICATES + 1))
        except (ValueError, ArithmeticError) as error:
            why = " ".join(str(error).split()) if isinstance(error, ValueError) else "not numbers"
            raise UserError(f"{cut(override.input_line)}: {why}; `seeds=range(0,20)` are 20 seeds") from None
        if any(isinstance(seed, list) for seed in seeds):
            continue
        if value.shuffle:
            raise UserError(f"{cut(override.input_line)}: replicates of one study are not shuffled")
        given = [cut(other.input_line) for other in parsed if other.key_or_group == SEEDS]
        if len(given) > 1:
            raise UserError(f"{' '.join(given)}: seeds must be given once")
        return seeds
    return None


def listed(overrides: Sequence[str], seeds: Sequence[Any]) -> list[str]:
    """The same overrides with these seeds as one list."""
    return [_list(seeds) if text.partition("=")[0].strip() == SEEDS else text for text in overrides]


def _list(seeds: Sequence[Any]) -> str:
    texts = [seed.with_quotes() if hasattr(seed, "with_quotes") else presets.written(seed) for seed in seeds]
    return f"{SEEDS}=[{','.join(texts)}]"


def span(seeds: Sequence[Any]) -> str:
    """Seeds in a name: 0to19 for the twenty from 0, 1-4-2 for these three; of many others a digest tells them apart."""
    if len(seeds) > 2 and list(seeds) == list(range(seeds[0], seeds[0] + len(seeds))):
        return f"{seeds[0]}to{seeds[-1]}"
    text = "-".join(map(str, seeds))
    return text if len(seeds) <= NAMED else f"n{len(seeds)}-{hashlib.sha256(text.encode()).hexdigest()[:8]}"


def studies(
    points: Sequence["Point"], options: argparse.Namespace, workers: int = 1, root: Path = Path()
) -> list[Study]:
    """The points of a grid, each split into parts if the grid's overrides name one study's seeds.

    Args:
        points: of the grid.
        options: of the command: overrides, and replicates: how many a part trains at most; None: there is a part
            for each worker.
        workers: how many there are.
        root: the repository.

    Raises:
        UserError: one line: nothing to split, or not so.
    """
    from prunelab.overrides import parse

    seeds, size = swept(parse(options.overrides)), options.replicates
    if size is not None and size < 1:
        raise UserError(f"--replicates {size}: must be at least 1")
    if seeds is None:
        if size is not None:
            raise UserError(f"--replicates {size}: only beside one study's seeds, such as 'seeds=range(0,20)'")
        return [Study(point) for point in points]
    parts = workers if size is None else ceil(len(seeds) / size)
    return [split(point, parts, root) for point in points]


def split(point: "Point", number: int, root: Path = Path()) -> Study:
    """A study in so many parts of about as many replicates; in none if it would be one, or no stage can be split."""
    seeds = point.params[SEEDS]
    kinds = pipeline.load(root).items()
    targets = tuple(name for name, kind in kinds if name in KINDS and kind.items(point.params) != {})
    number = min(number, len(seeds))
    if number < 2 or not targets:
        return Study(point)
    parts = []
    ends = [ceil(len(seeds) * i / number) for i in range(number + 1)]
    for start, end in pairwise(ends):
        some = seeds[start:end]
        overrides = tuple(listed(point.overrides, some))
        parts.append(
            replace(
                point,
                name=f"{prefix(point.name)}{span(some)}",
                overrides=overrides,
                params={**point.params, SEEDS: some},
            )
        )
    return Study(point, tuple(parts), targets)


def prefix(name: str) -> str:
    """What the names of a study's parts begin with."""
    return f"{name}_part-"


def stages(params: Mapping[str, Any], root: Path = Path(), of: Sequence[str] = KINDS) -> list[pipeline.Stage]:
    """The stages of these kinds that a study has, in order."""
    return [one for one in pipeline.stages(yaml12.load(root / pipeline.FILE), params) if one.kind in of]
