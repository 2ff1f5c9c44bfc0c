"""All that rounds and this study's training left, as arrays. R rounds, S replicates, N training examples, T test."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prunelab.core import artifacts
from prunelab.core.images import Images
from prunelab.errors import UserError
from prunelab.studies.lens import stored
from prunelab.studies.lens.parameters import leave_out_runs
from prunelab.studies.lens.stored import Answers, Labels, Row

if TYPE_CHECKING:
    from prunelab.config import Config

Losses = NDArray[np.float32]


@dataclass(frozen=True)
class Part:
    """Networks trained on one part of the training set, one a replicate."""

    key: str
    chosen_by: str  # the round
    records: list[Row]
    answers: list[Answers]

    @property
    def which(self) -> str:
        """What kind of part."""
        return stored.part(self.key)[0]


@dataclass(frozen=True)
class Found:
    """What a run left behind."""

    seeds: list[int]
    keys: list[str]  # of the rounds
    labels: list[Labels]  # [S]
    records: dict[tuple[str, int], Row]
    loss_RSN: Losses
    predicted_RSN: NDArray[np.integer]
    right_RST: NDArray[np.bool_]
    score_SN: NDArray[np.float32]
    score_records: list[Row]  # [S]
    parts: dict[str, Part]

    def difference(self, r: int, s: int) -> Losses:
        """How much worse a round's network fits each example than the dense one [N] (Lens 3)."""
        return np.asarray(self.loss_RSN[r, s] - self.loss_RSN[0, s])

    def each(self) -> list[tuple[int, int]]:
        """Every round and replicate."""
        return [(r, s) for r in range(len(self.keys)) for s in range(len(self.seeds))]

    def record(self, r: int, s: int) -> Row:
        """A round's record."""
        return self.records[self.keys[r], self.seeds[s]]

    def again(self) -> Sequence[Part]:
        """Dense networks of another initialisation and order."""
        return [part for part in self.parts.values() if part.which == "again"]


def gather(params: "Config", pictures: Images) -> Found:
    """Read all of it: what the parameters name, never whatever lies in a folder.

    Raises UserError that names the file if one is missing, damaged, or another round's.
    """
    seeds, keys = list(params.seeds), [f"r{number:02d}" for number in range(params.n_rounds + 1)]
    labels = [stored.labels(seed, pictures.y_train, pictures.num_classes) for seed in seeds]
    tests = len(pictures.y_test)
    counts = [len(one.given_N) for one in labels]
    if len({*counts}) > 1:
        raise UserError(f"{artifacts.CORRUPTED}: replicates train on {sorted({*counts})} examples, not on as many each")
    found = {
        (key, seed): stored.answers(artifacts.ROUNDS, key, seed, counts[0], tests) for key in keys for seed in seeds
    }
    scored = [stored.el2n(seed, one, len(pictures.y_train)) for seed, one in zip(seeds, labels, strict=True)]
    parts = {
        key: Part(
            key,
            by,
            [stored.part_record(key, seed) for seed in seeds],
            [stored.answers(stored.places.LEAVE_OUT, key, seed, counts[0], tests) for seed in seeds],
        )
        for key, by in leave_out_runs(params).items()
    }
    return Found(
        seeds=seeds,
        keys=keys,
        labels=labels,
        records={(key, seed): stored.round_record(key, seed) for key in keys for seed in seeds},
        loss_RSN=np.array([[found[key, seed].loss_N for seed in seeds] for key in keys]),
        predicted_RSN=np.array([[found[key, seed].predicted_N for seed in seeds] for key in keys]),
        right_RST=np.array([[found[key, seed].right_T for seed in seeds] for key in keys]),
        score_SN=np.array([score for score, _ in scored]),
        score_records=[record for _, record in scored],
        parts=parts,
    )
