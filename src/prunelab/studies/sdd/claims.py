"""SDD's nine claims (method of section 4 and 5), each from one run's tables.

judging/ says what a verdict is (claim.py), what its intervals are (effects.py) and how rounds are chosen (crossfit.py).
"""

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy import stats

from prunelab import regimes
from prunelab.judging import crossfit, effects
from prunelab.judging.claim import MORE_ROUNDS, UNDECIDED, Claim, judged, undecided
from prunelab.judging.effects import Effect, correlation, of_accuracies, of_replicates, of_share
from prunelab.studies.sdd.evidence import Evidence

Array = NDArray[np.float64]
# The claims that compare runs (comparison/across.py).
NOISE_LEVELS = "More noise needs lower sparsity to interpolate and higher sparsity for robustness."
CRITERIA = "Magnitude pruning has the highest efficacy, random the lowest; gradient the best early-stopped accuracy."
# A path counts as falling if it never climbs by more than this share of its range.
CLIMB = 0.01
FAR_ABOVE = 10.0  # points
MATCH = 1.0  # points: so near counts as a match


def double_descent(run: Evidence) -> Claim:
    """Claim 1."""
    text = "Under label noise, last test accuracy falls, then rises, then falls again with sparsity."
    last = run.right["last"]
    end, rounds = len(last) - 1, range(len(last))
    where = crossfit.chosen(last, lambda curve: [0, *regimes.valley_and_sweet_spot(curve), end])
    at = dict(zip(("dense", "valley", "sweet spot", "end"), np.moveaxis(where, 2, 0), strict=True))

    def effect(what: str, better: str, worse: str, pairs: Sequence[tuple[int, int]]) -> Effect:
        difference = crossfit.picked(last, at[better]) - crossfit.picked(last, at[worse])
        limit = crossfit.most_of_pairs(last, pairs)
        return of_accuracies(f"{what}: {better} - {worse}", difference, most=limit)

    found = [
        effect("fall into the valley", "dense", "valley", [(0, r) for r in rounds[1:]]),
        effect("rise", "sweet spot", "valley", [(q, r) for q in rounds for r in rounds[:q]]),
        effect("fall at the end", "sweet spot", "end", [(q, end) for q in rounds[:-1]]),
    ]
    if not run.noisy:
        dip = found[0]
        seen = "none, as claimed" if dip.fails else "there is one nevertheless" if dip.holds else "too uncertain to say"
        why = f"a run without label noise can show only that there is no dip; dip here: {seen}"
        return undecided(text, why, {"noise": 0.4}, [dip])
    if not run.of("high") or run.models["sweet_spot"] == end:
        why = f"the run ends at {100 * run.sparsity_R[-1]:.2f}% sparsity, before the last fall can show"
        return undecided(text, why, {"n_rounds": MORE_ROUNDS}, found)
    return judged(text, found)


def dip_is_critical(run: Evidence) -> Claim:
    """Claim 2."""
    text = (
        "The dip lies where train accuracy starts to fall; permuted accuracy falls there much faster than unpermuted."
    )
    trivial, critical, high = ([r for r in run.of(name) if r] for name in ("trivial", "critical", "high"))
    if not run.noisy or not (trivial and critical and high):
        why = "needs label noise, and rounds on both sides of the critical regime"
        return undecided(text, why, _needs(run, noise=0.4))
    before, after = critical[0] - 1, critical[-1]
    permuted, unpermuted = (run.sparse[name][before] - run.sparse[name][after] for name in ("permuted", "unpermuted"))
    where = f"from {run.rounds[before]} to {run.rounds[after]}"
    outside = [
        of_accuracies(
            f"last test accuracy, {name} - critical regime, mean over {run.rounds[some[0]]} to {run.rounds[some[-1]]} "
            f"and {run.rounds[critical[0]]} to {run.rounds[after]}",
            run.right["last"][some].mean(axis=0) - run.right["last"][critical].mean(axis=0),
        )
        for name, some in (("trivial", trivial), ("high", high))
    ]
    faster = of_replicates(
        f"fall of permuted - fall of unpermuted accuracy, {where}",
        100 * (permuted - unpermuted),
        "points",
        least=effects.LEAST,
    )
    return judged(text, [*outside, faster])


def sweet_spot(run: Evidence) -> Claim:
    """Claim 3."""
    text = "At the sweet spot, last test accuracy beats the dense model's, and restored accuracy is far above it."
    if not run.noisy or not run.of("high"):
        why = "needs label noise, and rounds beyond the critical regime"
        return undecided(text, why, _needs(run, noise=0.4))
    last, restored = run.right["last"], 100 * (run.sparse["restored"] - run.sparse["restored"][0]) - FAR_ABOVE
    where = crossfit.chosen(last, lambda curve: [int(np.argmax(curve))])[:, :, 0]
    return judged(
        text,
        [
            of_accuracies(
                "test: sweet spot - dense",
                crossfit.picked(last, where) - last[0],
                most=crossfit.most_of_pairs(last, [(r, 0) for r in range(1, len(last))]),
            ),
            of_replicates(
                f"restored: sweet spot - dense - {FAR_ABOVE:g} points",
                crossfit.at(restored, where),
                "points",
                most=effects.upper(restored[1:]),
            ),
        ],
    )


def other_runs(text: str, what: str, needs: Mapping[str, Any]) -> Claim:
    """A claim that compares runs."""
    why = f"compares {what}, which one run cannot; `uv run prunelab compare` judges experiments"
    return Claim(text, UNDECIDED, why, [], needs)


