"""How two quantities of runs go together: what judging/within.py has, and on separate halves of the test set."""

import numpy as np

from prunelab.judging.within import correlation as within
from prunelab.judging.within import pooled, z
from prunelab.studies.stability.shown import Array, Run

__all__ = ["halves", "pooled", "within"]


def halves(run: Run, arms: list[str]) -> float:
    """r within replicates of stability on one half of the test set and accuracy on the other; of both ways, as S16."""
    pairs = (("first", "second"), ("second", "first"))
    both = [z(run.table(arms, f"stability_{a}"), run.table(arms, f"test_{b}")) for a, b in pairs]
    return float(np.tanh(np.mean(both)))


def said(value: float | None, name: str = "r") -> str:
    """A correlation in a few letters."""
    return f"{name} = {value:+.2f}" if value is not None else f"{name}: none"


def p_value(value: float) -> str:
    """In a few letters."""
    return f"p = {value:.2g}" if value >= 1e-4 else f"p = {value:.0e}"


def text(x_AS: Array, y_AS: Array) -> str:
    """Two lines: as published, and within replicates."""
    found = pooled(x_AS, y_AS)
    one = "pooled: too few runs, or all alike"
    if found:
        one = f"pooled {said(found.r)} ({p_value(found.r_p)}), {said(found.tau, 'τ')} ({p_value(found.tau_p)})"
    return f"{one}\nwithin replicates {said(within(x_AS, y_AS))}"
