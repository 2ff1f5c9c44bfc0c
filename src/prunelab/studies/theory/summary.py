"""What the study ends with: a few numbers for `dvc exp show`, and a table."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from prunelab.studies.theory import predictions
from prunelab.studies.theory.tables import Array, Curve

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

TABLE = {  # column -> its title and how it is written
    "test_error": ("test error", "{:.3f}"),
    "train_loss": ("train loss", "{:.4f}"),
    "share": ("share", "{:.3f}"),
    "signal": ("Gamma", "{:.2f}"),
    "noise": ("Upsilon", "{:.2f}"),
    "margin": ("margin", "{:.2f}"),
    "dead": ("dead", "{:.2f}"),
    "steps": ("steps", "{:.0f}"),
}


def metrics(theory: "Theory", curve: Curve) -> dict[str, Any]:
    """Means over replicates at three shares of weights, and where the curve turns beside where it is predicted to."""
    best = int(np.argmin(curve.mean("test_error")))
    found: dict[str, Any] = {
        name: {"kept": float(curve.kept[at]), "test_error": _rounded(curve.mean("test_error")[at])}
        for name, at in (("dense", 0), ("best", best), ("sparsest", len(curve.kept) - 1))
    }
    star = predictions.p_star(theory)
    return found | {
        "reached": _rounded(float(curve["reached"].mean())),
        "p_star": _rounded(star) if np.isfinite(star) else None,
        "error_crossing": crossing(curve.kept, curve.mean("test_error"), (1 - 1 / theory.classes) / 2),
        "share_crossing": crossing(curve.kept, -curve.mean("share"), -0.5),
    }


def crossing(kept: Array, values: Array, level: float) -> float | None:
    """The share of weights at which a curve, from dense on, falls below a level; None if it starts there, or never.

    Between two shares of weights it is linear in log p.
    """
    below = np.flatnonzero(values < level)
    if not below.size or below[0] == 0:
        return None
    i = int(below[0])
    part = (values[i - 1] - level) / (values[i - 1] - values[i])
    return _rounded(float(np.exp(np.log(kept[i - 1]) + part * np.log(kept[i] / kept[i - 1]))))


def text(theory: "Theory", curve: Curve, subtitle: str, pictures: Sequence[str]) -> str:
    """A line for each share of weights kept, means over replicates, and where the figures are."""
    count = len(curve.seeds)
    what = f"means of {count} replicates" if count > 1 else "one replicate"
    header = f"{'kept':>8s}" + "".join(f"{title:>12s}" for title, _ in TABLE.values()) + f"{'predicted':>12s}"
    lines = [f"{subtitle}; {what}", "", header]
    means = {name: curve.mean(name) for name in TABLE}
    for i, p in enumerate(curve.kept):
        cells = "".join(f"{form.format(means[name][i]):>12s}" for name, (_, form) in TABLE.items())
        lines.append(f"{p:>8g}{cells}{predictions.over_pruned_error(p, theory):>12.3f}")
    return "\n".join([*lines, "", *(f"figure: {picture}" for picture in pictures)]) + "\n"


def subtitle(theory: "Theory") -> str:
    """The study in a line."""
    words = f"K = {theory.classes}, m = {theory.filters}, d = {theory.dimension}, n = {theory.examples}, "
    words += f"signal {theory.signal:g}, noise {theory.noise:g}, q = {theory.power}"
    words += f", {100 * theory.label_noise:g}% of labels drawn anew" if theory.label_noise else ""
    words += ", pruned by trained magnitude" if theory.mask == "magnitude" else ""
    return words + (", constant steps" if theory.descent == "constant" else "")


def _rounded(value: float) -> float:
    return float(f"{value:.6g}")
