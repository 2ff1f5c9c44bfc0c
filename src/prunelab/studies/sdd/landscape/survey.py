"""Everything that is measured around one round's solutions: sparse, and re-dense from it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from torch import Tensor, nn

from prunelab.core import machine, networks, streams
from prunelab.core.networks import State
from prunelab.core.split import Split
from prunelab.landscape import spectrum
from prunelab.landscape.curvature import Curvature
from prunelab.landscape.objective import Objective, sample
from prunelab.studies.sdd.landscape import surface

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
    """One round of one replicate: a record, and tables of the path and the lines; the others if they are asked for."""

    record: Row
    path: list[Row]
    lines: list[Row]
    planes: list[Row]
    spectrum: list[Row]  # nodes of the Hessian's spectrum, and how many eigenvalues each stands for
    layers: list[Row]  # of the layers' own diagonal blocks of the Hessian: the largest eigenvalue, the trace


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
    lines, planes, spectra, layers = [], [], [], []
    of_layers = networks.layer_parameters(network)
    for name, solution in solutions.items():
        record[name], nodes, blocks = _curvature(train, solution, settings, seed, of_layers)
        spectra += [{"solution": name} | row for row in nodes]
        layers += [{"solution": name} | row for row in blocks]
        on_step()
        weights = [n for n in of_layers if solution.state[n].ndim > 1]
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
    return Survey(record, path, lines, planes, spectra, layers)


def _curvature(
    train: Objective, solution: Solution, settings: "Landscape", seed: int, of_layers: list[str]
) -> tuple[Row, list[Row], list[Row]]:
    """One solution's record, and its rows of the spectrum and the layers: none if `density` is 0."""
    curvature = Curvature(train, solution.state, solution.masks)
    loss, accuracy = train.measure(solution.state)
    kept = settings.density_probes if settings.density else 0
    probed = curvature.probe(settings.probes, streams.generator(seed, "landscape probes"), kept)
    eigenvalues = curvature.top(settings.eigenvalues, streams.generator(seed, "landscape eigenvalues"))
    record: Row = {
        "parameters": len(curvature),
        "train_loss": loss,
        "train_accuracy": accuracy,
        "eigenvalues": eigenvalues.tolist(),
        "trace": probed.trace,
        "trace_error": probed.error,
        "gradient_covariance": curvature.gradient_covariance(),
    }
    if not settings.density:
        return record, [], []
    pairs = curvature.leading(settings.eigenvalues, streams.generator(seed, "landscape leading"))
    found = spectrum.estimate(curvature, pairs, probed.kept, settings.density)
    record |= {"leading": pairs[0].tolist(), "spectrum_trace": found.trace()}
    nodes = [
        {"node": number, "eigenvalue": float(value), "weight": float(weight)}
        for number, (value, weight) in enumerate(zip(*found.points, strict=True))
    ]
    chosen = dict.fromkeys(name.rpartition(".")[0] for name in of_layers)  # and no batch norm
    layers = [
        {"layer": layer, "parameters": len(curvature.layers[layer])}
        | {"eigenvalue": curvature.top_of_layer(layer, streams.generator(seed, "landscape layer", number))}
        | {"trace": probed.layers[layer]}
        for number, layer in enumerate(chosen)
    ]
    return record, nodes, layers