def escape(run: Evidence) -> Claim:
    """Claim 6."""
    text = "Re-dense training from a highly sparse solution escapes it and overfits the noise; the path only falls."
    rounds, paths = run.high(run.redense["permuted"]), run.high(run.climb_RS)
    if not run.noisy or not rounds or not paths:
        why = "needs label noise, and re-dense rounds with a path in the high regime"
        return undecided(text, why, _needs(run, noise=0.4, landscape__every=1))
    permuted = (run.redense["permuted"] - run.sparse["permuted"])[rounds].mean(axis=0)
    falls = int((run.climb_RS[paths] <= CLIMB).all(axis=0).sum())
    return judged(
        text,
        [
            of_replicates(
                f"permuted: re-dense - sparse, {_names(run, rounds)}", 100 * permuted, "points", least=effects.LEAST
            ),
            of_share(
                f"replicates whose paths, {_names(run, paths)}, never climb by more than {CLIMB:.0%} of their range in "
                "train loss - one half",
                falls,
                len(run.seeds),
            ),
        ],
    )


def sharpness(run: Evidence) -> Claim:
    """Claim 7."""
    text = "Re-dense solutions are sharper the sparser their start was, and sharper than the dense solution."
    sharp = run.eigenvalue["redense"]
    rounds, measured = run.high(sharp), [r for r in range(len(sharp)) if np.isfinite(sharp[r]).all()]
    if not rounds or len(measured) < 3 or 0 not in measured:
        why = "needs the curvature of re-dense solutions at three rounds or more, up to the high regime"
        return undecided(text, why, _needs(run, landscape__every=1))
    sparsity_RS = np.repeat(run.sparsity_R[measured, None], sharp.shape[1], axis=1)
    ratio = np.log(np.maximum(sharp[rounds], 1e-12).mean(axis=0) / np.maximum(run.eigenvalue["sparse"][0], 1e-12))
    return judged(
        text,
        [
            correlation(
                "rank correlation of sparsity and top Hessian eigenvalue, re-dense", sparsity_RS, sharp[measured], 1
            ),
            of_replicates(
                f"log of top Hessian eigenvalue, re-dense ({_names(run, rounds)}) over dense", ratio, "log ratio"
            ),
        ],
    )


def distances(run: Evidence) -> Claim:
    """Claim 8."""
    text = (
        "Sparse distance from initialisation falls with sparsity beyond the critical regime, mirrors last test "
        "accuracy, and is above the re-dense distance at low sparsity, below it at high."
    )
    sparse, redense = run.sparse["from_start"], run.redense["from_start"]
    high, both = run.high(sparse), run.high(redense)
    low = [r for r in run.of("trivial") if r and np.isfinite(redense[r]).all()]
    if len(high) < 3 or not both or not low:
        why = "needs three rounds in the high regime, and re-dense rounds in it and at low sparsity"
        return undecided(text, why, _needs(run, redense__every=3))
    sparsity_RS = np.repeat(run.sparsity_R[:, None], sparse.shape[1], axis=1)
    above, below = (sparse - redense)[low].mean(axis=0), (redense - sparse)[both].mean(axis=0)
    return judged(
        text,
        [
            correlation(
                "- rank correlation of sparsity and sparse distance, high regime", sparsity_RS[high], sparse[high], -1
            ),
            correlation(
                "- rank correlation of sparse distance and last test accuracy", sparse, run.sparse["test_last"], -1
            ),
            of_replicates(f"sparse - re-dense distance, {_names(run, low)}", above, "distance"),
            of_replicates(f"re-dense - sparse distance, {_names(run, both)}", below, "distance"),
        ],
    )


def tickets(run: Evidence) -> Claim:
    """Claim 9."""
    text = "At high sparsity a random re-initialisation can match or beat the winning ticket."
    rounds = run.high(run.reinit["test_last"])
    if not rounds:
        why = "needs re-initialised rounds in the high regime"
        return undecided(text, why, _needs(run, reinit__every=6))
    # "Can": at the round where it does best, which is chosen as a sweet spot is.
    again, ticket = run.right["reinit"][rounds], run.right["last"][rounds]
    difference = again.astype(np.int8) - ticket.astype(np.int8)
    where = crossfit.chosen(difference, lambda curve: [int(np.argmax(curve))])[:, :, 0]
    usual = rounds[int(stats.mode(where, axis=None).mode)]
    what = f"re-initialised - ticket + {MATCH:g} point, last test accuracy, where it does best"
    if len(rounds) > 1:
        what += f" of {_names(run, rounds)} (chosen apart: {run.rounds[usual]})"
    limit = crossfit.most(again, ticket)
    return judged(text, [of_accuracies(what, crossfit.picked(difference, where), plus=MATCH, least=0.0, most=limit)])


def _needs(run: Evidence, **wanted: Any) -> dict[str, Any]:
    """Parameters (`__` for a dot) of a run that could show it: more rounds, where this one ends too early."""
    needs = {name.replace("__", "."): value for name, value in wanted.items()}
    if run.noisy:
        needs.pop("noise", None)
    return needs if run.of("high") else {"n_rounds": MORE_ROUNDS} | needs


def _names(run: Evidence, rounds: Sequence[int]) -> str:
    return ", ".join(run.rounds[r] for r in rounds)


def verdicts(run: Evidence) -> dict[str, Claim]:
    """All nine, by number."""
    levels = [level for level in (0.2, 0.4, 0.6) if level != run.noise]
    return {
        "1": double_descent(run),
        "2": dip_is_critical(run),
        "3": sweet_spot(run),
        "4": other_runs(NOISE_LEVELS, "noise levels", {"noise": levels}),
        "5": other_runs(CRITERIA, "criteria", {"prune.criterion": ["magnitude", "gradient", "random"]}),
        "6": escape(run),
        "7": sharpness(run),
        "8": distances(run),
        "9": tickets(run),
    }
