"""What is measured of one network at the end of its training.

Gamma, the weight-signal correlation, and Upsilon, the weight-noise correlation, say which of the two it has learnt
(Yang et al., section 3). K classes, m filters a class, n training and T fresh examples.
"""

from collections.abc import Mapping
from typing import Any

import torch
from torch import Tensor

from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Loss, Products

CHUNK = 1000  # fresh examples at a time
Row = dict[str, Any]
# Columns of a sweep, in this order; those that say nothing where there is no such class or example are empty there.
COLUMNS = (
    *("kept", "pruned", "seed", "kept_filters", "steps", "reached", "train_loss", "train", "restored", "test"),
    *("test_loss", "signal", "noise", "signal_start", "noise_start", "share", "test_noise", "margin", "margin_std"),
    *("dead", "test_dead", "test_live", "test_error"),
)
MAY_BE_EMPTY = ("restored", "test_dead", "test_live")


def signal(products: Products, task: Task) -> float:
    """Gamma: the mean over classes of the largest product of a class's filters with its signal."""
    own = torch.arange(task.classes)
    return float(products.signal.reshape(task.classes, task.classes, -1)[own, own].amax(dim=1).mean())


def noise(products: Products, task: Task) -> float:
    """Upsilon: the mean over training examples of the largest product of their label's filters with their noise."""
    return float(_given(products.noise, task).amax(dim=1).mean())


def share(products: Products, task: Task, power: float) -> float:
    """How much of the output of an example's label comes from its signal: the mean over training examples."""
    from_signal = _given(products.signal[task.true], task).clamp(min=0).pow(power).sum(dim=1)
    from_noise = _given(products.noise, task).clamp(min=0).pow(power).sum(dim=1)
    whole = from_signal + from_noise
    return float(torch.where(whole > 0, from_signal / whole, 0.0).mean())


def fitted(products: Products, task: Task, loss: Loss) -> Row:
    """On the training examples: accuracy on the labels given, and on the true ones of those whose label is wrong."""
    said = loss.outputs(products).argmax(dim=1)
    wrong = task.given != task.true
    right = (said == task.true)[wrong].double().mean()
    return {
        "train": float((said == task.given).double().mean()),
        "restored": float(right) if wrong.any() else None,
    }


def fresh(weights: Tensor, task: Task, power: float, can: Tensor) -> tuple[Row, Tensor]:
    """On fresh examples.

    Args:
        weights: [K m, d].
        task: theirs.
        power: q.
        can: which filters can learn their class's signal (data.live) [K, m].

    Returns:
        Columns of the row, and the margins F_y - max_{j != y} F_j [T].
    """
    of_signal = _summed(task.signal * weights[:, : task.classes].T, task.classes, power)
    of_noise = torch.cat([_summed(part @ weights.T, task.classes, power) for part in task.fresh_noise.split(CHUNK)])
    outputs = (of_signal[task.fresh] + of_noise).double()
    own = outputs.gather(1, task.fresh[:, None])[:, 0]
    others = outputs.scatter(1, task.fresh[:, None], -torch.inf).amax(dim=1)
    right, margins = outputs.argmax(dim=1) == task.fresh, own - others
    dead = ~can.any(dim=1)
    on_dead = dead[task.fresh]
    spread = torch.stack([margins[task.fresh == c].std() for c in range(task.classes) if (task.fresh == c).sum() > 1])
    return {
        "test": float(right.double().mean()),
        "test_error": float(1 - right.double().mean()),
        "test_loss": float((outputs.logsumexp(dim=1) - own).mean()),
        "test_noise": float(of_noise.double().mean()),
        "margin": float(margins.mean()),
        "margin_std": float(spread.mean()) if len(spread) else 0.0,
        "dead": float(dead.double().mean()),
        "test_dead": float(right[on_dead].double().mean()) if on_dead.any() else None,
        "test_live": float(right[~on_dead].double().mean()) if not on_dead.all() else None,
    }, margins.float()


def kept_filters(kept: Tensor, classes: int) -> float:
    """The mean over classes of how many of a class's filters keep its signal's coordinate."""
    own = torch.arange(classes)
    return float(kept.reshape(classes, kept.shape[0] // classes, -1)[own, :, own].sum(dim=1).double().mean())


def in_order(row: Mapping[str, Any]) -> Row:
    """A row with its columns as a sweep has them."""
    return {name: row[name] for name in COLUMNS}


def _given(products: Tensor, task: Task) -> Tensor:
    """Of products [n, K m], those of each example's label's filters [n, m]."""
    return products.reshape(len(products), task.classes, -1)[torch.arange(len(products)), task.given]


def _summed(products: Tensor, classes: int, power: float) -> Tensor:
    return products.clamp(min=0).pow(power).reshape(len(products), classes, -1).sum(dim=2)
