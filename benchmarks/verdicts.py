"""How often is a verdict wrong? Simulated worlds where the answer is known: `uv run python -m benchmarks.verdicts`.

For every claim, worlds in which it is false (nothing of what it says is there, or the opposite: what would count most
nearly as true) and in which it is true (just so much of it as counts, or as much as in the default study). Printed is
how often it is *supported* where it is false and *contradicted* where it is true, by the number of replicates; and
its power: how often it is supported in a world like the default study.
"""

import argparse
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks.worlds import Array, World, curve, default, draw, some
from prunelab.analysis import evidence, verdicts
from prunelab.analysis.claims import CONTRADICTED, SUPPORTED, Claim
from prunelab.experiments import claims

REPLICATES = (2, 3, 5, 10)
ALLOWED = 0.05
Judge = Callable[[World, int, np.random.Generator], Claim]
R = 36


@dataclass(frozen=True)
class Case:
    """A world, the claim judged in it, and whether the claim is true there."""

    claim: str
    world: str  # in words
    true: bool
    judge: Callable[[int, np.random.Generator], Claim]

    @property
    def wrong(self) -> str:
        """The verdict that would be wrong."""
        return CONTRADICTED if self.true else SUPPORTED


def error(worlds: int) -> float:
    """Two standard errors of a share of ALLOWED in so many worlds."""
    return 2 * float(np.sqrt(ALLOWED * (1 - ALLOWED) / worlds))


def cases() -> list[Case]:
    """All of them."""
    return [*_one_run(), *_several_runs()]


def _one_run() -> list[Case]:
    world = default()
    flat = np.full(R, 0.72)
    no_dip = np.maximum(world.test, world.test[0])
    no_dip[30:] = world.test[30:]
    no_end = np.where(np.arange(R) > 25, world.test[25], world.test)
    point = np.where(world.test < 0.72, 0.72 - 0.01 * (0.72 - world.test) / (0.72 - world.test[:20].min()), world.test)
    point[30:] = world.test[30:]
    early = curve({0: 0.72, 2: 0.685, 8: 0.685, 10: 0.69, 12: 0.69, 13: 0.72, 20: 0.862, 25: 0.875, 35: 0.737})
    later = np.where((np.arange(R) >= 10) & (np.arange(R) <= 12), world.test[1:10].mean() - 0.01, world.test)
    worse = world.test - 0.015
    even = some(np.where(np.arange(R) >= 14, world.test - 0.01, world.test), 6)
    match = some(np.where(np.arange(R) == 18, world.test - 0.005, world.test - 0.2), 6)
    rows: list[tuple[Callable[..., Claim], str, str, bool, World]] = [
        (verdicts.double_descent, "1", "no dip", False, world.with_(test=no_dip)),
        (verdicts.double_descent, "1", "no fall at the end", False, world.with_(test=no_end)),
        (verdicts.double_descent, "1", "a dip of 1 point", True, world.with_(test=point)),
        (verdicts.double_descent, "1", "as the default study", True, world),
        (verdicts.dip_is_critical, "2", "dip as deep before the critical regime", False, world.with_(test=early)),
        (verdicts.dip_is_critical, "2", "deeper by 1 point in the critical regime", True, world.with_(test=later)),
        (verdicts.dip_is_critical, "2", "as the default study", True, world),
        (verdicts.sweet_spot, "3", "no gain over dense", False, world.with_(test=np.minimum(world.test, 0.72))),
        (verdicts.sweet_spot, "3", "flat", False, world.with_(test=flat)),
        (
            verdicts.sweet_spot,
            "3",
            "restored 10 points above",
            False,
            world.with_(restored=np.where(np.arange(R) > 0, world.restored[0] + 0.1, world.restored[0])),
        ),
        (verdicts.sweet_spot, "3", "1 point above dense", True, world.with_(test=np.minimum(world.test, 0.73))),
        (verdicts.sweet_spot, "3", "as the default study", True, world),
        (verdicts.escape, "6", "permuted as before", False, world.with_(redense_permuted=some(world.permuted, 4))),
        (
            verdicts.escape,
            "6",
            "paths climb by 1% in the median, skewed",
            False,
            world.with_(climbs=("skewed", 0.0115)),
        ),
        (verdicts.escape, "6", "6 of 10 paths climb", False, world.with_(climbs=("some", 0.6))),
        (verdicts.escape, "6", "1 of 10 paths climbs", True, world.with_(climbs=("some", 0.1))),
        (verdicts.escape, "6", "as the default study", True, world),
        (verdicts.sharpness, "7", "as sharp at every sparsity, as dense", False, world.with_(eigenvalue=some(flat, 8))),
        (
            verdicts.sharpness,
            "7",
            "sharper than dense, at every sparsity alike",
            False,
            world.with_(eigenvalue=some(flat, 8), dense_eigenvalue=0.5),
        ),
        (verdicts.sharpness, "7", "sharper with sparsity, but as dense", False, world.with_(dense_eigenvalue=3.4)),
        (verdicts.sharpness, "7", "as the default study", True, world),
        (
            verdicts.distances,
            "8",
            "sparse distance does not change",
            False,
            world.with_(
                distance=np.full(R, 9.0), redense_distance=some(curve({0: 8.0, 9: 8.0, 12: 10.0, 35: 10.0}), 4)
            ),
        ),
        (
            verdicts.distances,
            "8",
            "re-dense distance as sparse at low sparsity",
            False,
            world.with_(redense_distance=some(np.where(np.arange(R) < 10, world.distance, 15.0), 4)),
        ),
        (
            verdicts.distances,
            "8",
            "as the paper has it, by a little",
            True,
            world.with_(
                redense_distance=some(np.where(np.arange(R) < 10, world.distance - 0.05, world.distance + 0.05), 4)
            ),
        ),
        (
            verdicts.tickets,
            "9",
            "re-initialised 1.5 points worse everywhere",
            False,
            world.with_(reinit=some(worse, 6)),
        ),
        (verdicts.tickets, "9", "1 point worse everywhere", False, world.with_(reinit=even)),
        (verdicts.tickets, "9", "half a point worse in one round, far worse else", True, world.with_(reinit=match)),
        (verdicts.tickets, "9", "as the default study", True, world),
    ]
    return [Case(number, words, true, partial(_judge_one, claim, made)) for claim, number, words, true, made in rows]


