"""How flat an end is, where it is known: quadratics, a linear softmax by hand; what is free, what is measured on."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
from conftest import make_images, make_split
from test_stability_arms import task, train
from torch import nn

from prunelab.landscape.curvature import Curvature
from prunelab.studies.stability.arms import removed
from prunelab.studies.stability.arms.arm import structure_of
from prunelab.studies.stability.flatness import FARTHEST, STEP, measure

SETTINGS = SimpleNamespace(data="test", examples=20, eigenvalues=5, probes=400, density=0, alphas=[0.1])


class Bowl:
    """Half of curvature e^2 in each direction of its own: the loss that Along is to see."""

    def __init__(self, curvatures):
        self.curvatures = torch.tensor(curvatures)

    def measure(self, state):
        return float((self.curvatures * state["w"] ** 2).sum() / 2) + 1.0, 0.0


def along(curvatures):
    units = [{"w": row} for row in torch.eye(len(curvatures))]
    return measure.Along(Bowl(curvatures), {"w": torch.zeros(len(curvatures))}, units, 1.0)


@pytest.mark.parametrize("curvature", [1.9, 5.0, 20.0, 300.0])
def test_epsilon_of_a_quadratic(curvature):
    """The first step of 0.005 at which curvature e^2 / 2 exceeds 0.1, in the steepest of the directions."""
    found = along([0.3, curvature]).epsilon()
    steps = np.arange(1, 81) * STEP
    assert found == pytest.approx(steps[curvature * steps**2 / 2 > 0.1][0])


def test_epsilon_looks_both_ways_and_only_so_far():
    assert along([1.0]).epsilon() is None
    assert 1.0 * FARTHEST**2 / 2 < 0.1

    class Slope(Bowl):
        def measure(self, state):
            return 1.0 + max(0.0, -1.9 * float(state["w"][0])), 0.0

    one = measure.Along(Slope([1.0]), {"w": torch.zeros(1)}, [{"w": torch.ones(1)}], 1.0)
    assert one.epsilon() == pytest.approx(0.055)  # 1.9 e > 0.1, downhill


def test_curves_along_eigenvectors():
    rows = along([2.0, 8.0]).rows()
    assert {row["vector"] for row in rows} == {1, 2}
    for row in rows:
        assert row["loss"] == pytest.approx([2.0, 8.0][row["vector"] - 1] * row["e"] ** 2 / 2, abs=1e-6)
    assert sorted({round(row["e"], 6) for row in rows}) == pytest.approx(np.arange(-0.4, 0.41, 0.04))


def linear_softmax():
    """A network of one linear layer, with its Hessian and gradients by hand."""
    split = make_split(make_images(40, 20, shape=(1, 2, 3)))
    network = nn.Sequential(nn.Flatten(), nn.Linear(6, 4)).eval()
    state = {name: value.detach().clone() for name, value in network.state_dict().items()}
    x, y = split.x_test_T[:].flatten(1).double(), split.y_test_T
    p = (x @ state["1.weight"].double().T + state["1.bias"].double()).softmax(1)
    ones = torch.cat([x, torch.ones(len(x), 1)], dim=1)  # the bias is one more input
    error = p - torch.eye(4, dtype=torch.float64)[y]
    squares = error.square().sum(1) * ones.square().sum(1)
    inner = torch.diag_embed(p) - p[:, :, None] * p[:, None, :]
    hessian = torch.einsum("nab,ni,nj->aibj", inner, ones, ones).reshape(28, 28) / len(x)
    return network, split, state, float(squares.mean()), torch.linalg.eigvalsh(hessian).flip(0).numpy()


def test_a_linear_softmax_by_hand():
    network, split, state, norm2, values = linear_softmax()
    found = measure.measure(network, split, state, {}, SETTINGS, 0).record
    assert found["parameters"] == 28
    assert found["examples"] == 20
    assert found["gradient_norm2"] == pytest.approx(norm2, rel=1e-4)
    np.testing.assert_allclose(found["eigenvalues"], values[:5], rtol=2e-3)
    assert found["eigenvalue_sum"] == pytest.approx(values[:5].sum(), rel=2e-3)
    assert abs(found["trace"] - values.sum()) < 4 * found["trace_error"]
    assert found["tic_sum"] == pytest.approx(norm2 / values[:5].sum(), rel=3e-3)
    assert found["tic_trace"] == pytest.approx(norm2 / found["trace"], rel=1e-6)
    assert found["top"] == pytest.approx(values[0], rel=2e-3)


def test_density_and_layers_of_a_linear_softmax():
    network, split, state, _, values = linear_softmax()
    settings = SimpleNamespace(**{**vars(SETTINGS), "density": 5, "alphas": [0.01, 0.1]})
    found = measure.measure(network, split, state, {}, settings, 0)
    for alpha in (0.01, 0.1):
        above = np.maximum(values, 0)
        assert found.record["effective"][f"{alpha:g}"] == pytest.approx((above / (above + alpha)).sum(), rel=0.02)
    assert sum(row["weight"] for row in found.spectrum) == pytest.approx(28)
    assert [(row["layer"], row["parameters"]) for row in found.layers] == [("1", 28)]
    assert found.layers[0]["eigenvalue"] == pytest.approx(values[0], rel=2e-3)
    assert found.layers[0]["trace"] == pytest.approx(found.record["trace"], rel=1e-6)


def test_curvature_is_that_of_the_first_examples_and_epsilon_of_all():
    network, split, state, _, _ = linear_softmax()
    settings = SimpleNamespace(**{**vars(SETTINGS), "examples": 7})
    found = measure.measure(network, split, state, {}, settings, 0).record
    assert found["examples"] == 7
    every = measure.measure(network, split, state, {}, SETTINGS, 0).record
    assert found["loss"] == every["loss"]
    assert found["gradient_norm2"] != every["gradient_norm2"]


def test_on_the_training_set_labels_are_as_given():
    network, split, state, _, _ = linear_softmax()
    noisy = make_split(make_images(40, 20, shape=(1, 2, 3)), permuted=range(15))
    settings = SimpleNamespace(**{**vars(SETTINGS), "data": "train", "examples": 0})
    found = measure.measure(network, noisy, state, {}, settings, 0).record
    assert found["examples"] == 40
    logits = noisy.x_N[:].flatten(1) @ state["1.weight"].T + state["1.bias"]
    assert found["loss"] == pytest.approx(float(nn.functional.cross_entropy(logits, noisy.given_N)), rel=1e-5)
    assert measure.measure(network, split, state, {}, SETTINGS, 0).record["loss"] != found["loss"]


def test_a_sum_of_fewer_eigenvalues_than_asked_is_none_unless_the_others_are_zero():
    probed = SimpleNamespace(trace=2.0, error=0.1)
    for values, asked, whole in (([3.0, 2], 2, 5), ([3.0, 2], 3, None), ([3.0, 1e-4], 9, 3.0001), ([], 3, None)):
        found = measure._flat(np.array(values), asked, probed, (1.0, 2.0))
        assert found["eigenvalue_sum"] == whole
        assert found["tic_sum"] == (2.0 / whole if whole else None)
        assert found["top"] == (values[0] if values else None)
    assert measure._flat(np.array([-1.0]), 1, SimpleNamespace(trace=-1.0, error=0.1), (1.0, 2.0))["tic_trace"] is None


@pytest.mark.parametrize("model", ["mlp_bn", "resnet20"])
def test_what_is_pruned_is_not_free(model):
    """The same values as with all parameters, whose rows of the Hessian are zero there."""
    some = task(model__name=model, model__width=0.3)
    training = train("largest-002", some)
    end = training.run()
    structure = structure_of(some, some.network(some.fresh(0)), some.params.stability)
    masks = structure.masks(end.units)
    network = removed.network(some, end.weights, structure, end.units)
    state = {name: value.detach() for name, value in network.state_dict().items()}
    free = Curvature(measure.objective(network, some.split, "test"), state, masks)
    every = Curvature(measure.objective(network, some.split, "test"), state, {})
    gone = sum(int((~mask).sum()) for mask in masks.values())
    assert len(every) - len(free) == gone > 0
    values, vectors = every.leading(2, torch.Generator().manual_seed(0))
    np.testing.assert_allclose(free.leading(2, torch.Generator().manual_seed(0))[0], values, rtol=5e-3)
    assert free.gradient_moments() == pytest.approx(every.gradient_moments(), rel=1e-4)
    for name, change in every.direction(vectors[0]).items():
        if name in masks:
            assert change[~masks[name]].abs().max() < 1e-3
    accuracy = measure.objective(network, some.split, "test").measure(state)[1]
    assert accuracy == pytest.approx(end.history[-1]["test_accuracy"])
