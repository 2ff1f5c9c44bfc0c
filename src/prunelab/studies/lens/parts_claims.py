"""What the paper says of training on parts of the training set: L11, L12 and L20 (Lens D, E and K.2)."""

import numpy as np

from prunelab.judging.claim import Claim, judged, undecided
from prunelab.judging.effects import of_accuracies
from prunelab.studies.lens import measured
from prunelab.studies.lens.evidence import Array, Evidence
from prunelab.studies.lens.texts import TEXTS

EVERY = 3
CLEAN = {"noise": 0, "prune.retrain": "lr_rewind", "prune.fraction": 0.2, "n_rounds": 12}


def improved_are_worth_more(run: Evidence) -> Claim:
    """L11."""
    if run.noise > 0 or run.retrain != "lr_rewind":
        needs = {
            "noise": 0,
            "prune.retrain": "lr_rewind",
            "prune.fraction": 0.2,
            "n_rounds": 12,
            "leave_out.every": EVERY,
        }
        return undecided(TEXTS["L11"], "is about learning-rate rewinding without label noise", needs)
    improved, random = run.of("improved"), run.of("random")
    rounds = _among(run, [run.number(key) for key in improved])
    if not random or not rounds:
        why = "needs leave_out improved and random at a round that improves, or fits better than the dense network"
        return undecided(TEXTS["L11"], why, {"leave_out.every": _oftener(run)})
    without_ST = np.mean([improved[f"improved-{run.keys[r]}"] for r in rounds], axis=0)
    what = "test accuracy without a random fifth - without the top-improved fifth, "
    what += f"mean of {', '.join(run.keys[r] for r in rounds)}"
    return judged(TEXTS["L11"], [of_accuracies(what, np.mean([*random.values()], axis=0) - without_ST, least=0.3)])


def sparse_network_as_a_filter(run: Evidence) -> Claim:
    """L12."""
    if not np.isfinite(run.curve["permuted_loss"]).all():
        return undecided(TEXTS["L12"], "is about label noise, and there is none", {"noise": 0.4})
    parts = run.of("misclassified")
    if len(parts) < 3:
        return undecided(
            TEXTS["L12"], "needs leave_out misclassified at three rounds or more", {"leave_out.every": _oftener(run)}
        )
    right_PST = np.array([*parts.values()])
    validation_PS = np.array([run.validation[key] for key in parts])
    numbers = [run.number(key) for key in parts]
    best = measured.best(run, right_PST, validation_PS)
    sparse_ST = measured.best(run).right(run.right_RST)
    filtered, own = right_PST.mean(axis=2), run.curve["test_last"][numbers]
    return judged(
        TEXTS["L12"],
        [
            measured.gain(
                "test accuracy, dense on what the sparse network gets right - sparse network, each at its optimum",
                right_PST,
                best,
                sparse_ST,
                least=0.0,
            ),
            measured.ranked("rank correlation of the two over rounds", filtered, own, 1, 0.5),
        ],
    )


def worsened_hurt(run: Evidence) -> Claim:
    """L20."""
    with_, beside = run.of("worsened"), run.of("beside_worsened")
    above = run.curve["train_loss"].mean(axis=1) > run.curve["train_loss"][0].mean()
    improving = [r for r in run.chosen.improving if above[r]]
    rounds = [r for r in improving[len(improving) // 2 :] if f"worsened-{run.keys[r]}" in with_]
    if not rounds:
        why = "needs leave_out worsened at an improving round that fits the training set worse than the dense network"
        needs = {"leave_out.which": ["worsened"], "leave_out.every": _oftener(run)}
        return undecided(TEXTS["L20"], why, needs)

    def mean(some: dict[str, np.ndarray], name: str) -> Array:
        return np.asarray(np.mean([some[f"{name}-{run.keys[r]}"] for r in rounds], axis=0))

    what = "test accuracy with random examples in their place - with the most worsened, "
    what += f"mean of {', '.join(run.keys[r] for r in rounds)}"
    difference = mean(beside, "beside_worsened") - mean(with_, "worsened")
    return judged(TEXTS["L20"], [of_accuracies(what, difference, least=0.1)])


def _among(run: Evidence, measured_at: list[int]) -> list[int]:
    """Of these rounds those that improve; if none does, those that fit the training set better than the dense one."""
    improving = [r for r in run.chosen.improving if r in measured_at]
    loss = run.curve["train_loss"].mean(axis=1)
    return improving or [r for r in measured_at if loss[r] < loss[0]]


def _oftener(run: Evidence) -> int:
    """Parts at four rounds, at every EVERY-th at least."""
    return max(1, min(EVERY, (len(run.keys) - 1) // 4))
