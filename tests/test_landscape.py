"""The landscape on functions whose answer is known: quadratics, small networks with a whole Hessian."""

from types import SimpleNamespace

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import make_split
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sparse import lenet
from torch import nn

from prunelab.core import networks, streams
from prunelab.landscape import moments
from prunelab.landscape.curvature import Curvature
from prunelab.landscape.objective import Objective, sample
from prunelab.studies.sdd.landscape import surface
from prunelab.studies.sdd.landscape.survey import STEPS, Solution, survey


class Quadratic:
    """Half of w A w: its Hessian is A everywhere. Stands in for an Objective."""

    def __init__(self, matrix):
        self.matrix = torch.as_tensor(matrix)
        self.network = nn.Linear(len(matrix), 1, bias=False).double()

    def __len__(self):
        return 1

    def batches(self, size=0):
        yield None, None

    def loss(self, state, x, y):
        w = state["weight"][0]
        return w @ self.matrix @ w / 2


def spectrum(size, seed=0):
    """A symmetric matrix with eigenvalues of its own choosing."""
    rng = np.random.default_rng(seed)
    q, _ = np.linalg.qr(rng.normal(size=(size, size)))
    values = np.sort(rng.normal(size=size) * 10)
    return q * values @ q.T, values


@pytest.mark.parametrize("size", [5, 60])
def test_a_quadratics_spectrum_and_trace(size):
    matrix, values = spectrum(size)
    curvature = Curvature(Quadratic(matrix), {"weight": torch.ones(1, size, dtype=torch.float64)}, {})
    np.testing.assert_allclose(curvature.top(3, torch.Generator()), values[::-1][:3], rtol=2e-3)
    estimate, error = curvature.trace(400, torch.Generator())
    assert error > 0
    assert abs(estimate - values.sum()) < 4 * error


def test_a_diagonal_quadratics_trace_is_exact():
    curvature = Curvature(Quadratic(np.diag([1.0, 2.0, 5.0])), {"weight": torch.ones(1, 3, dtype=torch.float64)}, {})
    estimate, error = curvature.trace(2, torch.Generator())
    assert (estimate, error) == (pytest.approx(8), pytest.approx(0, abs=1e-12))


@settings(max_examples=10, deadline=None)
@given(keep=st.sampled_from([0.1, 0.5, 1.0]), masked=st.booleans(), seed=st.integers(0, 9))
def test_products_are_the_whole_hessians(keep, masked, seed):
    data = make_split(permuted=range(6))
    network, masks = lenet(keep, seed, width=0.02)
    network = network.double()
    state = {name: value.detach() for name, value in network.state_dict().items()}
    x, y = data.x_N[:].double(), data.given_N
    names = list(state)
    sizes = [state[name].numel() for name in names]

    def loss(vector):
        parts = {n: v.view_as(state[n]) for n, v in zip(names, vector.split(sizes), strict=True)}
        return F.cross_entropy(torch.func.functional_call(network, parts, (x,)), y)

    at = torch.cat([value.flatten() for value in state.values()])
    hessian = torch.autograd.functional.hessian(loss, at).numpy()
    objective = Objective(network, SimpleNamespace(__len__=None), y, torch.arange(len(y)))
    objective.batches = lambda size=0: ((x[part], y[part]) for part in torch.arange(len(y)).split(7))
    curvature = Curvature(objective, state, masks if masked else {})
    free = np.concatenate(
        [
            (masks[n].flatten().numpy() if masked and n in masks else np.ones(s, bool))
            for n, s in zip(names, sizes, strict=True)
        ]
    )
    assert len(curvature) == free.sum()
    vector = np.random.default_rng(seed).normal(size=len(curvature))
    np.testing.assert_allclose(curvature.product(vector), hessian[np.ix_(free, free)] @ vector, rtol=1e-8, atol=1e-10)
    gradients = torch.stack(
        [
            torch.cat(
                [
                    g.flatten()
                    for g in torch.autograd.grad(F.cross_entropy(network(x[[i]]), y[[i]]), tuple(network.parameters()))
                ]
            )
            for i in range(len(y))
        ]
    )[:, torch.from_numpy(free)]
    brute = float(gradients.var(dim=0, unbiased=False).sum())
    assert curvature.gradient_covariance() == pytest.approx(brute, rel=1e-6)


def with_batchnorm():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.ReLU(), nn.Flatten(), nn.Linear(12, 4))
    for module in network.modules():
        if isinstance(module, nn.Conv2d | nn.Linear):
            nn.init.normal_(module.weight, generator=streams.generator(0, "test"))
    network[1].running_mean.copy_(torch.tensor([0.3, -0.2, 0.1]))
    network[1].running_var.copy_(torch.tensor([2.0, 0.5, 1.5]))
    return network


