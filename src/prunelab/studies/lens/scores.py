"""How well EL2N tells wrong labels from right ones, and how reproducible it is. N examples, M networks."""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats
from sklearn.metrics import roc_auc_score


def auc(score_N: NDArray[np.floating[Any]], wrong_N: NDArray[np.bool_]) -> float | None:
    """How well a score tells wrong labels from right ones; None where there are not both."""
    return None if wrong_N.all() or not wrong_N.any() else float(roc_auc_score(wrong_N, score_N))


def agreement(each_MN: NDArray[np.floating[Any]]) -> float | None:
    """Rank correlation of the even networks' mean score and the odd ones'; None of one network."""
    if len(each_MN) < 2:
        return None
    found = stats.spearmanr(each_MN[::2].mean(axis=0), each_MN[1::2].mean(axis=0)).statistic
    return 0.0 if np.isnan(found) else float(found)
