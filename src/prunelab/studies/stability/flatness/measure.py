"""Curvature of the loss and gradients of single examples at a trained network, and how far a step may go.

P free parameters: pruned ones are none. N examples.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch
from torch import nn

from prunelab.core import machine, streams
from prunelab.core.networks import State
from prunelab.core.pruning.mask import Masks
from prunelab.core.split import Split
from prunelab.landscape import spectrum
from prunelab.landscape.curvature import Curvature, Probed, Vector
from prunelab.landscape.objective import Objective
from prunelab.studies.stability.flatness import FARTHEST, HIGHER, STEP

if TYPE_CHECKING:
    from prunelab.studies.stability.parameters import Flatness

Row = dict[str, Any]
COARSE = 8  # steps between two points of the curves that are drawn
NEARLY_ZERO = 1e-3  # of the largest eigenvalue: what Lanczos finds is no more exact
TOP = 10  # eigenvectors along which epsilon looks


@dataclass(frozen=True)
class Found:
    """A record, and tables: eigenvalues' density, curvature by layer, loss along eigenvectors."""

    record: Row
    spectrum: list[Row]
    layers: list[Row]
    along: list[Row]


def objective(network: nn.Module, split: Split, data: str, examples: int = 0) -> Objective:
    """The mean loss on the first so many examples (0: all) of the test set, or of the training set as given."""
    x, y = (split.x_test_T, split.y_test_T) if data == "test" else (split.x_N, split.given_N)
    some = min(examples, len(x)) if examples else len(x)
    return Objective(network, x, y, torch.arange(some, device=y.device))


def measure(network: nn.Module, split: Split, state: State, masks: Masks, settings: "Flatness", seed: int) -> Found:
    """Everything of one replicate of one arm.

    Args:
        network: the architecture, on the split's device, with what makes blocks' outputs zero (removed.py).
        split: the replicate's.
        state: where, on the same device.
        masks: survivors of the parameters that are not free; {} for all.
        settings: how much.
        seed: of the replicate: probes are the same for all its arms.
    """
    sample = objective(network, split, settings.data, settings.examples)
    whole = objective(network, split, settings.data)
    curvature = Curvature(sample, state, masks)
    values_k, vectors_kP = curvature.leading(
        max(settings.eigenvalues, TOP), streams.generator(seed, "stability eigenvalues")
    )
    asked = min(settings.eigenvalues, len(curvature))
    keep = settings.probes if settings.density else 0
    probed = curvature.probe(settings.probes, streams.generator(seed, "stability probes"), keep)
    density = spectrum.estimate(curvature, (values_k, vectors_kP), probed.kept, settings.density) if keep else None
    loss, accuracy = whole.measure(state)
    along = Along(whole, state, [curvature.direction(vector) for vector in vectors_kP[:TOP]], loss)
    record = {
        "parameters": len(curvature),
        "examples": len(sample),
        "loss": loss,
        "accuracy": accuracy,
        **_flat(values_k[:asked], asked, probed, curvature.gradient_moments()),
        "epsilon": along.epsilon(),
        "effective": {f"{alpha:g}": density.effective_dimension(alpha) for alpha in settings.alphas} if density else {},
        "made_with": machine.description(),
    }
    points = zip(*density.points, strict=True) if density else ()
    nodes = [{"eigenvalue": float(value), "weight": float(weight)} for value, weight in points]
    return Found(record, nodes, _layers(curvature, probed, seed), along.rows())


def _flat(values_k: Vector, asked: int, probed: Probed, moments: tuple[float, float]) -> Row:
    """Eigenvalues and gradients of a record; None what is not all there, or over what is not above 0."""
    centred, uncentred = moments
    # Fewer than asked for are all that there are, but for zeros; or Lanczos did not find the others.
    whole = len(values_k) == asked or (len(values_k) > 0 and abs(values_k[-1]) < NEARLY_ZERO * abs(values_k[0]))
    largest = float(values_k.sum()) if whole else None
    return {
        "eigenvalues": values_k.tolist(),
        "eigenvalue_sum": largest,
        "top": float(values_k.max()) if len(values_k) else None,
        "trace": probed.trace,
        "trace_error": probed.error,
        "gradient_norm2": uncentred,
        "gradient_covariance": centred,
        "tic_sum": uncentred / largest if largest is not None and largest > 0 else None,
        "tic_trace": uncentred / probed.trace if probed.trace > 0 else None,
    }


def _layers(curvature: Curvature, probed: Probed, seed: int) -> list[Row]:
    """The largest eigenvalue and the trace of each layer's own block of the Hessian."""
    starts = streams.generator(seed, "stability layers")
    return [
        {"layer": name, "parameters": len(places), "eigenvalue": curvature.top_of_layer(name, starts)}
        | {"trace": probed.layers[name]}
        for name, places in curvature.layers.items()
    ]


class Along:
    """The loss at w + e v, for unit eigenvectors v (Stability E).

    Args:
        whole: the loss.
        state: w.
        directions: v.
        loss: at w.
    """

    def __init__(self, whole: Objective, state: State, directions: Sequence[State], loss: float) -> None:
        self._whole, self._state, self._directions, self._loss = whole, state, directions, loss
        self._seen: dict[tuple[int, int], float] = {}

    def rise(self, vector: int, steps: int) -> float:
        """By how much the loss at so many STEPs along a vector exceeds that at w."""
        if (vector, steps) not in self._seen:
            moved = dict(self._state)
            for name, change in self._directions[vector].items():
                moved[name] = moved[name] + steps * STEP * change
            self._seen[vector, steps] = self._whole.measure(moved)[0] - self._loss
        return self._seen[vector, steps]

    def epsilon(self) -> float | None:
        """The smallest |e|, in STEPs up to FARTHEST, at which some vector's loss is HIGHER than at w; None: nowhere."""
        for steps in range(1, round(FARTHEST / STEP) + 1):
            if any(self.rise(v, sign * steps) > HIGHER for v in range(len(self._directions)) for sign in (1, -1)):
                return steps * STEP
        return None

    def rows(self) -> list[Row]:
        """The curves."""
        most = round(FARTHEST / STEP)
        return [
            {"vector": v + 1, "e": steps * STEP, "loss": self.rise(v, steps) if steps else 0.0}
            for v in range(len(self._directions))
            for steps in range(-most, most + 1, COARSE)
        ]
