"""Runs of the study lens whose truth is known, as evidence: what the claims are held against."""

import numpy as np

from prunelab.studies.lens.evidence import AFFECTED, Evidence

SEEDS, GROUPS, IMAGES = 5, 10, 1000
# Test accuracy round by round: with label noise; without.
NOISY = [0.70, 0.70, 0.68, 0.64, 0.70, 0.78, 0.84, 0.80, 0.60]
CLEAN = [0.90, 0.91, 0.92, 0.93, 0.92, 0.91, 0.88, 0.80, 0.60]
TRAIN = [1.0, 1.0, 1.0, 0.98, 0.90, 0.75, 0.65, 0.60, 0.50]


def spread(values, size=0.005, seed=0):
    """A curve [R] for each replicate [R, S], by so much about it."""
    values = np.asarray(values, dtype=float)
    rng = np.random.default_rng(seed)
    return values[:, None] + size * rng.standard_normal((len(values), SEEDS))


def answers(accuracy_R, seed=0):
    """Right answers [R, S, T] with these accuracies: an image is hard, or has luck in one network."""
    rng = np.random.default_rng(seed)
    hardness, luck = rng.random(IMAGES), rng.random((len(accuracy_R), SEEDS, IMAGES))
    accuracy = spread(accuracy_R, 0.004, seed)
    rank = np.argsort(np.argsort(0.5 * hardness + 0.5 * luck, axis=2), axis=2)
    return rank < (IMAGES * accuracy[:, :, None])


def world(**changes):
    """With label noise unless `noise=0`: what the paper says, in all. Curves are [R], what a part reaches a number."""
    noise = changes.pop("noise", 0.4)
    test = changes.pop("test", NOISY if noise else CLEAN)
    rounds = len(test)
    steps = np.arange(rounds)
    permuted = changes.pop("permuted", [0.1, 0.05, 0.2, 0.8, 1.6, 2.2, 2.8, 2.5, 2.3][:rounds])
    unpermuted = changes.pop("unpermuted", [0.02, 0.02, 0.03, 0.1, 0.2, 0.4, 0.7, 1.2, 2.0][:rounds])
    loss = changes.pop("loss", [0.05, 0.03, 0.02, 0.03, 0.06, 0.10, 0.3, 0.6, 1.2][:rounds])
    slope = changes.pop("slope", np.array([0, -0.01, -0.02, 0.05, 0.1, 0.2, 0.3, 0.3, 0.3][:rounds]))
    level = changes.pop("level", np.array([0, -0.2, -0.3, -0.1, 0.1, 0.2, 0.4, 0.6, 1.2][:rounds]))
    group = np.linspace(-1, 1, GROUPS)
    rng = np.random.default_rng(1)
    difference = (level[:, None] + slope[:, None] * group)[:, :, None] + 0.003 * rng.standard_normal(
        (rounds, GROUPS, SEEDS)
    )
    difference[0] = 0
    affected = dict.fromkeys(AFFECTED, np.zeros(rounds)) | {
        "concentration": 2 + 2 * (steps > 0),
        "mean_change": 0.1 * steps,
        "hard_difference": 0.3 * steps,
        "easy_difference": 0.1 * steps,
        "correlation": 0.8 * (steps > 0),
        "worsened_wrong": noise + 0.5 * (steps > 0),
        "worsened_percentile": 0.9 * (steps > 0),
        "least_percentile": 0.1 * (steps > 0),
    }
    affected |= {name: np.asarray(changes.pop(name)) for name in AFFECTED if name in changes}
    parts = {"random-0": 0.70, "random-1": 0.70} | changes.pop("parts", {})
    nothing = np.full((rounds, SEEDS), np.nan)
    validated = changes.pop("validated", True)
    keys = [f"r{r:02d}" for r in steps]
    curve = {
        "train": spread(changes.pop("train", TRAIN[:rounds]), 0.001),
        "test_last": spread(test),
        "validation": spread(changes.pop("validation", test)) if validated else nothing,
        "train_loss": spread(loss, 0.002),
        "permuted_loss": spread(permuted, 0.01) if noise else nothing,
        "unpermuted_loss": spread(unpermuted, 0.002),
    }
    again = changes.pop("again", 2.0)
    base = {
        "noise": noise,
        "retrain": "lr_rewind",
        "fraction": 0.2,
        "seeds": list(range(SEEDS)),
        "keys": keys,
        "sparsity_R": 1 - 0.5**steps,
        "curve": curve,
        "difference_RGS": difference,
        "group_loss_RGS": difference + 1,
        "affected": {name: spread(values, 0.01) for name, values in affected.items()},
        "again": {"concentration": np.full(SEEDS, again), "mean_change": np.full(SEEDS, 0.1)},
        "auc_S": np.full(SEEDS, 0.95 if noise else np.nan) + 0.005 * rng.standard_normal(SEEDS),
        "wrong_S": np.full(SEEDS, noise),
        "right_RST": answers(test),
        "parts": {key: answers([accuracy], 2 + i)[0] for i, (key, accuracy) in enumerate(parts.items())},
        "validation": {key: spread([accuracy])[0] for key, accuracy in parts.items()},
        "chance": 0.1,
    }
    return Evidence(**base | changes)


def filtered(*accuracies):
    """Parts without what the networks of every second round misclassify."""
    return {f"misclassified-r{2 * i:02d}": accuracy for i, accuracy in enumerate(accuracies)}
