"""The two-layer network as small as it goes, for its tests."""

from prunelab.studies.theory.network import data
from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Loss, Rule
from prunelab.studies.theory.parameters import Theory

DEFAULT = {
    "kept": [1, 0.5, 0.2, 0.05],
    "seeds": [0],
    "classes": 4,
    "filters": 20,
    "dimension": 200,
    "examples": 24,
    "test_examples": 200,
    "signal": 2.0,
    "noise": 0.3,
    "power": 3,
    "init": 0.01,
    "loss": 0.01,
    "step": 0.2,
    "max_steps": 3000,
    "descent": "flow",
    "rate": 0.3,
    "label_noise": 0.0,
    "mask": "random",
}
FLOW = Rule("flow", 0.2, 0.01, 3000)


def theory(**changes):
    return Theory.model_validate(DEFAULT | changes)


def parts(asked, seed=0, p=1.0):
    task = Task.of(asked, seed)
    kept = data.order(asked, seed) < p
    return task, data.weights(asked, seed), kept, Loss(task, asked.power)
