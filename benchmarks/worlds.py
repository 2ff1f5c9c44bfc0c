"""Simulated studies whose truth is known: what verdicts are held against.

A world is a set of true curves over R rounds, made in the image of the default study (its five replicates gave the
numbers below), and a draw from it is S replicates on T test images. Three kinds of chance, all at once:

- of a replicate: its curve lies above or below the true one, by an amount that changes slowly from round to round;
- of a replicate in a round: a little, independently of its other rounds;
- of the test images: some are hard for every network, some for every network of one round, and the rest is luck.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prunelab import regimes
from prunelab.studies.sdd import evidence

Array = NDArray[np.float64]
T = 797
NUM_CLASSES = 10
# Standard deviation over replicates of last test accuracy, and how much of it is a round's own: as measured. The rest
# is shared with a round d rounds away to the extent MEMORY ** d.
SPREAD, OWN, MEMORY = 0.022, 0.010, 0.9
# Shares of an answer's variance: images hard for all, hard for a round; the rest is luck.
HARD, HARD_IN_ROUND = 0.25, 0.05


def curve(points: dict[int, float]) -> Array:
    """Straight lines between some rounds' values."""
    rounds = sorted(points)
    return np.interp(np.arange(36), rounds, [points[r] for r in rounds])


@dataclass(frozen=True)
class World:
    """True curves [R] by name; nan in rounds that were not measured."""

    test: Array
    train: Array
    permuted: Array
    unpermuted: Array
    restored: Array
    distance: Array
    redense_distance: Array
    redense_permuted: Array
    reinit: Array  # last test accuracy
    best: Array  # best-epoch test accuracy
    eigenvalue: Array  # of re-dense solutions; of the dense one: that of r00 times `dense_eigenvalue`
    dense_eigenvalue: float = 1.0
    climbs: tuple[str, float] = ("none", 0.0)  # of paths: how they are drawn, and what size they have
    noise: float = 0.4
    spread: float = SPREAD

    def with_(self, **changes: object) -> "World":
        """The same but for these."""
        return replace(self, **changes)  # type: ignore[arg-type]

    def cut(self, rounds: int) -> "World":
        """The first so many rounds."""
        curves = {name: value[:rounds] for name, value in vars(self).items() if isinstance(value, np.ndarray)}
        return self.with_(**curves)

    @property
    def rounds(self) -> int:
        """R."""
        return len(self.test)


def some(values: Array, every: int) -> Array:
    """Measured at every such round only."""
    return np.where(np.arange(len(values)) % every == 0, values, np.nan)


def default() -> World:
    """The default study as five replicates show it."""
    test = curve(
        {0: 0.717, 5: 0.712, 8: 0.693, 11: 0.672, 13: 0.648, 14: 0.640, 15: 0.641, 18: 0.676, 20: 0.748, 23: 0.808}
    )
    test[23:] = curve({0: 0.808, 5: 0.840, 7: 0.834, 9: 0.80, 12: 0.690})[:13]
    train = curve(
        {0: 1.0, 12: 1.0, 13: 0.998, 14: 0.987, 15: 0.946, 17: 0.839, 19: 0.735, 22: 0.660, 28: 0.607, 35: 0.477}
    )
    return World(
        test=test,
        train=train,
        permuted=curve({0: 1.0, 13: 0.995, 14: 0.977, 16: 0.791, 20: 0.339, 24: 0.198, 28: 0.146, 35: 0.117}),
        unpermuted=curve({0: 1.0, 14: 0.998, 16: 0.980, 20: 0.948, 28: 0.915, 35: 0.72}),
        restored=curve(
            {0: 0.101, 12: 0.101, 14: 0.122, 16: 0.257, 20: 0.625, 24: 0.774, 28: 0.833, 32: 0.805, 35: 0.678}
        ),
        distance=curve({0: 14.8, 4: 12.8, 12: 18.0, 24: 10.9, 35: 4.0}),
        redense_distance=some(curve({0: 16.0, 4: 14.4, 8: 23.0, 24: 21.5, 35: 16.0}), 4),
        redense_permuted=some(curve({0: 1.0, 24: 1.0, 28: 0.931, 32: 0.467, 35: 0.3}), 4),
        reinit=some(curve({0: 0.71, 6: 0.712, 12: 0.788, 18: 0.863, 24: 0.810, 30: 0.570, 35: 0.4}), 6),
        best=curve({0: 0.897, 14: 0.914, 24: 0.88, 30: 0.842, 35: 0.69}),
        eigenvalue=some(curve({0: 1.0, 8: 1.47, 16: 2.38, 24: 3.56, 32: 10.5, 35: 12.0}), 8),
        dense_eigenvalue=2.3,
    )