def _judge_one(claim: Callable[..., Claim], world: World, seeds: int, rng: np.random.Generator) -> Claim:
    return claim(draw(world, seeds, rng))


def _several_runs() -> list[Case]:
    """The claims that compare runs: each case is a world for each run, drawn with the same seeds."""
    world = default()
    later = world.with_(test=_shifted(world.test, 3), train=_shifted(world.train, -3))
    less = {"magnitude": 0, "gradient": -3, "random": -6}
    ordered = {name: world.with_(train=_shifted(world.train, by)) for name, by in less.items()}
    better = ordered | {"gradient": ordered["gradient"].with_(best=world.best + 0.03)}
    just = ordered | {"gradient": ordered["gradient"].with_(best=world.best + 0.01)}
    flat = world.with_(test=np.full(R, world.test.max()))
    low = world.with_(test=np.full(R, world.test.max() - 0.01))
    dense = world.with_(test=np.full(R, 0.72))
    narrow = [
        world.with_(test=np.full(R, v)).cut(2) for v in (0.80, world.test.max() - 0.021, world.test.max() - 0.021)
    ]
    near = [world.with_(test=np.full(R, v)).cut(2) for v in (0.80, world.test.max() - 0.011, 0.84)]
    far = [world.with_(test=np.full(R, v)).cut(2) for v in (0.76, 0.78, 0.80)]
    best = [world.with_(test=np.full(R, v)).cut(2) for v in (0.80, world.test.max(), world.test.max())]

    rows: list[tuple[str, str, bool, Mapping[Any, World], Callable[..., Claim]]] = [
        ("4", "noise changes nothing", False, {0.2: world, 0.6: world}, _noise),
        ("4", "three rounds each way", True, {0.2: world, 0.6: later}, _noise),
        ("5", "all criteria alike", False, dict.fromkeys(claims.CRITERIA, world), _criteria),
        ("5", "as the paper has it, but gradient's best epochs no better", False, ordered, _criteria),
        ("5", "as the paper has it, gradient's best epochs by 1 point", True, just, _criteria),
        ("5", "as the paper has it, by 3 points", True, better, _criteria),
        ("extended training", "noise: EDT as good as pruning", False, {0: flat, 0.2: world}, _extended_noise),
        ("extended training", "noise: 1 point worse", True, {0: low, 0.2: world}, _extended_noise),
        ("extended training", "noise: far worse", True, {0: dense, 0.2: world}, _extended_noise),
        ("extended training", "clean: 1 point worse", False, {0: low, 0.2: world}, _extended_clean),
        ("extended training", "clean: as good", True, {0: flat, 0.2: world}, _extended_clean),
        ("width", "noise: 2.1 points worse", False, dict(enumerate([*narrow, world])), _width_noise),
        ("width", "noise: 1.1 points worse", True, dict(enumerate([*near, world])), _width_noise),
        ("width", "clean: as good", False, dict(enumerate([*best, world])), _width_clean),
        ("width", "clean: far worse", True, dict(enumerate([*far, world])), _width_clean),
    ]
    return [Case(name, words, true, partial(_judge_several, judge, made)) for name, words, true, made, judge in rows]


