"""States along a path, a line and in a plane, and the loss there."""

from collections.abc import Mapping, Sequence
from typing import Any

import torch
from torch import Tensor

from prunelab.core.networks import State
from prunelab.landscape.objective import Objective

Row = dict[str, Any]
STEPS = 100  # of the path: alpha = 0, 0.01, ... 1 (SDD 3.3)
RADII = tuple(i / 10 for i in range(-10, 11))  # of lines; 1 is as far as each filter is long
FLAT_RADII = tuple(i / 5 for i in range(-5, 6))  # of planes


def between(a: State, b: State, alpha: float) -> State:
    """(1 - alpha) a + alpha b for parameters and batch-norm statistics (SDD 3.3); counters are a's."""
    return {name: torch.lerp(a[name], b[name], alpha) if a[name].is_floating_point() else a[name] for name in a}


def filter_normalised(
    state: State, weights: Sequence[str], masks: Mapping[str, Tensor], generator: torch.Generator
) -> State:
    """A random direction, each filter of it as long as that filter of the state (Li et al., as used in SDD 3.3).

    Args:
        state: the point it starts from.
        weights: names of conv and linear weights, filters first [F, ...]. All else (biases, batch norm) gets none.
        masks: for a sparse solution, in the space it was trained in: pruned weights get none either.
        generator: on the CPU.
    """
    direction = {}
    for name in weights:
        draw = torch.randn(state[name].shape, generator=generator).to(state[name])
        if name in masks:
            draw = draw * masks[name]
        lengths, wanted = (part.flatten(1).norm(dim=1) for part in (draw, state[name]))
        scale = torch.where(lengths > 0, wanted / lengths.clamp_min(1e-30), 0.0)
        direction[name] = draw * scale.view(-1, *[1] * (draw.ndim - 1))
    return direction


def moved(state: State, *steps: tuple[float, State]) -> State:
    """The state plus so much of each direction."""
    result = dict(state)
    for length, direction in steps:
        for name, change in direction.items():
            result[name] = result[name] + length * change
    return result


def path(train: Objective, test: Objective, a: State, b: State) -> list[Row]:
    """Train and test loss and accuracy from a to b."""
    rows = []
    for step in range(STEPS + 1):
        point = between(a, b, step / STEPS)
        rows.append(
            {"alpha": step / STEPS, **named("train", train.measure(point)), **named("test", test.measure(point))}
        )
    return rows


def lines(train: Objective, state: State, directions: Sequence[State]) -> list[Row]:
    """Train loss and accuracy along each direction, both ways."""
    return [
        {"direction": number, "radius": radius, **named("train", train.measure(moved(state, (radius, direction))))}
        for number, direction in enumerate(directions)
        for radius in RADII
    ]


def plane(train: Objective, state: State, first: State, second: State) -> list[Row]:
    """Train loss and accuracy over the plane of two directions."""
    return [
        {"x": x, "y": y, **named("train", train.measure(moved(state, (x, first), (y, second))))}
        for x in FLAT_RADII
        for y in FLAT_RADII
    ]


def named(subset: str, measured: tuple[float, float]) -> Row:
    """As columns of a table."""
    return {f"{subset}_loss": measured[0], f"{subset}_accuracy": measured[1]}
