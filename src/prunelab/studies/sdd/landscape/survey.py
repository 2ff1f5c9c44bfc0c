"""Everything that is measured around one round's solutions: sparse, and re-dense from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from prunelab.core import machine, networks, streams
from prunelab.core.networks import State
from prunelab.core.split import Split
from prunelab.studies.sdd.landscape import surface
from prunelab.studies.sdd.landscape.curvature import Curvature
from prunelab.studies.sdd.landscape.objective import Objective, sample

if TYPE_CHECKING:
    from prunelab.studies.sdd.parameters import Landscape

Row = dict[str, Any]
STEPS = 5  # parts of a survey, for a progress bar


@dataclass(frozen=True)
class Solution:
    """A trained network, and the masks it was trained with ({}: with all its weights)."""

    state: State
    masks: dict[str, Tensor]


@dataclass(frozen=True)
class Survey:
    """One round of one replicate: a record, and tables of the path, the lines and (if asked for) the planes."""

    record: Row
    path: list[Row]
    lines: list[Row]
    planes: list[Row]


def survey(
    network: nn.Module,
    split: Split,
    solutions: dict[str, Solution],
    settings: "Landscape",
    seed: int,
    on_step: Callable[[], None],
) -> Survey:
    """Measure around each solution, and along the path from the first to the second.

    Args:
        network: the architecture, on the split's device.
        split: the training loss is that of the noisy labels.
        solutions: `sparse` and `redense`, on the split's device.
        settings: how much.
        seed: of the replicate. Directions and probes are drawn from it alone, hence the same for every round.
        on_step: called after each of STEPS parts.
    """
    rows = sample(len(split.x_N), settings.examples, streams.generator(seed, "landscape examples"))
    device_rows = None if rows is None else rows.to(split.given_N.device)
    train = Objective(network, split.x_N, split.given_N, device_rows)
    test = Objective(network, split.x_test_T, split.y_test_T)
    path = surface.path(train, test, solutions["sparse"].state, solutions["redense"].state)
    on_step()
    record: Row = {"examples": len(train), "of": len(split.x_N), "made_with": machine.description()}
    lines, planes = [], []
    for name, solution in solutions.items():
        record[name] = _curvature(train, solution, settings, seed)
        on_step()
        weights = [n for n in networks.layer_parameters(network) if solution.state[n].ndim > 1]
        directions = [
            surface.filter_normalised(
                solution.state, weights, solution.masks, streams.generator(seed, "landscape direction", number)
            )
            for number in range(max(2, settings.directions))
        ]
        lines += [
            {"solution": name} | row for row in surface.lines(train, solution.state, directions[: settings.directions])
        ]
        on_step()
        if settings.plane:
            planes += [{"solution": name} | row for row in surface.plane(train, solution.state, *directions[:2])]
    return Survey(record, path, lines, planes)


def _curvature(train: Objective, solution: Solution, settings: "Landscape", seed: int) -> Row:
    curvature = Curvature(train, solution.state, solution.masks)
    loss, accuracy = train.measure(solution.state)
    trace, error = curvature.trace(settings.probes, streams.generator(seed, "landscape probes"))
    eigenvalues = curvature.top(settings.eigenvalues, streams.generator(seed, "landscape eigenvalues"))
    return {
        "parameters": len(curvature),
        "train_loss": loss,
        "train_accuracy": accuracy,
        "eigenvalues": eigenvalues.tolist(),
        "trace": trace,
        "trace_error": error,
        "gradient_covariance": curvature.gradient_covariance(),
    }