def _judge_several(
    judge: Callable[[Mapping[Any, evidence.Run]], Claim],
    worlds: Mapping[Any, World],
    seeds: int,
    rng: np.random.Generator,
) -> Claim:
    images = rng.integers(2**32)  # the same for all of them
    return judge({value: draw(world, seeds, rng, int(images)) for value, world in worlds.items()})


_noise, _criteria = claims.noise_levels, claims.criteria


def _extended_noise(runs: Mapping[float, evidence.Run]) -> Claim:
    return claims.extended({0.4: runs})


def _extended_clean(runs: Mapping[float, evidence.Run]) -> Claim:
    return claims.extended({0.0: runs})


def _width_noise(runs: Mapping[float, evidence.Run]) -> Claim:
    return claims.width({0.4: runs})


def _width_clean(runs: Mapping[float, evidence.Run]) -> Claim:
    return claims.width({0.0: runs})


def _shifted(curve: Array, rounds: int) -> Array:
    """The same curve so many rounds later."""
    return np.interp(np.arange(R) - rounds, np.arange(R), curve)


def share(case: Case, seeds: int, worlds: int) -> tuple[float, float]:
    """How often the verdict is wrong, and how often it is supported, in so many draws of a world."""
    found = [case.judge(seeds, np.random.default_rng((seeds, world))).verdict for world in range(worlds)]
    return found.count(case.wrong) / worlds, found.count(SUPPORTED) / worlds


def main() -> None:
    """Print the tables."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--worlds", type=int, default=1000)
    parser.add_argument("--claim", help="one of them only")
    options = parser.parse_args()
    some_ = [case for case in cases() if options.claim in (None, case.claim)]
    jobs = [(case, n) for case in some_ for n in REPLICATES]
    with ProcessPoolExecutor() as pool:
        work = pool.map(share, *zip(*jobs, strict=True), [options.worlds] * len(jobs))
        found = dict(zip(range(len(jobs)), tqdm(work, total=len(jobs), unit="case"), strict=True))
    header = " | ".join(f"n = {n}" for n in REPLICATES)
    print(f"{options.worlds} worlds each; allowed: {100 * (ALLOWED + error(options.worlds)):.1f}%\n")
    print(
        f"| claim | world | the claim is | wrong would be | {header} | supported |\n|{'---|' * (5 + len(REPLICATES))}"
    )
    for i, case in enumerate(some_):
        rows = [found[len(REPLICATES) * i + j] for j in range(len(REPLICATES))]
        wrong = " | ".join(f"{100 * row[0]:.1f}%" for row in rows)
        power = ", ".join(f"{100 * row[1]:.0f}" for row in rows)
        truth = "true" if case.true else "false"
        print(f"| {case.claim} | {case.world} | {truth} | {case.wrong} | {wrong} | {power}% |")


if __name__ == "__main__":
    main()