def draw(
    world: World,
    seeds: int,
    rng: np.random.Generator,
    images: int | None = None,
    kinds: Sequence[str] = ("last", "best", "reinit"),
) -> evidence.Evidence:
    """S replicates of a world, as a run's evidence.

    Args:
        world: the truth.
        seeds: S.
        rng: draws them.
        images: runs with the same number have the same test set.
        kinds: of right answers that are needed; drawing them is most of the work.
    """
    rounds, shape = world.rounds, (world.rounds, seeds)
    luck = _replicates(rounds, seeds, world.spread, rng)
    hard = _difficulty(rounds, rng, np.random.default_rng(images) if images is not None else rng)

    def near(true: Array, spread: float) -> Array:
        return np.clip(true[:, None] + spread * rng.standard_normal(shape), 0, 1)

    def right(true: Array, luck_RS: Array) -> NDArray[np.bool_]:
        chance = np.nan_to_num(np.clip(true[:, None] + luck_RS, 0.01, 0.99), nan=0.01)
        luckless = np.sqrt(1 - HARD - HARD_IN_ROUND) * rng.standard_normal((*shape, T), dtype=np.float32)
        return np.asarray(stats.norm.ppf(chance)[:, :, None] > hard[:, None] + luckless)

    last = right(world.test, luck)
    answers = {"last": last, "best": right(world.best, luck) if "best" in kinds else last}
    again = right(world.reinit, luck + OWN * rng.standard_normal(shape)) if "reinit" in kinds else last
    answers["reinit"] = again & np.isfinite(world.reinit)[:, None, None]
    sparse = {
        "train": near(world.train, 0.002),
        "test_last": last.mean(axis=2),
        "test_best": answers["best"].mean(axis=2),
        "validation": np.full(shape, np.nan),
        "permuted": near(world.permuted, 0.01),
        "unpermuted": near(world.unpermuted, 0.004),
        "restored": near(world.restored, 0.02),
        "from_start": world.distance[:, None] + 0.15 * rng.standard_normal(seeds) + 0.05 * rng.standard_normal(shape),
    }
    mean = {name: values.mean(axis=1) for name, values in sparse.items()}
    return evidence.Evidence(
        noise=world.noise,
        seeds=list(range(seeds)),
        rounds=[f"r{r:02d}" for r in range(rounds)],
        sparsity_R=np.asarray(1 - 0.8 ** np.arange(rounds), dtype=float),
        regime_R=regimes.regimes(mean["train"], mean["test_last"], 1 / NUM_CLASSES),
        models=regimes.named_models(mean["test_last"], mean["test_best"], mean["validation"]),
        sparse=sparse,
        redense={
            "permuted": near(world.redense_permuted, 0.02),
            "from_start": world.redense_distance[:, None] + 0.2 * rng.standard_normal(shape),
        },
        reinit={"test_last": np.where(np.isnan(world.reinit)[:, None], np.nan, again.mean(axis=2))},
        right=answers,
        eigenvalue={
            "redense": world.eigenvalue[:, None] * np.exp(0.2 * rng.standard_normal(shape)),
            "sparse": np.full(shape, world.eigenvalue[0])
            * world.dense_eigenvalue
            * np.exp(0.2 * rng.standard_normal(shape)),
        },
        climb_RS=_climbs(world, shape, rng),
    )


def _replicates(rounds: int, seeds: int, spread: float, rng: np.random.Generator) -> Array:
    """How far each replicate lies from the true curve [R, S]: what lasts fades from round to round."""
    lasting = np.empty((rounds, seeds))
    lasting[0] = rng.standard_normal(seeds)
    for r in range(1, rounds):
        lasting[r] = MEMORY * lasting[r - 1] + np.sqrt(1 - MEMORY**2) * rng.standard_normal(seeds)
    own = min(OWN, spread)
    return np.sqrt(spread**2 - own**2) * lasting + own * rng.standard_normal((rounds, seeds))


def _difficulty(rounds: int, rng: np.random.Generator, images: np.random.Generator) -> NDArray[np.float32]:
    """How hard each test image is in each round [R, T], the same for all replicates."""
    for_all = np.sqrt(HARD) * images.standard_normal(T, dtype=np.float32)
    return np.asarray(for_all + np.sqrt(HARD_IN_ROUND) * rng.standard_normal((rounds, T), dtype=np.float32))


def _climbs(world: World, shape: tuple[int, int], rng: np.random.Generator) -> Array:
    kind, size = world.climbs
    drawn = {
        "none": lambda: np.zeros(shape),
        "skewed": lambda: rng.exponential(size / np.log(2), shape),  # `size` is the median
        "some": lambda: np.where(rng.random(shape) < size, 0.2, 0.0),  # a share `size` climbs by a fifth
    }[kind]()
    return np.where(np.isnan(world.eigenvalue)[:, None], np.nan, drawn)
