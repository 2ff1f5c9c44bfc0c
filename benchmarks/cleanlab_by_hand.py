"""Are cleanlab's scores in benchmarks/labels.py used as they are meant? One setting by hand, beside cleanlab itself:
`uv run --extra cleanlab python -m benchmarks.cleanlab_by_hand DATA`, half a minute.

Confident learning as its paper has it (Northcutt et al. 2021): the thresholds are each class's mean probability over
the examples that have its label; an example is counted as class j where its probability of j reaches j's threshold, the
most probable of these.
"""

import argparse
from pathlib import Path

import numpy as np
import torch

from benchmarks import labels_data, labels_scores
from benchmarks.labels_data import Labels, Setting
from benchmarks.labels_scores import Array


def thresholds(given_N: Labels, p_NK: Array) -> Array:
    """Mean probability of each class over the examples with its label [K]."""
    return np.array([p_NK[given_N == k, k].mean() for k in range(p_NK.shape[1])])


def scores(given_N: Labels, p_NK: Array, *, adjusted: bool = False) -> dict[str, Array]:
    """The three scores [N], low is suspect."""
    if adjusted:
        limits = thresholds(given_N, p_NK)
        p_NK = p_NK - limits + limits.max()
        p_NK = p_NK / p_NK.sum(axis=1, keepdims=True)
    rows = np.arange(len(given_N))
    own = p_NK[rows, given_N]
    others = p_NK.copy()
    others[rows, given_N] = -np.inf
    found = {"self_confidence": own, "normalized_margin": (own - others.max(axis=1) + 1) / 2}
    if not adjusted:
        small = np.finfo(p_NK.dtype).tiny
        entropy = -(p_NK * np.log(np.clip(p_NK, small, None))).sum(axis=1) / np.log(p_NK.shape[1])
        weighted = np.clip(entropy / np.clip(own, 1e-6, None), 1e-6, None)
        found["confidence_weighted_entropy"] = np.log(weighted + 1) / weighted
    return found


def confident_joint(given_N: Labels, p_NK: Array) -> Array:
    """Counts of given label by confidently other class [K, K]."""
    limits = thresholds(given_N, p_NK)
    joint = np.zeros((len(limits), len(limits)), dtype=int)
    for given, p_K in zip(given_N, p_NK, strict=True):
        reached = np.flatnonzero(p_K >= limits)
        if len(reached):
            joint[given, reached[np.argmax(p_K[reached])]] += 1
    return joint


def main() -> None:
    """Print the largest difference of each."""
    from cleanlab.count import compute_confident_joint  # type: ignore[import-not-found]
    from cleanlab.rank import get_label_quality_scores  # type: ignore[import-not-found]

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("data", type=Path)
    options = parser.parse_args()
    torch.set_num_threads(1)
    data = labels_data.draw(Setting("mnist", "20%", 0), options.data)
    p_NK = labels_scores.cross_validated(data)[0]["mean"]
    for adjusted in (False, True):
        for method, mine in scores(data.given_N, p_NK, adjusted=adjusted).items():
            theirs = get_label_quality_scores(data.given_N, p_NK, method=method, adjust_pred_probs=adjusted)
            named = f"{method.replace('_', ' ')}{', adjusted' if adjusted else ''}"
            print(f"{named:32s} largest difference {np.abs(mine - theirs).max():.1e}")
    mine = confident_joint(data.given_N, p_NK)
    theirs = compute_confident_joint(data.given_N, p_NK, calibrate=False)
    print(f"{'confident joint':32s} largest difference {np.abs(mine - theirs).max()} of {mine.sum()} examples counted")
    flagged = int(mine.sum() - np.trace(mine))
    print(f"{flagged} labels off its diagonal; {int((data.given_N != data.original_N).sum())} are wrong")


if __name__ == "__main__":
    main()
