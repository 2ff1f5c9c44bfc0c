"""How often is a verdict wrong? Simulated worlds where the answer is known: `uv run python -m benchmarks.verdicts`.

For every claim, worlds in which it is false (nothing of what it says is there, or the opposite: what would count most
nearly as true) and in which it is true (just so much of it as counts, or as much as in the default study). Printed is
how often it is *supported* where it is false and *contradicted* where it is true, by the number of replicates; and
its power: how often it is supported in a world like the default study.
"""

import argparse
import multiprocessing
import os
from collections.abc import Callable, Mapping
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from tqdm import tqdm

from benchmarks import theory_worlds
from benchmarks.worlds import Array, World, default, draw, some
from prunelab.comparison import across
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, Claim
from prunelab.studies.sdd import claims, evidence

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
    of_theory = [Case(number, words, true, judge) for number, words, true, judge in theory_worlds.rows()]
    return [*_one_run(), *_several_runs(), *of_theory]


def _one_run() -> list[Case]:
    world, rounds = default(), np.arange(R)
    dense, valley, sweet = world.test[0], int(np.argmin(world.test[:28])), int(np.argmax(world.test))
    level = np.full(R, dense)
    below = np.where((rounds < sweet) & (world.test < dense), dense - world.test, 0)
    no_dip, low_dip = world.test + below, world.test + below * (1 - 0.01 / below[valley])
    no_end = np.where(rounds > sweet, world.test[sweet], world.test)
    critical = (rounds >= 14) & (rounds <= 18)
    before = world.test[1:14].mean()
    as_before = np.where(critical, before, world.test)
    deeper = np.where(critical, before - 0.01, world.test)
    ten = np.where(rounds > 0, world.restored[0] + 0.1, world.restored[0])
    far = np.where(rounds == 24, world.test - 0.005, world.test - 0.2)
    distance, at_first = world.distance, rounds <= 13
    unlearnt = world.with_(redense_permuted=some(world.permuted, 4))
    alike_sharp = world.with_(eigenvalue=some(level, 8))
    still = world.with_(distance=np.full(R, 14.0), redense_distance=some(np.where(at_first, 13.0, 15.0), 4))
    alike = world.with_(redense_distance=some(np.where(at_first, distance, 25.0), 4))
    little = world.with_(redense_distance=some(np.where(at_first, distance - 0.05, distance + 0.05), 4))
    one, two, three = claims.double_descent, claims.dip_is_critical, claims.sweet_spot
    six, seven, eight, nine = claims.escape, claims.sharpness, claims.distances, claims.tickets
    rows: list[tuple[Callable[..., Claim], str, str, bool, World]] = [
        (one, "1", "no dip", False, world.with_(test=no_dip)),
        (one, "1", "no fall at the end", False, world.with_(test=no_end)),
        (one, "1", "a dip of 1 point", True, world.with_(test=low_dip)),
        (one, "1", "as the default study", True, world),
        (two, "2", "as low before the critical regime as in it", False, world.with_(test=as_before)),
        (two, "2", "lower by 1 point in it", True, world.with_(test=deeper)),
        (two, "2", "as the default study", True, world),
        (three, "3", "flat up to the sweet spot", False, world.with_(test=np.minimum(level, no_dip))),
        (three, "3", "flat", False, world.with_(test=level)),
        (three, "3", "restored 10 points above", False, world.with_(restored=ten)),
        (three, "3", "1 point above dense", True, world.with_(test=np.minimum(level + 0.01, world.test))),
        (three, "3", "as the default study", True, world),
        (six, "6", "re-dense memorises as little as sparse", False, unlearnt),
        (six, "6", "half of all paths climb by more than 1%, skewed", False, world.with_(climbs=("skewed", 0.01))),
        (six, "6", "3 of 10 paths climb by a fifth", False, world.with_(climbs=("some", 0.3))),
        (six, "6", "1 of 50 paths climbs by a fifth", True, world.with_(climbs=("some", 0.02))),
        (six, "6", "no path climbs", True, world),
        (
            seven,
            "7",
            "as sharp as dense at every sparsity",
            False,
            alike_sharp.with_(dense_eigenvalue=1.0),
        ),
        (
            seven,
            "7",
            "twice as sharp as dense at every sparsity",
            False,
            alike_sharp.with_(dense_eigenvalue=0.5),
        ),
        (seven, "7", "sharper with sparsity, but as dense", False, world.with_(dense_eigenvalue=7.0)),
        (seven, "7", "as the default study", True, world),
        (eight, "8", "sparse distance does not change", False, still),
        (eight, "8", "re-dense as far as sparse at low sparsity", False, alike),
        (eight, "8", "as the paper has it, by 0.05", True, little),
        (nine, "9", "re-initialised 1.5 points worse", False, world.with_(reinit=some(world.test - 0.015, 6))),
        (nine, "9", "1 point worse", False, world.with_(reinit=some(world.test - 0.01, 6))),
        (nine, "9", "half a point worse in one round, 20 in others", True, world.with_(reinit=some(far, 6))),
        (nine, "9", "3 points better in one round", True, world.with_(reinit=some(far + 0.035, 6))),
    ]
    return [Case(number, words, true, partial(_judge_one, claim, made)) for claim, number, words, true, made in rows]


def _judge_one(claim: Callable[..., Claim], world: World, seeds: int, rng: np.random.Generator) -> Claim:
    kinds = ("last", "reinit") if claim is claims.tickets else ("last",)
    return claim(draw(world, seeds, rng, kinds=kinds))


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
        world.with_(test=np.full(R, v)).cut(2) for v in (0.70, world.test.max() - 0.021, world.test.max() - 0.021)
    ]
    near = [world.with_(test=np.full(R, v)).cut(2) for v in (0.70, world.test.max() - 0.011, 0.80)]
    far = [world.with_(test=np.full(R, v)).cut(2) for v in (0.70, 0.72, 0.74)]
    best = [world.with_(test=np.full(R, v)).cut(2) for v in (0.70, world.test.max(), world.test.max())]

    rows: list[tuple[str, str, bool, Mapping[Any, World], Callable[..., Claim]]] = [
        ("4", "noise changes nothing", False, {0.2: world, 0.6: world}, _noise),
        ("4", "three rounds each way", True, {0.2: world, 0.6: later}, _noise),
        ("5", "all criteria alike", False, dict.fromkeys(across.CRITERIA, world), _criteria),
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
    judge: Callable[[Mapping[Any, evidence.Evidence]], Claim],
    worlds: Mapping[Any, World],
    seeds: int,
    rng: np.random.Generator,
) -> Claim:
    images = int(rng.integers(2**32))  # the same for all of them
    kinds = ("last", "best") if judge is across.criteria else ("last",)
    return judge({value: draw(world, seeds, rng, images, kinds) for value, world in worlds.items()})


_noise, _criteria = across.noise_levels, across.criteria


def _extended_noise(runs: Mapping[float, evidence.Evidence]) -> Claim:
    return across.extended({0.4: runs})


def _extended_clean(runs: Mapping[float, evidence.Evidence]) -> Claim:
    return across.extended({0.0: runs})


def _width_noise(runs: Mapping[float, evidence.Evidence]) -> Claim:
    return across.width({0.4: runs})


def _width_clean(runs: Mapping[float, evidence.Evidence]) -> Claim:
    return across.width({0.0: runs})


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
    # Arrays are small: threads of one process would wait for each other. Set before NumPy is loaded, in new processes.
    os.environ |= dict.fromkeys(("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
    with ProcessPoolExecutor(mp_context=multiprocessing.get_context("spawn")) as pool:
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