def test_curvature_of_a_network_with_batch_norm():
    """Products against differences of gradients, gradient noise against single gradients; statistics stay."""
    data, network = make_split(permuted=range(6)), with_batchnorm().double().eval()
    x, y, state = data.x_N[:].double(), data.given_N, networks.state(network)
    objective = Objective(network, data.x_N, y)
    objective.batches = lambda size=0: ((x[part], y[part]) for part in torch.arange(len(y)).split(9))
    curvature = Curvature(objective, state, {})
    vector = np.random.default_rng(0).normal(size=len(curvature))

    def gradient(step, rows=slice(None)):
        where = torch.nn.utils.parameters_to_vector(network.parameters()).detach() + step * torch.from_numpy(vector)
        moved = with_batchnorm().double().eval()
        torch.nn.utils.vector_to_parameters(where, moved.parameters())
        found = torch.autograd.grad(F.cross_entropy(moved(x[rows]), y[rows]), tuple(moved.parameters()))
        return torch.cat([part.flatten() for part in found])

    differences = (gradient(1e-5) - gradient(-1e-5)) / 2e-5
    np.testing.assert_allclose(curvature.product(vector), differences.numpy(), rtol=1e-4, atol=1e-6)
    each = torch.stack([gradient(0, slice(i, i + 1)) for i in range(len(y))])
    assert curvature.gradient_covariance() == pytest.approx(float(each.var(dim=0, unbiased=False).sum()), rel=1e-6)


@pytest.mark.parametrize("masked", [False, True])
@pytest.mark.parametrize("together", [None, 1, 3, 40])
def test_gradient_noise_in_parts_is_that_of_single_gradients(monkeypatch, together, masked):
    """Of 40 examples, so many at once as the bytes allow, or (None) of a perceptron without making them."""
    data = make_split(permuted=range(6))
    network, masks = lenet(0.3, width=0.02)
    masks = masks | {"1.bias": torch.arange(6) % 2 > 0} if masked else {}
    state = networks.state(network)
    objective = Objective(network, data.x_N, data.given_N)
    whole, sizes = objective.batches, []
    monkeypatch.setattr(objective, "batches", lambda size: (sizes.append(len(b[1])) or b for b in whole(size)))
    parameters = sum(p.numel() for p in network.parameters())
    if together is None:
        monkeypatch.setattr(objective, "batches", lambda: whole(13))
    else:
        monkeypatch.setattr(moments.perceptron, "is_one", lambda network: False)
        monkeypatch.setattr(moments, "GRADIENTS", together * 4 * parameters + 3)
    found = Curvature(objective, state, masks).gradient_covariance()
    assert together is None or sizes == [together] * (40 // together) + [40 % together] * (40 % together > 0)

    rows = []
    for i in range(40):
        network.zero_grad()
        F.cross_entropy(network(data.x_N[:][[i]]), data.given_N[[i]]).backward()
        rows.append(torch.cat([(p.grad * masks.get(n, 1)).flatten() for n, p in network.named_parameters()]))
    each = torch.stack(rows).double()
    assert found == pytest.approx(float((each - each.mean(dim=0)).square().sum() / 40), rel=1e-6)


def test_as_many_examples_at_once_as_fill_the_same_memory():
    """256 MiB of single precision are 2^26 numbers."""
    for numbers, examples in ((2**20, 64), (2**20 + 1, 63), (11_173_962, 6), (2**26, 1), (2**27, 1)):
        parameters = {"a": torch.empty(numbers - 1, device="meta"), "b": torch.empty(1, 1, device="meta")}
        assert moments.at_once(parameters) == examples


def test_filters_of_a_direction_are_as_long_as_the_states():
    state = networks.state(with_batchnorm())
    state["4.weight"][2] = 0
    masks = {"0.weight": torch.rand(state["0.weight"].shape, generator=torch.Generator().manual_seed(1)) < 0.5}
    state["0.weight"] *= masks["0.weight"]
    found = surface.filter_normalised(state, ["0.weight", "4.weight"], masks, streams.generator(0, "test"))
    assert set(found) == {"0.weight", "4.weight"}  # no biases, no batch norm
    for name, direction in found.items():
        torch.testing.assert_close(direction.flatten(1).norm(dim=1), state[name].flatten(1).norm(dim=1))
    assert (found["0.weight"][~masks["0.weight"]] == 0).all()


def test_batch_norms_statistics_are_interpolated_on_a_path_and_kept_on_a_line():
    a = networks.state(with_batchnorm())
    b = {name: value + 1 for name, value in a.items()}
    middle = surface.between(a, b, 0.25)
    torch.testing.assert_close(middle["1.running_var"], a["1.running_var"] + 0.25)
    torch.testing.assert_close(middle["0.weight"], a["0.weight"] + 0.25)
    assert middle["1.num_batches_tracked"] == a["1.num_batches_tracked"]
    direction = surface.filter_normalised(a, ["0.weight"], {}, streams.generator(0, "test"))
    moved = surface.moved(a, (0.5, direction))
    assert all(torch.equal(moved[n], a[n]) for n in a if n != "0.weight")
    torch.testing.assert_close(moved["0.weight"], a["0.weight"] + 0.5 * direction["0.weight"])


def test_evaluation_mode_and_the_ends_of_a_path():
    data = make_split(permuted=range(6))
    network = with_batchnorm()
    a, b = networks.state(network), {n: v * 0.5 for n, v in networks.state(network).items()}
    train, test = (
        Objective(network.train(), *part) for part in ((data.x_N, data.given_N), (data.x_test_T, data.y_test_T))
    )
    rows = surface.path(train, test, a, b)
    assert [row["alpha"] for row in rows] == pytest.approx(np.linspace(0, 1, 101))
    for row, state in ((rows[0], a), (rows[-1], b)):
        network.load_state_dict(state)
        logits = network.eval()(data.x_N[:])
        assert row["train_loss"] == pytest.approx(F.cross_entropy(logits, data.given_N).item(), rel=1e-5)
        right = network(data.x_test_T[:]).argmax(dim=1) == data.y_test_T
        assert row["test_accuracy"] == right.double().mean().item()


def test_a_linear_models_path_is_convex_and_its_lines_start_at_the_solution():
    data = make_split()
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 4))
    objective = Objective(network, data.x_N, data.given_N)
    a = networks.state(network)
    b = {name: torch.randn(v.shape, generator=torch.Generator().manual_seed(0)) for name, v in a.items()}
    loss = np.array([row["train_loss"] for row in surface.path(objective, objective, a, b)])
    assert (np.diff(loss, 2) > -1e-6).all()
    direction = surface.filter_normalised(b, ["1.weight"], {}, streams.generator(0, "test"))
    rows = surface.lines(objective, b, [direction])
    assert next(row for row in rows if row["radius"] == 0)["train_loss"] == pytest.approx(loss[-1])
    centre = next(row for row in surface.plane(objective, b, direction, direction) if row["x"] == row["y"] == 0)
    assert centre["train_loss"] == pytest.approx(loss[-1])


