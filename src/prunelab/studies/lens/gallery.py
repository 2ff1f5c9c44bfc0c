"""Which single examples pruning worsens, improves and leaves alone the most (Q14; Lens K.1). N examples, R rounds."""

from collections import Counter
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.studies.lens.gather import Found
from prunelab.studies.lens.optimum import Chosen

SHOWN = 20  # of each kind
NEAR = 0.02  # of test accuracy: a round that is this much worse than dense at most
LEAST = {"worsened": 1e-5, "improved": 1e-5, "least": 1e-12}  # differences count as this at least
Array = NDArray[np.floating[Any]]


def rounds(train_loss_R: Array, test_R: Array, improving: Sequence[int]) -> dict[str, list[int]]:
    """The rounds over which each kind's score is taken, of one replicate; empty where there is none.

    - worsened: improving ones with a train loss above the dense network's; if there is none, those with such a loss
      whose test accuracy is near the dense network's or above it;
    - improved: the same with a train loss below it (the paper has no second choice here, and then no picture);
    - least: all whose test accuracy is near the dense network's or above it.
    """
    near = [r for r in range(1, len(test_R)) if test_R[r] >= test_R[0] - NEAR]
    above, below = ([r for r in improving if sign * (train_loss_R[r] - train_loss_R[0]) > 0] for sign in (1, -1))
    return {
        "worsened": above or [r for r in near if train_loss_R[r] > train_loss_R[0]],
        "improved": below or [r for r in near if train_loss_R[r] < train_loss_R[0]],
        "least": near,
    }


def scores(difference_RN: Array, kind: str) -> Array:
    """The geometric mean over rounds of how much each example changes in the way asked for [N]."""
    signed = {"worsened": np.positive, "improved": np.negative, "least": np.abs}[kind](difference_RN)
    return np.asarray(np.exp(np.log(np.maximum(signed, LEAST[kind])).mean(axis=0)))


def rows(found: Found, chosen: Chosen) -> list[dict[str, Any]]:
    """The table: of each replicate and kind the examples in order, `index` being that in the data set."""
    result = []
    for s, seed in enumerate(found.seeds):
        last = [found.record(r, s)["last"] for r in range(len(found.keys))]
        train_loss, test = (np.array([row[name] for row in last]) for name in ("train_loss", "test_accuracy"))
        labels = found.labels[s]
        for kind, some in rounds(train_loss, test, chosen.improving).items():
            if not some:
                continue
            difference = np.array([found.difference(r, s) for r in some], dtype=np.float64)
            score = scores(difference, kind)
            order = np.argsort(score if kind == "least" else -score, kind="stable")[:SHOWN]
            for rank, i in enumerate(order, 1):
                predicted = Counter(found.predicted_RSN[some, s, i].tolist())
                most = max(predicted.values())
                result.append(
                    {"seed": seed, "kind": kind, "rank": rank, "index": int(labels.rows_N[i])}
                    | {"given": int(labels.given_N[i]), "original": int(labels.original_N[i])}
                    | {"predicted": min(value for value, times in predicted.items() if times == most)}
                    | {"el2n": float(found.score_SN[s, i]), "score": float(score[i])}
                )
    return result
