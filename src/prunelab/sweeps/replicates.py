"""One study whose replicates are computed apart: which seeds a sweep names, and which part trains which of them.

`seeds=0,1,2` and `seeds=range(0,20)` name one study with all of them; `seeds=[0,1],[2,3]` are two studies.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from itertools import islice
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
        UserError: one line: `seeds` is given twice, or its range has no step.
    """
    from hydra.core.override_parser.types import ChoiceSweep, RangeSweep

    for override in parsed:
        if override.key_or_group != SEEDS or not isinstance(override.value(), ChoiceSweep | RangeSweep):
            continue
        value = override.value()
        try:
            # One more than may be: enough to be refused.
            seeds = list(islice(value.list if isinstance(value, ChoiceSweep) else value.range(), REPLICATES + 1))
        except ValueError as error:
            raise UserError(f"{cut(override.input_line)}: {error}; `seeds=range(0,20)` are 20 seeds") from None
        if any(isinstance(seed, list) for seed in seeds):
            continue
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
    """Seeds in a name: 0-19 for the twenty from 0, 1-4-2 for these three."""
    first, last = seeds[0], seeds[-1]
    if len(seeds) > 1 and list(seeds) == list(range(first, first + len(seeds))):
        return f"{first}-{last}"
    return "-".join(map(str, seeds)) if len(seeds) <= NAMED else f"{first}-{last}-n{len(seeds)}"


def studies(points: Sequence["Point"], options: argparse.Namespace, root: Path = Path()) -> list[Study]:
    """The points of a grid, each split into parts if the grid's overrides name one study's seeds.

    Args:
        points: of the grid.
        options: of the command: overrides, workers, and replicates: how many a part trains; None: as many as make a
            part for each worker.
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
    size = size or ceil(len(seeds) / max(1, options.workers))
    return [split(point, size, root) for point in points]


def split(point: "Point", size: int, root: Path = Path()) -> Study:
    """A study in parts of so many replicates; in none if one part would be all of it, or no stage can be split."""
    seeds = point.params[SEEDS]
    kinds = pipeline.load(root).items()
    targets = tuple(name for name, kind in kinds if name in KINDS and kind.items(point.params) != {})
    if size >= len(seeds) or not targets:
        return Study(point)
    parts = []
    for start in range(0, len(seeds), size):
        some = seeds[start : start + size]
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