def test_samples_are_drawn_only_where_the_set_is_larger():
    generator = torch.Generator().manual_seed(0)
    assert sample(10, 0, generator) is None
    assert sample(10, 10, generator) is None
    chosen = sample(1000, 10, generator).tolist()
    assert len(set(chosen)) == 10
    assert chosen == sorted(chosen)
    assert chosen == sample(1000, 10, torch.Generator().manual_seed(0)).tolist()


def test_a_survey_repeats_and_reports_every_part():
    data = make_split(permuted=range(6))
    network, masks = lenet(0.3)
    state = networks.state(network)
    dense = {name: value + 0.01 for name, value in state.items()}
    chosen = SimpleNamespace(examples=30, directions=2, eigenvalues=2, probes=3, plane=True)
    vars(chosen).update(density=6, density_probes=2)
    solutions = {"sparse": Solution(state, masks), "redense": Solution(dense, {})}
    steps, results = [], []
    for _ in range(2):
        results.append(survey(network, data, solutions, chosen, 0, lambda: steps.append(1)))
    assert results[0] == results[1]
    assert len(steps) == 2 * STEPS
    record = results[0].record
    assert (record["examples"], record["of"]) == (30, 40)
    assert record["sparse"]["parameters"] < record["redense"]["parameters"]
    assert len(results[0].lines) == 2 * 2 * len(surface.RADII)
    assert len(results[0].planes) == 2 * len(surface.FLAT_RADII) ** 2
    for name in solutions:
        nodes = [row for row in results[0].spectrum if row["solution"] == name]
        assert [row["node"] for row in nodes] == [*range(2 + 2 * 7)]
        assert sum(row["weight"] for row in nodes) == pytest.approx(record[name]["parameters"])
        assert [row["eigenvalue"] for row in nodes[:2]] == record[name]["leading"]
        layers = [row for row in results[0].layers if row["solution"] == name]
        assert [row["layer"] for row in layers] == ["1", "3", "5"]
        assert sum(row["parameters"] for row in layers) == record[name]["parameters"]
        assert sum(row["trace"] for row in layers) == pytest.approx(record[name]["trace"])
        assert max(row["eigenvalue"] for row in layers) < 1.01 * record[name]["eigenvalues"][0]


def test_without_steps_of_lanczos_there_is_no_spectrum_and_nothing_else_is_another():
    data = make_split(permuted=range(6))
    network, masks = lenet(0.3)
    state = networks.state(network)
    solutions = {"sparse": Solution(state, masks), "redense": Solution(state, {})}
    found = {}
    for density in (0, 5):
        chosen = SimpleNamespace(examples=0, directions=1, eigenvalues=2, probes=3, plane=False)
        vars(chosen).update(density=density, density_probes=1)
        found[density] = survey(network, data, solutions, chosen, 0, lambda: None)
    assert (found[0].spectrum, found[0].layers) == ([], [])
    for name in solutions:
        assert found[0].record[name].items() <= found[5].record[name].items()
    assert found[0].lines == found[5].lines
