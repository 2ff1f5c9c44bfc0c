"""All that the early ensemble, the folds' networks and the pruning chain left, by groups of replicates that were given
the same labels. N training examples, those held out for validation included; T test examples; K classes."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts, given
from prunelab.core.images import Images
from prunelab.core.rounds import early
from prunelab.studies.labels import crossfit

if TYPE_CHECKING:
    from prunelab.config import Config

Array = NDArray[np.floating[Any]]
Classes = NDArray[np.int64]


@dataclass(frozen=True)
class Group:
    """Replicates that were given the same labels: all of them, where labels are as they came; else each by itself."""

    seeds: list[int]
    given_N: Classes
    original_N: Classes
    error_N: Array  # EL2N as the early ensemble saw it in training, mean over epochs and networks
    margin_N: Array  # the same of margins
    probability_KN: Array  # of each class, as the early ensemble saw it in training, mean over epochs and networks
    chain_N: Array | None  # EL2N, mean over rounds and epochs; NaN of what no replicate trained its rounds on
    predicted_N: Classes  # by networks that have not seen the example
    test_predicted_T: Classes

    @property
    def wrong(self) -> NDArray[np.bool_]:
        """Whether the given label is not the original one."""
        return self.given_N != self.original_N


@dataclass(frozen=True)
class Found:
    """What a run left behind."""

    groups: list[Group]
    truth: bool  # whether the original labels are known to be right: noise was added, or true labels came beside
    chain: list[str]  # the rounds of the chain; empty where there is none
    pictures: Images


def gather(params: "Config", pictures: Images, chain: list[str]) -> Found:
    """Read all of it: what the parameters name, never whatever lies in a folder.

    Args:
        params: all of them.
        pictures: the data set.
        chain: keys of the pruning rounds, such as r07; empty if the run has none.

    Raises:
        UserError: a file is missing or damaged; it is named.
    """
    count, classes = len(pictures.y_train), pictures.num_classes
    labels = {seed: given.labels(seed, count, classes) for seed in params.seeds}
    together: dict[bytes, list[int]] = {}
    for seed, found in labels.items():
        together.setdefault(found["given"].tobytes(), []).append(seed)
    groups = [_group(seeds, labels, pictures, chain) for seeds in together.values()]
    return Found(groups, bool(params.noise) or pictures.given_train is not None, chain, pictures)


def _group(seeds: list[int], labels: dict[int, dict[str, Any]], pictures: Images, chain: list[str]) -> Group:
    count, tests, classes = len(pictures.y_train), len(pictures.y_test), pictures.num_classes
    ensembles = [early.read(seed, count)[0] for seed in seeds]
    answers = [crossfit.read(seed, count, tests, classes) for seed in seeds]
    return Group(
        seeds,
        labels[seeds[0]]["given"],
        pictures.y_train,
        _mean([one["error"].mean(axis=0) for one in ensembles]),
        _mean([one["margin"].mean(axis=0) for one in ensembles]),
        _mean([one["probability"] for one in ensembles]),
        _chain(seeds, labels, chain) if chain else None,
        _mean([one.train_KN for one in answers]).argmax(axis=0),
        _mean([one.test_KT for one in answers]).argmax(axis=0),
    )


def _mean(some: list[NDArray[np.float32]]) -> Array:
    return np.asarray(np.mean(some, axis=0, dtype=np.float64))


def _chain(seeds: list[int], labels: dict[int, dict[str, Any]], chain: list[str]) -> Array:
    """Mean over rounds, then over the replicates that trained on an example."""
    held_out = {seed: labels[seed]["validation"] for seed in seeds}
    found = np.full((len(seeds), len(held_out[seeds[0]])), np.nan)
    for row, seed in enumerate(seeds):
        found[row, ~held_out[seed]] = _mean([_round(key, seed, int((~held_out[seed]).sum())) for key in chain])
    trained = ~np.isnan(found)
    total = np.where(trained, found, 0).sum(axis=0)
    return np.where(trained.any(axis=0), total / np.maximum(trained.sum(axis=0), 1), np.nan)


def _round(key: str, seed: int, count: int) -> NDArray[np.float32]:
    path = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), seed) / artifacts.EXAMPLES
    error = artifacts.read_arrays(path, ("mean_error",))["mean_error"]
    with artifacts.reading(path):
        if error.shape != (count,) or not np.issubdtype(error.dtype, np.floating) or not np.isfinite(error).all():
            raise ValueError(f"mean_error is {error.dtype} {error.shape}, not one number for each of {count} examples")
    return error.astype(np.float32)
