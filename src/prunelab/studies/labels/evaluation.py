"""How good is a ranking, where it is known which labels are wrong? N examples, W of them wrong."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, roc_auc_score

from prunelab.studies.labels.ranking import ranks

Array = NDArray[np.floating[Any]]
MEASURES = ("auroc", "average_precision", "precision", "missed")


def of_score(score_N: Array, wrong_N: NDArray[np.bool_]) -> dict[str, float] | None:
    """AUROC, average precision; precision, and the share of wrong labels missed, among the first W.

    None where all labels are wrong, or none is. Examples without a score (NaN) are left out.
    """
    known = ~np.isnan(score_N)
    score, wrong = score_N[known], wrong_N[known]
    if wrong.all() or not wrong.any():
        return None
    budget = int(wrong.sum())
    hits = int(wrong[ranks(score) <= budget].sum())
    found = roc_auc_score(wrong, score), average_precision_score(wrong, score), hits / budget, 1 - hits / budget
    return dict(zip(MEASURES, map(float, found), strict=True))


def curve(rank_N: NDArray[np.int64], wrong_N: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Precision among the first 1, 2, ..., N, and the share of wrong labels found among them; both [N]."""
    hits_N = np.cumsum(wrong_N[np.argsort(rank_N)])
    return hits_N / np.arange(1, len(hits_N) + 1), hits_N / max(1, int(wrong_N.sum()))
