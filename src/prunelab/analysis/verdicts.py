"""SDD's nine claims (method of section 4 and 5), each from one run's tables; claims.py holds the statistics."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from typing import Any

import numpy as np

from prunelab.analysis.claims import CONTRADICTED, UNDECIDED, Claim, Effect, correlation, interval, judged, points
from prunelab.analysis.evidence import Run

LONGER = "uv run dvc exp run -S n_rounds=35"
MORE_SEEDS = "uv run dvc exp run -S 'seeds=[0,1,2,3,4,5,6,7,8,9]'"
# The claims that compare runs (experiments/claims.py), and the runs they compare.
NOISE_LEVELS = "More noise needs lower sparsity to interpolate and higher sparsity for robustness."
RUN_NOISE_LEVELS = "uv run dvc exp run --queue -S noise=0.2,0.4,0.6"
CRITERIA = "Magnitude pruning has the highest efficacy, random the lowest; gradient the best early-stopped accuracy."
RUN_CRITERIA = "uv run dvc exp run --queue -S prune.criterion=magnitude,gradient,random"
# A path counts as falling if it never climbs by more than this share of its range.
CLIMB = 0.01
FAR_ABOVE = 10.0  # points


def double_descent(run: Run) -> Claim:
    """Claim 1."""
    text = "Under label noise, last test accuracy falls, then rises, then falls again with sparsity; without, no dip."
    last = run.sparse["test_last"]
    dense, valley, sweet, end = (run.models[name] for name in ("dense", "valley", "sweet_spot", "end"))
    effects = [
        points("fall into the valley: dense - valley", last[dense] - last[valley], run.examples(dense, valley)),
        points("rise: sweet spot - valley", last[sweet] - last[valley], run.examples(sweet, valley)),
        points("fall at the end: sweet spot - end", last[sweet] - last[end], run.examples(sweet, end)),
    ]
    if run.noise == 0:
        dip = effects[0]
        found = "none, as claimed" if not dip.holds else "there is one nevertheless"
        why = f"a run without label noise can show only that there is no dip; dip here: {found}"
        return Claim(text, UNDECIDED, why, [dip], "uv run dvc exp run -S noise=0.4")
    if "high" not in run.regime_R or sweet == end:
        why = f"the run ends at {100 * run.sparsity_R[-1]:.2f}% sparsity, before the last fall can show"
        return Claim(text, UNDECIDED, why, effects, LONGER)
    return judged(text, effects, MORE_SEEDS)


def dip_is_critical(run: Run) -> Claim:
    """Claim 2."""
    text = (
        "The dip lies where train accuracy starts to fall; permuted accuracy falls there much faster than unpermuted."
    )
    critical = [r for r, regime in enumerate(run.regime_R) if regime == "critical"]
    if run.noise == 0 or "high" not in run.regime_R or not critical:
        why = "needs label noise, and rounds on both sides of the critical regime"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S noise=0.4")
    before, after = max(critical[0] - 1, 0), critical[-1]
    permuted, unpermuted = (run.sparse[name][before] - run.sparse[name][after] for name in ("permuted", "unpermuted"))
    where = f"from {run.rounds[before]} to {run.rounds[after]}"
    effect = points(f"fall of permuted - fall of unpermuted accuracy, {where}", permuted - unpermuted)
    valley = run.models["valley"]
    if valley not in critical:
        why = f"the valley, {run.rounds[valley]}, is in the {run.regime_R[valley]} regime"
        return Claim(text, CONTRADICTED, why, [effect])
    return judged(text, [effect], MORE_SEEDS)


def sweet_spot(run: Run) -> Claim:
    """Claim 3."""
    text = "At the sweet spot, last test accuracy beats the dense model's, and restored accuracy is far above it."
    dense, sweet = run.models["dense"], run.models["sweet_spot"]
    if run.noise == 0 or "high" not in run.regime_R:
        why = "needs label noise, and rounds beyond the critical regime"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S noise=0.4")
    last, restored = run.sparse["test_last"], run.sparse["restored"]
    effects = [
        points("test: sweet spot - dense", last[sweet] - last[dense], run.examples(sweet, dense)),
        points("restored: sweet spot - dense", restored[sweet] - restored[dense], least=FAR_ABOVE),
    ]
    return judged(text, effects, MORE_SEEDS)


def other_runs(text: str, what: str, command: str) -> Claim:
    """A claim that compares runs."""
    why = f"compares {what}, which one run cannot; `uv run prunelab compare` judges experiments"
    return Claim(text, UNDECIDED, why, [], command)


def escape(run: Run) -> Claim:
    """Claim 6."""
    text = "Re-dense training from a highly sparse solution escapes it and overfits the noise; the path only falls."
    rounds, paths = run.high(run.redense["permuted"]), run.high(run.climb_RS)
    if run.noise == 0 or not rounds or not paths:
        why = "needs label noise, and re-dense rounds with a path in the high regime"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S noise=0.4 -S redense.every=3 -S landscape.every=2")
    permuted = (run.redense["permuted"] - run.sparse["permuted"])[rounds].mean(axis=0)
    climb = CLIMB - run.climb_RS[paths].max(axis=0)
    effects = [
        points(f"permuted: re-dense - sparse, {_names(run, rounds)}", permuted),
        Effect(
            f"path, {_names(run, paths)}: {CLIMB:.0%} of the range - the highest climb in train loss",
            round(float(climb.min()), 6),
            "share",
            (round(float(climb.min()), 6), round(float(climb.max()), 6)),
        ),
    ]
    return judged(text, effects, MORE_SEEDS)


def sharpness(run: Run) -> Claim:
    """Claim 7."""
    text = "Re-dense solutions are sharper the sparser their start was, and sharper than the dense solution."
    sharp = run.eigenvalue["redense"]
    rounds, measured = run.high(sharp), [r for r in range(len(sharp)) if np.isfinite(sharp[r]).all()]
    if not rounds or len(measured) < 3 or 0 not in measured:
        why = "needs the curvature of re-dense solutions at three rounds or more, up to the high regime"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S landscape.every=1")
    sparsity_RS = np.repeat(run.sparsity_R[measured, None], sharp.shape[1], axis=1)
    ratio = np.log(np.maximum(sharp[rounds], 1e-12).mean(axis=0) / np.maximum(run.eigenvalue["sparse"][0], 1e-12))
    what = f"log of top Hessian eigenvalue, re-dense ({_names(run, rounds)}) over dense"
    effects = [
        correlation(
            "rank correlation of sparsity and top Hessian eigenvalue, re-dense", sparsity_RS, sharp[measured], 1
        ),
        Effect(what, round(float(ratio.mean()), 6), "log ratio", interval(ratio)),
    ]
    return judged(text, effects, MORE_SEEDS)


def distances(run: Run) -> Claim:
    """Claim 8."""
    text = (
        "Sparse distance from initialisation falls with sparsity beyond the critical regime, mirrors last test "
        "accuracy, and is above the re-dense distance at low sparsity, below it at high."
    )
    sparse, redense = run.sparse["from_start"], run.redense["from_start"]
    high, both = run.high(sparse), run.high(redense)
    low = [r for r, regime in enumerate(run.regime_R) if regime == "trivial" and r and np.isfinite(redense[r]).all()]
    if len(high) < 3 or not both or not low:
        why = "needs three rounds in the high regime, and re-dense rounds in it and at low sparsity"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S redense.every=3")
    sparsity_RS = np.repeat(run.sparsity_R[:, None], sparse.shape[1], axis=1)
    below, above = (redense - sparse)[both].mean(axis=0), (sparse - redense)[low].mean(axis=0)
    effects = [
        correlation(
            "- rank correlation of sparsity and sparse distance, high regime", sparsity_RS[high], sparse[high], -1
        ),
        correlation(
            "- rank correlation of sparse distance and last test accuracy", sparse, run.sparse["test_last"], -1
        ),
        Effect(
            f"sparse - re-dense distance, {_names(run, low)}",
            round(float(above.mean()), 6),
            "distance",
            interval(above),
        ),
        Effect(
            f"re-dense - sparse distance, {_names(run, both)}",
            round(float(below.mean()), 6),
            "distance",
            interval(below),
        ),
    ]
    return judged(text, effects, MORE_SEEDS)


def tickets(run: Run) -> Claim:
    """Claim 9."""
    text = "At high sparsity a random re-initialisation can match or beat the winning ticket."
    difference = run.reinit["test_last"] - run.sparse["test_last"]
    rounds = run.high(difference)
    if not rounds:
        why = "needs re-initialised rounds in the high regime"
        return Claim(text, UNDECIDED, why, [], f"{LONGER} -S reinit.every=6")
    # "Can": the round where it does best. A tie within a point is a match.
    best = max(rounds, key=lambda r: float(difference[r].mean()))
    what = (
        f"re-initialised - ticket + {1:g} point, last test accuracy, {run.rounds[best]} (best of {len(rounds)} rounds)"
    )
    return judged(text, [points(what, difference[best] + 0.01, least=0.0)], MORE_SEEDS)


def _names(run: Run, rounds: Sequence[int]) -> str:
    return ", ".join(run.rounds[r] for r in rounds)


def verdicts(run: Run) -> dict[str, Claim]:
    """All nine, by number."""
    return {
        "1": double_descent(run),
        "2": dip_is_critical(run),
        "3": sweet_spot(run),
        "4": other_runs(NOISE_LEVELS, "noise levels", RUN_NOISE_LEVELS),
        "5": other_runs(CRITERIA, "criteria", RUN_CRITERIA),
        "6": escape(run),
        "7": sharpness(run),
        "8": distances(run),
        "9": tickets(run),
    }


def as_json(claims: Mapping[str, Claim]) -> dict[str, Any]:
    """For metrics/claims.json."""
    return {number: asdict(claim) for number, claim in claims.items()}
