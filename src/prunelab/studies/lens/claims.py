"""What the paper says of single examples, L2 to L22, each from one run's tables (Jin et al.; our wording).

judging/ says what a verdict is and what its intervals are. A claim that compares runs says so here and is judged by
`prunelab compare` (comparison/lens.py). Positive effects are as claimed.
"""

from collections.abc import Callable, Mapping
from typing import Any

import numpy as np

from prunelab.judging import effects
from prunelab.judging.claim import MORE_ROUNDS, UNDECIDED, Claim, judged, undecided
from prunelab.judging.effects import of_replicates
from prunelab.studies.lens import measured, parts_claims
from prunelab.studies.lens.evidence import Array, Evidence
from prunelab.studies.lens.texts import TEXTS

TITLE = "What Lens says of single examples, checked on this run"
ABOUT = """Lens is Jin et al., *Pruning's Effect on Generalization Through the Lens of Training and Regularization*;
what stands after it are its sections. Effects are signed so that positive is as claimed. The optimum is chosen for
each replicate by the other replicates' validation accuracy (without a split, by their test accuracy on the other half
of the test images), and so is every other round that is chosen. Intervals are 95%: over replicates by Student's t,
over test images by bootstrap, over both together. A claim is *supported* if all of its effects are as large as what
counts and their intervals above zero. It is *contradicted* if one effect is too small whatever was chosen to measure
it: its highest upper limit (98.75%) over all choices, `at most`, is below what counts. What a command queues, `uv run
dvc queue start` runs, and `uv run prunelab compare --study lens` judges.
"""
CLEAN: Mapping[str, Any] = parts_claims.CLEAN
NOISY: Mapping[str, Any] = {"noise": 0.4}
TRAINED_ON = 0.1  # nats, and other least sizes, by docs/lens.md
# Trained on without pruning, for two cycles, at four widths.
NARROWER: Mapping[str, Any] = {
    "prune.fraction": 0,
    "prune.retrain": "lr_rewind",
    "n_rounds": 1,
    "model.width": [0.1, 0.2, 0.5, 1],
}
FINER = {"prune.fraction": 0.1}


def no_group_worse(run: Evidence) -> Claim:
    """L2."""
    if missing := _clean(run, "L2"):
        return missing
    share_RS = (run.difference_RGS <= 0).mean(axis=1) - 0.95
    what = "share of EL2N groups with mean loss difference <= 0, at the optimum, - 0.95"
    return judged(TEXTS["L2"], [measured.at(what, share_RS, measured.best(run), "share")])


