"""One replicate of one arm: trained as the dense network is, with what the arm does between two epochs.

All arms of a replicate share data, labels, initialisation and order; `none` is the dense network itself.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prunelab.core import halves, machine, streams
from prunelab.core.networks import State
from prunelab.core.pruning import filters
from prunelab.core.rounds import trained
from prunelab.core.rounds.task import Row, Task
from prunelab.core.training import evaluate, loop
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import Learner
from prunelab.studies.stability.arms import dropout, schedule, schemes
from prunelab.studies.stability.arms.maps import Maps
from prunelab.studies.stability.arms.names import Arm, arm
from prunelab.studies.stability.arms.schedule import Due
from prunelab.studies.stability.arms.select import Structure, Units, targeted

if TYPE_CHECKING:
    from prunelab.studies.stability.parameters import Stability

LAST = 5  # epochs over which final accuracy is averaged, or fewer: those after every arm has been pruned
EVENT_COLUMNS = (
    *("event", "epoch", "layers", "removed", "rate", "before", "after", "before_loss", "after_loss"),
    *("before_first", "after_first", "before_second", "after_second"),
)


@dataclass(frozen=True)
class Trained:
    """What an arm leaves. Tensors are on the CPU."""

    weights: State
    units: Units  # that were targeted
    history: list[Row]  # a row for each epoch, measured after the event that follows it
    events: list[Row]
    right_T: Tensor  # in how many of the last epochs (LAST) each test example was right, uint8
    record: Row


def structure_of(task: Task, network: torch.nn.Module, settings: "Stability") -> Structure:
    """The units that are pruned. Raises UserError where the model has fewer layers with filters."""
    layers = schedule.of_layers(filters.layers(network, task.split.x_N.sample_shape), settings)
    return Structure(layers, {name: p.shape for name, p in network.named_parameters()}, settings.structure == "weights")


class Measured:
    """Test loss and accuracy of a learner as it is, on both halves of the test set too."""

    def __init__(self, task: Task, learner: Learner) -> None:
        self._learner, self._x, self._y = learner, task.split.x_test_T, task.split.y_test_T
        first_T = torch.from_numpy(halves.first(len(self._y))).to(self._y.device)
        both_T = torch.ones_like(first_T)
        self._first_T, self._second_T = (first_T, ~first_T) if len(self._y) > 1 else (both_T, both_T)

    def __call__(self) -> dict[str, float]:
        """Means over all test examples (`accuracy`, `loss`), accuracy on each half (`first`, `second`)."""
        loss_T, right_T = evaluate.outcomes(evaluate.log_probabilities(self._learner, self._x), self._y)
        right_T = right_T.double()
        return {
            "accuracy": float(right_T.mean()),
            "loss": float(loss_T.double().mean()),
            "first": float(right_T[self._first_T].mean()),
            "second": float(right_T[self._second_T].mean()),
        }


def first_of_last(epochs: int, end: int) -> int:
    """The first epoch, from 0, over which final accuracy is averaged.

    Args:
        epochs: of the run.
        end: the last one after which anything may be pruned.
    """
    return max(epochs - LAST, end + 1)


class Training:
    """An arm on its way.

    Args:
        task: the replicate.
        about: what is done.
        settings: the study's.
        ranking: how filters are ranked; None where they are not, or single weights by size.
    """

    def __init__(self, task: Task, about: Arm, settings: "Stability", ranking: filters.Ranking | None) -> None:
        self._task, self._arm, self._settings, self._ranking = task, about, settings, ranking
        start = task.fresh(0)
        trained.check_batches(task, start)
        network = task.network(start)
        structure = structure_of(task, network, settings)
        watching = ranking is not None and ranking.of_maps
        engine = Engine(**dict.fromkeys(task.params.engine, True))
        learner = engine.learner(network, {}, sparse=False, hooked=watching or about.dropout > 0)
        optimizer = trained.optimizer(task, learner)
        noise = streams.generator(task.seed, "stability noise")
        self._scene = schemes.Scene(
            network, learner, optimizer, structure, noise, settings.gaussian_burst, structure.none()
        )
        self._scheme = schemes.of(about, self._scene)
        self._events = schedule.events(structure.counts(), settings, about.period) if about.period else {}
        self._maps = Maps(network, structure.layers) if watching else None
        self._measured = Measured(task, learner)
        if about.dropout:
            dropout.add(network, about.dropout, streams.generator(task.seed, "stability dropout"))
        if about.scheme == "scratch":
            self._target(schedule.at_once(structure.counts(), settings), -1)

    def run(self) -> Trained:
        """Train to the end."""
        task, split = self._task, self._task.split
        learner, plan = self._scene.learner, trained.plan(task, trained.original_schedule(task))
        measure = evaluate.Measure(learner, split)
        walk = loop.Run(learner, self._scene.optimizer, split.x_N, split.given_N, plan)
        history: list[Row] = []
        rows: list[Row] = []
        first = first_of_last(len(walk.epochs), schedule.end(self._settings))
        right_T = torch.zeros(len(split.y_test_T), dtype=torch.uint8, device=split.y_test_T.device)
        for epoch in walk.epochs:
            self._epoch(walk, epoch)
            if epoch in self._events:
                rows.append(self._event(epoch, self._events[epoch], len(rows) + 1))
            row = walk.row(epoch) | measure()
            trained.check_finite(task, f"arm {self._arm.name}", row)
            if epoch >= first:
                right_T += measure.test_right_T
            task.on_epoch(row, len(walk.epochs))
            history.append(row)
        weights = learner.state()
        return Trained(weights, self._scene.gone, history, rows, right_T.cpu(), self._record(history, rows))

    def _epoch(self, walk: loop.Run, epoch: int) -> None:
        for iteration in walk.steps(epoch):
            self._scheme.settle()
            self._scheme.before_update()
            if self._maps:
                self._maps.step(iteration)
        self._scheme.settle()
        if self._maps:
            self._maps.stop()

    def _event(self, epoch: int, due: list[Due], number: int) -> Row:
        """Measure, do it, measure: nothing is trained in between."""
        before = self._measured()
        self._target(due, epoch)
        after = self._measured()
        row = {
            "event": number,
            "epoch": epoch + 1,
            "layers": "+".join(one.layer for one in due),
            "removed": sum(one.count for one in due),
            "rate": max(one.rate for one in due),
            "before": before["accuracy"],
            "after": after["accuracy"],
        }
        for name in ("loss", "first", "second"):
            row |= {f"before_{name}": before[name], f"after_{name}": after[name]}
        return row

    def _target(self, due: list[Due], epoch: int) -> None:
        scene = self._scene
        scores = self._scores()
        new = scene.structure.none()
        for number, one in enumerate(due):
            drawn = streams.generator(self._task.seed, "stability random", epoch + 1, number)
            left_U = ~scene.gone[one.layer]
            new[one.layer] = targeted(scores.get(one.layer, left_U), left_U, one.count, self._arm.target, drawn)
        scene.gone = {name: units | new[name] for name, units in scene.gone.items()}
        self._scheme.strike(new)

    def _scores(self) -> dict[str, Tensor]:
        scene, structure = self._scene, self._scene.structure
        if structure.weights:
            return {one.name: scene.tensor(one.weight).detach().abs().flatten() for one in structure.layers}
        if self._ranking is None:
            return {}
        means = self._maps.means if self._maps else {}
        return self._ranking.score(filters.Ranked(scene.network, structure.layers, means))

    def _record(self, history: list[Row], rows: list[Row]) -> Row:
        about, structure = self._arm, self._scene.structure
        count = sum(shape.numel() for shape in structure.shapes.values())
        gone = sum(int((~mask).sum()) for mask in structure.masks(self._scene.gone).values()) if about.removes else 0
        units = [
            {"layer": name, "units": number, "targeted": int(self._scene.gone[name].sum())}
            for name, number in structure.counts()
        ]
        return {
            "arm": about.name,
            "seed": self._task.seed,
            "target": about.target,
            "scheme": about.scheme,
            "period": about.period,
            "batches": about.batches,
            "rate": max((row["rate"] for row in rows), default=0.0),
            "events": len(rows),
            "layers": units,
            "parameters": count,
            "removed": gone,
            "made_with": machine.description(),
        }


def check(task: Task, rankings: Mapping[str, filters.Ranking | None], settings: "Stability") -> None:
    """Whether all arms can be, before any of them is trained.

    Args:
        task: a replicate.
        rankings: by arm, how it ranks its filters.
        settings: the study's.

    Raises:
        UserError: the model has too few layers, a score cannot rank them, or a scheme cannot be.
    """
    network, epochs = task.network(task.fresh(0)), task.params.train.epochs
    structure = structure_of(task, network, settings)
    for name, ranking in rankings.items():
        about = arm(name)
        last = max(schedule.events(structure.counts(), settings, about.period), default=0) if about.period else 0
        left = (epochs - 1 - last) * trained.steps(task)
        schemes.check(about, structure, task.params.train.optimizer, left)
        if ranking and not structure.weights:
            means = Maps(network, structure.layers).means if ranking.of_maps else {}
            ranking.score(filters.Ranked(network, structure.layers, means))
