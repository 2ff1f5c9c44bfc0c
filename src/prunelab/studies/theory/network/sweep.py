"""One replicate: the same data, initial weights and nested masks at every share of weights kept."""

from collections.abc import Callable
from dataclasses import dataclass
from math import isfinite
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from prunelab.errors import UserError
from prunelab.studies.theory.network import data, descent, measures
from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Loss, Rule

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory

Row = dict[str, Any]


@dataclass(frozen=True)
class Sweep:
    """What a replicate leaves."""

    rows: list[Row]  # one for each p (measures.COLUMNS)
    race: list[Row]  # one for each p and step: kept, seed, step, loss, signal, noise
    margins: NDArray[np.float32]  # of the fresh examples at each p [P, T]


def run(theory: "Theory", seed: int, on_run: Callable[[Row], None]) -> Sweep:
    """Train at every p.

    Args:
        theory: the parameters.
        seed: of the replicate.
        on_run: called with each row (a progress bar).

    Raises UserError where numbers overflow: constant steps or initial weights are too large.
    """
    task, start = Task.of(theory, seed), data.weights(theory, seed)
    loss = Loss(task, theory.power)
    rank: Tensor | None = data.order(theory, seed) if theory.mask == "random" else None
    rows, race, margins = [], [], []
    for p in theory.kept:
        kept = start == start if rank is None else rank < p
        try:
            row, steps, found, trained = _one(theory, task, start, kept, loss)
        except OverflowError as error:
            name = "rate" if theory.descent == descent.CONSTANT else "init"
            raise UserError(
                f"theory.{name}={getattr(theory, name):g}: must be smaller, {error} (p = {p:g}, seed {seed})"
            ) from None
        if rank is None:  # the dense network, by whose trained weights the others are pruned
            rank = data.by_magnitude(trained)
        rows.append(measures.in_order(row | {"kept": p, "pruned": 1 - p, "seed": seed}))
        race += [{"kept": p, "seed": seed, **step} for step in steps]
        margins.append(found.numpy())
        on_run(rows[-1])
    return Sweep(rows, race, np.stack(margins))


def rule(theory: "Theory") -> Rule:
    """How the parameters say to train."""
    size = theory.step if theory.descent == descent.FLOW else theory.rate
    return Rule(theory.descent, size, theory.loss, theory.max_steps)


def _one(
    theory: "Theory", task: Task, start: Tensor, kept: Tensor, loss: Loss
) -> tuple[Row, list[Row], Tensor, Tensor]:
    """At one p: the row, the race step by step, the margins, the trained weights."""
    held = descent.filters(start, kept, task)
    race = []
    for step in descent.train(held, loss, rule(theory)):
        signal, noise = measures.signal(step.products, task), measures.noise(step.products, task)
        if not isfinite(step.loss):
            raise OverflowError(f"the loss is {step.loss} after {step.number} steps")
        race.append({"step": step.number, "loss": step.loss, "signal": signal, "noise": noise})
    weights, products = held.whole(), held.products()
    end = loss(products)
    measured, margins = measures.fresh(weights, task, theory.power, data.live(start, kept, task.classes))
    row = {
        **measured,
        **measures.fitted(products, task, loss),
        "kept_filters": measures.kept_filters(kept, task.classes),
        "steps": race[-1]["step"],
        "reached": int(race[-1]["loss"] <= theory.loss),
        "train_loss": end,
        "signal": measures.signal(products, task),
        "noise": measures.noise(products, task),
        "signal_start": race[0]["signal"],
        "noise_start": race[0]["noise"],
        "share": measures.share(products, task, theory.power),
    }
    return row, race, margins, weights
