"""Simulated runs of the study theory whose truth is known, for benchmarks.verdicts.

In the image of the default study. A replicate's race turns at a p of its own; each of its K classes is dead below a p
of its own, drawn from (1-p/2)^m, the same along the curve; and a little of every number is luck. T2 has no world: it
counts the runs that ended, and estimates nothing.
"""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from itertools import product
from pathlib import Path
from typing import cast

import numpy as np
import yaml

from benchmarks.worlds import Array
from prunelab.comparison import theory as comparison
from prunelab.judging.claim import Claim
from prunelab.studies.theory import claims, predictions, tables
from prunelab.studies.theory.network.measures import COLUMNS
from prunelab.studies.theory.parameters import Theory

STUDY = "conf/study/theory.yaml"
Judge = Callable[[int, np.random.Generator], Claim]
DEFAULT = Theory.model_validate(yaml.safe_load((Path(__file__).parent.parent / STUDY).read_text())["theory"])
# Standard deviations over replicates, as ten of the default study have them (seeds 10 to 19): of log p where the race
# turns; of error and of share where no class is dead; of accuracy on dead classes at the sparsest p.
TURN, OWN, ON_DEAD = 0.08, 0.01, 0.038
WIDTH = 0.13  # of the race's turn, in log p


@dataclass(frozen=True)
class World:
    """What is true of every replicate."""

    turn: float = 0.46  # p at which the race turns
    gain: float = 0.9  # of test error, by winning the race
    lost: float = 0.9  # of test error, on a class that is dead
    beside: float = 0.0  # test error that dead classes do not explain
    on_dead: float = 0.033  # accuracy on dead classes above chance
    flat_before: str = ""  # the column that luck alone moves, to the best p
    flat_beyond: str = ""  # the same, from there
    theory: Theory = DEFAULT

    def draw(self, seeds: int, rng: np.random.Generator) -> claims.Evidence:
        """So many replicates, as a run's evidence."""
        theory = self.theory.model_copy(update={"seeds": list(range(seeds))})
        kept, shape = np.array(theory.kept), (len(theory.kept), seeds)
        # Dead below 2 (1 - v^(1/m)), v uniform: P(dead at p) = (1-p/2)^m.
        below = 2 * (1 - rng.random((theory.classes, seeds)) ** (1 / theory.filters))
        dead = (kept[:, None, None] < below).mean(axis=1)
        turns = np.log(self.turn) + TURN * rng.standard_normal(seeds)
        won = 1 / (1 + np.exp((np.log(kept)[:, None] - turns) / WIDTH))
        signal = np.where(won > 0.5, won * (1 - dead), won)
        error = 0.9 - self.gain * won + self.lost * dead * (won > 0.5) + self.beside + _luck(OWN, shape, rng)
        columns = {name: np.zeros(shape) for name in COLUMNS} | {
            "test": 1 - error,
            "test_error": error,
            "test_loss": 2.3 * error + _luck(OWN, shape, rng),
            "share": signal + _luck(OWN, shape, rng),
            "signal": 2 * signal + _luck(5 * OWN, shape, rng),
            "noise": 1.8 * (1 - signal) + _luck(5 * OWN, shape, rng),
            "dead": dead,
            "test_dead": 0.1 + self.on_dead + _luck(ON_DEAD, shape, rng),
            "reached": np.ones(shape),
        }
        best = int(np.argmin(error.mean(axis=1)))
        for name, rows in ((self.flat_before, slice(0, best + 1)), (self.flat_beyond, slice(best, None))):
            if name:
                columns[name][rows] = 1 + _luck(OWN, columns[name][rows].shape, rng)
        return claims.Evidence(theory, tables.Curve(kept, tuple(range(seeds)), columns))


def rows() -> list[tuple[str, str, bool, Judge]]:
    """Claim, world in words, whether it is true there, and its verdict on a draw."""
    one = World()
    t1, t3, t4, t5 = (
        claims.mild_pruning_helps,
        claims.over_pruning_destroys,
        claims.signal_up_noise_down,
        claims.the_signal_is_lost,
    )
    cases: list[tuple[Callable[[claims.Evidence], Claim], str, str, bool, World]] = [
        (t1, "T1", "no p is better than dense", False, World(gain=0, lost=0)),
        (t1, "T1", "the best p is better by 1 point", True, World(gain=0.01, lost=0.005)),
        (t1, "T1", "as the default study", True, one),
        (t3, "T3", "the sparsest p is as good as the best", False, World(lost=0)),
        (t3, "T3", "dead classes 5 points above chance", False, World(on_dead=0.05)),
        (t3, "T3", "dead classes 4 points above chance", True, World(on_dead=0.04)),
        (t3, "T3", "as the default study", True, one),
        (t4, "T4", "Gamma does not change", False, World(flat_before="signal")),
        (t4, "T4", "Upsilon does not change", False, World(flat_before="noise")),
        (t4, "T4", "test loss does not change", False, World(flat_before="test_loss")),
        (t4, "T4", "as the default study", True, one),
        (t5, "T5", "Gamma does not change", False, World(flat_beyond="signal")),
        (t5, "T5", "the share does not change", False, World(flat_beyond="share")),
        (t5, "T5", "0.1 of error beside dead classes", False, World(beside=0.1)),
        (t5, "T5", "0.07 of error beside dead classes", True, World(beside=0.07)),
        (t5, "T5", "as the default study", True, one),
    ]
    found = [(number, words, true, partial(_judge, claim, world)) for claim, number, words, true, world in cases]
    return [
        *found,
        ("T6", "slope 1.25", False, partial(_grid, 1.25, 0.0)),
        ("T6", "slope 0.75", False, partial(_grid, 0.75, 0.0)),
        ("T6", "0.1 of error beside dead classes", False, partial(_grid, 1.0, 0.1)),
        ("T6", "slope 1.24", True, partial(_grid, 1.24, 0.0)),
        ("T6", "slope 1.2", True, partial(_grid, 1.2, 0.0)),
        ("T6", "slope 1", True, partial(_grid, 1.0, 0.0)),
    ]


def _judge(claim: Callable[[claims.Evidence], Claim], world: World, seeds: int, rng: np.random.Generator) -> Claim:
    return claim(world.draw(seeds, rng))


def _grid(slope: float, beside: float, seeds: int, rng: np.random.Generator) -> Claim:
    """T6 on the grid that decides it: the race turns where p_star to the power of slope says."""
    found = []
    each = [cast(list[float], claims.GRID[f"theory.{name}"]) for name in ("filters", "examples", "signal")]
    for filters, examples, signal in product(*each):
        theory = DEFAULT.model_copy(update={"filters": filters, "examples": examples, "signal": signal})
        turn = 0.8 * predictions.p_star(theory) ** slope
        run = World(turn=turn, beside=beside, theory=theory).draw(seeds, rng)
        found.append(_Drawn("", [], run.theory, [], run))
    return comparison.scaling(found)


@dataclass
class _Drawn(comparison.Setting):
    drawn: claims.Evidence

    @property
    def evidence(self) -> claims.Evidence:
        return self.drawn


def _luck(size: float, shape: tuple[int, ...], rng: np.random.Generator) -> Array:
    return size * rng.standard_normal(shape)
