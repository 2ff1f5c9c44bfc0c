"""What the study ends with: a few numbers for `dvc exp show`, and a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from prunelab.judging.effects import student
from prunelab.studies.lens import measured
from prunelab.studies.lens.evidence import Evidence

if TYPE_CHECKING:
    from prunelab.config import Config

Array = NDArray[np.float64]


def paper_says(differences_S: Array) -> str:
    """Whether two results differ by the paper's rule: the mean of paired differences against their deviation (B).

    It is weak: of three replicates it calls a fifth of all differences that are none real.
    """
    if len(differences_S) < 2:
        return "one replicate"
    return "differs" if abs(differences_S.mean()) >= differences_S.std(ddof=1) else "matches"


def subtitle(params: "Config") -> str:
    """The study in a line."""
    noise = f"{100 * params.noise:g}% {params.noise_type} noise" if params.noise else "no noise added"
    what = f"{params.model.name} on {params.dataset}, {noise}"
    if params.prune.fraction == 0:
        return f"{what}, extended dense training, {params.prune.retrain}"
    return f"{what}, {params.prune.criterion} pruning, {params.prune.retrain}"


def metrics(run: Evidence) -> dict[str, Any]:
    """Means over replicates: dense network, optimum, highest improving round, and what tells of examples there."""
    chosen = run.chosen
    found: dict[str, Any] = {"dense": _model(run, 0), "optimum": _model(run, chosen.best)}
    if chosen.highest is not None:
        found["highest_improving"] = _model(run, chosen.highest)
    best = chosen.best
    found |= {
        "optimum_by_validation": chosen.validated,
        "el2n_auc": _mean(run.auc_S),
        "concentration": _mean(run.affected["concentration"][best]) if best else None,
        "worsened_wrong": _mean(run.affected["worsened_wrong"][best]) if best else None,
    }
    parts = run.of("misclassified")
    if parts:
        key = max(parts, key=lambda name: _level(run, name))
        found["on_what_is_right"] = {"round": key.rpartition("-")[2], "test": _mean(parts[key].mean(axis=1))}
    return found


def text(run: Evidence, subtitle: str, pictures: Sequence[str]) -> str:
    """A line for each model and part, means and deviations over replicates, and where the figures are."""
    count, chosen = len(run.seeds), run.chosen
    what = f"mean ± standard deviation of {count} replicates" if count > 1 else "one replicate"
    lines = [
        f"{subtitle}; {what}",
        "",
        f"{'':34s}{'round':>6s}{'sparsity':>10s}{'test':>14s}{'permuted':>16s}{'others':>16s}",
    ]
    lines[-1] += "   loss on training examples (nats)"
    named = [("dense", 0), (f"optimum, {chosen.how}", chosen.best)]
    if chosen.highest is not None:
        named.append(("highest that improves", chosen.highest))
    for name, r in named:
        losses = [run.curve[c][r] for c in ("permuted_loss", "unpermuted_loss")]
        cells = "".join(f"{_cell(some, '{:.3f}'):>16s}" for some in losses)
        where, test = f"{run.keys[r]:>6s}{100 * run.sparsity_R[r]:>9.2f}%", _cell(100 * run.curve["test_last"][r])
        lines.append(f"{name:34s}{where}{test:>14s}{cells}")
    for which, name in NAMES.items():
        for key, right in _best_of(run, which):
            lines.append(f"{name:34s}{key:>6s}{'':10s}{_cell(100 * right.mean(axis=-1)):>14s}")
    if chosen.best:
        gain = 100 * (measured.best(run).right(run.right_RST).mean(axis=1) - run.right_RST[0].mean(axis=1))
        interval = student(gain)
        told = "" if interval is None else f" [{interval[0]:+.1f}, {interval[1]:+.1f}]"
        lines += ["", f"optimum - dense: {gain.mean():+.1f} points{told}; by the paper's rule it {paper_says(gain)}"]
    if not np.isnan(run.auc_S).any():
        lines.append(f"EL2N tells wrong labels from right ones: AUC {_cell(run.auc_S, '{:.3f}')}")
    return "\n".join([*lines, "", *(f"figure: {picture}" for picture in pictures)]) + "\n"


NAMES = {
    "misclassified": "dense, on what it gets right",
    "improved": "dense, without the top-improved",
    "random": "dense, without random ones",
    "again": "dense, once more",
}


def _best_of(run: Evidence, which: str) -> list[tuple[str, Any]]:
    """The part that is best by validation; of what depends on no round the mean over draws."""
    parts = run.of(which)
    if not parts:
        return []
    if which in ("random", "again"):
        return [("", np.mean([right.mean(axis=1) for right in parts.values()], axis=0)[:, None])]
    key = max(parts, key=lambda name: _level(run, name))
    return [(key.rpartition("-")[2], parts[key])]


def _level(run: Evidence, key: str) -> float:
    held_out = run.validation[key].mean()
    return float(run.parts[key].mean() if np.isnan(held_out) else held_out)


def _model(run: Evidence, r: int) -> dict[str, Any]:
    found = {"round": run.keys[r], "sparsity": _rounded(run.sparsity_R[r]), "test": _mean(run.curve["test_last"][r])}
    return found | {name: _mean(run.curve[name][r]) for name in ("permuted_loss", "unpermuted_loss")}


def _mean(values: Array) -> float | None:
    return None if np.isnan(values).any() else _rounded(values.mean())


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")


def _cell(values: Array, form: str = "{:.1f}") -> str:
    if np.isnan(values).any():
        return "-"
    spread = f" ± {form.format(values.std(ddof=1))}" if len(values) > 1 else ""
    return form.format(values.mean()) + spread