def in_hard_examples(run: Evidence) -> Claim:
    """L3."""
    if missing := _dense_is_best(run, "L3"):
        return missing
    null_S = run.again["concentration"]
    if np.isnan(null_S).any():
        needs = {"leave_out.every": max(1, (len(run.keys) - 1) // 4)}
        return undecided(TEXTS["L3"], "needs networks of leave_out `again`, what two dense ones differ by", needs)
    best, change = measured.best(run), run.affected
    return judged(
        TEXTS["L3"],
        [
            measured.at(
                "concentration in the hardest fifth over that between two dense networks, - 1, at the optimum",
                change["concentration"] / null_S - 1,
                best,
                "ratio",
                least=0.2,
            ),
            measured.at(
                "rank correlation of EL2N and |loss difference|, at the optimum",
                change["correlation"],
                best,
                "correlation",
                least=0.3,
            ),
        ],
    )


def worse_loss_better_test(run: Evidence) -> Claim:
    """L4."""
    if missing := _clean(run, "L4"):
        return missing
    if run.chosen.highest is None:
        return undecided(TEXTS["L4"], "no round improves on the dense network", FINER)
    top = measured.highest(run)
    loss_RS = run.curve["train_loss"] - run.curve["train_loss"][0]
    return judged(
        TEXTS["L4"],
        [
            measured.at("train loss, highest improving round - dense", loss_RS, top, "nats"),
            measured.gain(
                "test accuracy, the same", run.right_RST[1:], _later(top), run.right_RST[0].astype(float), least=0.0
            ),
        ],
    )


def pruning_helps(run: Evidence) -> Claim:
    """L5."""
    if missing := _noisy(run, "L5"):
        return missing
    dense_ST = run.right_RST[0].astype(float)
    return judged(
        TEXTS["L5"],
        [measured.gain("test accuracy, optimum - dense", run.right_RST, measured.best(run), dense_ST)],
    )


def gap_widens(run: Evidence) -> Claim:
    """L6."""
    if missing := _noisy(run, "L6") or _dense_is_best(run, "L6"):
        return missing
    gap = run.gap - run.gap[0]
    what = "loss on permuted - on other examples: optimum - dense"
    return judged(TEXTS["L6"], [measured.at(what, gap, measured.best(run), "nats", least=TRAINED_ON)])


def noise_is_fitted_better_first(run: Evidence) -> Claim:
    """L7."""
    if missing := _noisy(run, "L7"):
        return missing
    trivial = [r for r in range(1, len(run.keys)) if run.regime[r] == "trivial"]
    if not trivial:
        return undecided(TEXTS["L7"], "no pruned round still memorises all", FINER)
    loss = run.curve["permuted_loss"]
    fall_RS = (loss[0] - loss) / loss[0]
    where = measured.by_others(fall_RS, lambda curve: trivial[int(np.argmax(curve[trivial]))])
    what = "loss on permuted examples, fall from dense, at the trivial round where it is largest"
    return judged(TEXTS["L7"], [measured.at(what, fall_RS, where, "share", least=0.05, among=trivial)])


def gap_closes(run: Evidence) -> Claim:
    """L8."""
    if missing := _noisy(run, "L8"):
        return missing
    test_R = run.curve["test_last"].mean(axis=1)
    if test_R[-1] > test_R.max() - effects.LEAST / 100:
        return undecided(
            TEXTS["L8"], "the run ends before test accuracy falls at the sparse end", {"n_rounds": MORE_ROUNDS}
        )
    closes = run.gap - run.gap[-1]
    where = measured.by_others(run.gap, lambda curve: int(np.argmax(curve)))
    what = "loss on permuted - on other examples: largest - last round's"
    return judged(TEXTS["L8"], [measured.at(what, closes, where, "nats", least=TRAINED_ON)])


def hard_groups_most(run: Evidence) -> Claim:
    """L9."""
    if missing := _noisy(run, "L9") or _dense_is_best(run, "L9"):
        return missing
    best = measured.best(run)
    hard = run.affected["hard_difference"] - run.affected["easy_difference"]
    order = np.arange(run.difference_RGS.shape[1], dtype=float)
    ranked = np.array([[effects.ranked(order, some) for some in of.T] for of in run.difference_RGS])
    return judged(
        TEXTS["L9"],
        [
            measured.at("loss difference, hardest fifth - rest, at the optimum", hard, best, "nats", least=TRAINED_ON),
            measured.at(
                "rank correlation of EL2N group and loss difference, at the optimum",
                ranked,
                best,
                "correlation",
                least=0.5,
            ),
        ],
    )


def wrong_labels_are_hard(run: Evidence) -> Claim:
    """L10."""
    if missing := _noisy(run, "L10"):
        return missing
    if np.isnan(run.auc_S).any():
        return undecided(TEXTS["L10"], "no label is wrong", NOISY)
    return judged(TEXTS["L10"], [of_replicates("AUC of EL2N for wrong labels, - 0.5", run.auc_S - 0.5, "share")])


def worsened_are_wrong(run: Evidence) -> Claim:
    """L19."""
    if missing := _noisy(run, "L19") or _dense_is_best(run, "L19"):
        return missing
    best, found = measured.best(run), run.affected
    return judged(
        TEXTS["L19"],
        [
            measured.at(
                "share of wrong labels, most worsened tenth - all, at the optimum",
                found["worsened_wrong"] - run.wrong_S,
                best,
                "share",
                least=0.1,
            ),
            measured.at(
                "EL2N percentile, most worsened - least changed tenth, at the optimum",
                found["worsened_percentile"] - found["least_percentile"],
                best,
                "share",
                least=0.1,
            ),
        ],
    )


def low_better_high_worse(run: Evidence) -> Claim:
    """L21."""
    if missing := _pruned(run, "L21"):
        return missing
    if run.retrain != "lr_rewind":
        return undecided(TEXTS["L21"], "is about learning-rate rewinding", {"prune.retrain": "lr_rewind"})
    if run.regime[-1] != "high":
        return undecided(TEXTS["L21"], "the run ends before the high regime", {"n_rounds": MORE_ROUNDS})
    found = run.difference_RGS
    first, last = (found[1] < 0).mean(axis=0) - 0.5, (found[-1] > 0).mean(axis=0) - 0.5
    return judged(
        TEXTS["L21"],
        [
            of_replicates(f"share of EL2N groups that {run.keys[1]} fits better than dense, - 0.5", first, "share"),
            of_replicates(f"share of EL2N groups that {run.keys[-1]} fits worse, - 0.5", last, "share"),
        ],
    )


def training_on_improves(run: Evidence) -> Claim:
    """L22, its first half."""
    if run.fraction:
        why = "is about extended dense training and narrower networks; `uv run prunelab compare` judges both together"
        return undecided(TEXTS["L22"], why, NARROWER)
    return judged(TEXTS["L22"], extended_effects(run))


def extended_effects(run: Evidence) -> list[effects.Effect]:
    """Of extended dense training: the share of groups that are fitted better, after one more cycle and at the end."""
    share_RS: Array = (run.difference_RGS <= 0).mean(axis=1) - 0.9
    return [
        of_replicates(
            f"extended training, share of groups with loss difference <= 0, {run.keys[r]}, - 0.9", share_RS[r], "share"
        )
        for r in (1, -1)
    ]


ONE_RUN: dict[str, Callable[[Evidence], Claim]] = {
    "L2": no_group_worse,
    "L3": in_hard_examples,
    "L4": worse_loss_better_test,
    "L5": pruning_helps,
    "L6": gap_widens,
    "L7": noise_is_fitted_better_first,
    "L8": gap_closes,
    "L9": hard_groups_most,
    "L10": wrong_labels_are_hard,
    "L11": parts_claims.improved_are_worth_more,
    "L12": parts_claims.sparse_network_as_a_filter,
    "L19": worsened_are_wrong,
    "L20": parts_claims.worsened_hurt,
    "L21": low_better_high_worse,
    "L22": training_on_improves,
}
# What compares runs, and the grid that shows it.
COMPARING: dict[str, Mapping[str, Any]] = {
    "L1": {"noise": 0, "prune.retrain": "lr_rewind", "prune.fraction": [0, 0.2], "n_rounds": 12},
    "L13": {"noise": 0.4, "prune.retrain": "lr_rewind", "prune.fraction": [0, 0.36]},
    "L14": {"noise": [0, 0.4], "model.width": [0.02, 0.05, 0.1, 0.2, 0.5]},
    "L15": NARROWER,
    "L16": NARROWER,
    "L17": {"noise": 0.4, "prune.retrain": ["rewind", "lr_rewind"]},
    "L18": {"noise": 0.4, "prune.criterion": ["magnitude", "random"]},
}


def verdicts(run: Evidence) -> dict[str, Claim]:
    """All of them, by number."""
    found = {}
    for number in TEXTS:
        if number in COMPARING:
            why = "compares runs; `uv run prunelab compare --study lens` judges experiments"
            found[number] = Claim(TEXTS[number], UNDECIDED, why, [], COMPARING[number])
        else:
            found[number] = ONE_RUN[number](run)
    return found


def _pruned(run: Evidence, number: str) -> Claim | None:
    if run.fraction == 0:
        return undecided(
            TEXTS[number], "nothing is pruned in this run (extended dense training)", {"prune.fraction": 0.2}
        )
    return None


def _clean(run: Evidence, number: str) -> Claim | None:
    """Why a claim about clean labels cannot be judged here."""
    if missing := _pruned(run, number):
        return missing
    if run.noise > 0 or run.retrain != "lr_rewind":
        why = "is about learning-rate rewinding without label noise (what trains better is the longer training)"
        return undecided(TEXTS[number], why, CLEAN)
    return _dense_is_best(run, number) if number in ("L2", "L3") else None


def _noisy(run: Evidence, number: str) -> Claim | None:
    if missing := _pruned(run, number):
        return missing
    if not np.isfinite(run.curve["permuted_loss"]).all():
        return undecided(TEXTS[number], "is about label noise, and there is none", NOISY)
    return None


def _dense_is_best(run: Evidence, number: str) -> Claim | None:
    if missing := _pruned(run, number):
        return missing
    if run.chosen.best == 0:
        found = "validation" if run.chosen.validated else "test accuracy"
        return undecided(TEXTS[number], f"{found} picks the dense network, which differs from itself by nothing", FINER)
    return None


def _later(places: measured.Places) -> measured.Places:
    """The same rounds where the dense one is not counted; it stands for the first after it."""
    return measured.Places(np.maximum(places.where_2S - 1, 0))
