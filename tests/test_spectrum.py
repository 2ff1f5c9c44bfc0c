"""The Hessian's spectrum against whole matrices: a small trained network's, and matrices whose spectrum is chosen."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split
from hypothesis import given, settings
from hypothesis import strategies as st
from test_landscape import Quadratic
from torch import nn

from prunelab.landscape import lanczos, spectrum
from prunelab.landscape.curvature import Curvature
from prunelab.landscape.objective import Objective
from prunelab.landscape.spectrum import Spectrum
from prunelab.studies.sdd.landscape import surface

GRID = np.linspace(-4, 12, 3201)


def generator(seed=0):
    return torch.Generator().manual_seed(seed)


@pytest.fixture(scope="module")
def trained():
    """(curvature, whole Hessian by torch.func, layer of each row, state, masks, data) of a third pruned 16-16-12-4."""
    torch.set_num_threads(1)
    torch.manual_seed(0)
    data = make_split(make_images(n_train=60), permuted=range(20))
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))
    masks = {"1.weight": torch.rand(16, 16) < 0.6, "3.weight": torch.rand(12, 16) < 0.8}
    x, y = data.x_N[:], data.given_N
    optimizer = torch.optim.SGD(network.parameters(), lr=0.3)
    for _ in range(150):
        with torch.no_grad():
            for name, mask in masks.items():
                network.get_parameter(name).mul_(mask)
        optimizer.zero_grad()
        F.cross_entropy(network(x), y).backward()
        optimizer.step()
    state = {n: v.detach() * masks.get(n, 1) for n, v in network.state_dict().items()}
    names, sizes = [*state], [v.numel() for v in state.values()]
    exact_network = network.double()

    def loss(vector):
        parts = {n: v.view_as(state[n]) for n, v in zip(names, vector.split(sizes), strict=True)}
        return F.cross_entropy(torch.func.functional_call(exact_network, parts, (x.double(),)), y)

    at = torch.cat([v.flatten() for v in state.values()]).double()
    free = torch.cat([masks.get(n, torch.ones_like(v, dtype=torch.bool)).flatten() for n, v in state.items()])
    hessian = torch.func.jacrev(torch.func.grad(loss))(at)[free][:, free].numpy()
    owners = np.repeat([n.split(".")[0] for n in names], sizes)[free.numpy()]
    curvature = Curvature(Objective(network.float(), data.x_N, y), state, masks)
    return curvature, hessian, owners, state, masks, (x, y)


def quadratic(values, seed=0):
    """A Hessian with these eigenvalues."""
    values = np.asarray(values, dtype=np.float64)
    basis, _ = np.linalg.qr(np.random.default_rng(seed).normal(size=(len(values), len(values))))
    matrix = basis * values @ basis.T
    return Curvature(Quadratic(matrix), {"weight": torch.ones(1, len(values), dtype=torch.float64)}, {}), matrix


def estimated(curvature, leading, probes, steps, how=spectrum.quadrature):
    kept = curvature.probe(probes, generator(1), probes).kept
    pairs = curvature.leading(leading, generator(2)) if leading else (np.empty(0), np.empty((0, len(curvature))))
    return how(curvature, pairs, kept, steps)


def exact(matrix):
    return Spectrum(np.linalg.eigvalsh(matrix), np.empty(0), np.empty(0))


def difference(found, other, width):
    """Total variation: half the integral of the densities' distance."""
    return float(np.abs(found.density(GRID, width) - other.density(GRID, width)).sum() * (GRID[1] - GRID[0]) / 2)


def test_the_matrix_is_the_whole_hessian(trained):
    curvature, hessian, *_ = trained
    assert 350 < len(curvature) == len(hessian)
    np.testing.assert_allclose(curvature.whole(), hessian, atol=1e-5 * np.abs(hessian).max())
    assert np.linalg.eigvalsh(hessian)[0] < -0.01  # what is above 0 is told from what is below


def test_the_density_and_the_effective_dimension_are_the_whole_matrixs(trained):
    curvature, hessian, *_ = trained
    found, whole = estimated(curvature, 10, 60, 40), exact(hessian)
    assert len(found.nodes) == 60 * 41
    assert found.size == pytest.approx(len(curvature))
    assert difference(found, whole, 0.01) < 0.05 < difference(estimated(curvature, 10, 60, 10), whole, 0.01)
    for alpha in (0.1, 1, 10):
        assert found.effective_dimension(alpha) == pytest.approx(whole.effective_dimension(alpha), rel=0.02)
    # A smaller alpha needs more steps, and of too few the dimension is too small.
    right = whole.effective_dimension(0.01)
    assert found.effective_dimension(0.01) < 0.98 * right
    assert estimated(curvature, 10, 20, 150).effective_dimension(0.01) == pytest.approx(right, rel=0.02)
    assert found.trace() == pytest.approx(hessian.trace(), rel=0.02)
    assert found.density(GRID, 0.1).sum() * (GRID[1] - GRID[0]) == pytest.approx(1, abs=1e-3)


def test_where_the_matrix_takes_no_more_products_the_spectrum_is_exact(trained):
    curvature, hessian, *_ = trained
    steps = len(curvature) // 10
    assert len(estimated(curvature, 2, 10, steps, spectrum.estimate).exact) == 2
    found = estimated(curvature, 2, 10, steps + 1, spectrum.estimate)
    assert len(found.nodes) == 0
    np.testing.assert_allclose(np.sort(found.exact), np.linalg.eigvalsh(hessian), atol=1e-4)


def test_leading_pairs_are_those_of_largest_absolute_value(trained):
    curvature, hessian, *_ = trained
    values, vectors = curvature.leading(6, generator())
    whole = np.linalg.eigvalsh(hessian)
    np.testing.assert_allclose(values, whole[np.argsort(-np.abs(whole))][:6], rtol=2e-3)
    np.testing.assert_allclose(vectors @ vectors.T, np.eye(6), atol=1e-8)
    np.testing.assert_allclose(vectors @ hessian, values[:, None] * vectors, atol=2e-3 * values[0])


@pytest.mark.parametrize("size", [8, 60])
def test_leading_eigenvalues_may_be_negative(size):
    values = np.concatenate([[-9.0, 7, -5, 3], np.linspace(-1, 1, size - 4)])
    curvature, matrix = quadratic(values)
    found, vectors = curvature.leading(3, generator())
    np.testing.assert_allclose(found, [-9, 7, -5], rtol=1e-3)
    np.testing.assert_allclose(matrix @ vectors.T, vectors.T * found, atol=0.02)
    assert curvature.top(1, generator()) == pytest.approx([7], rel=1e-3)


def test_where_the_rank_is_less_than_asked_for_what_there_is_is_found():
    curvature, _ = quadratic([5.0, -2.0] + [0.0] * 58)
    product, rng = curvature.product, np.random.default_rng(0)
    curvature.product = lambda v: product(v) + 1e-7 * rng.normal(size=len(v))  # as single precision rounds
    values, vectors = curvature.leading(4, generator())
    assert values[:2] == pytest.approx([5, -2], rel=1e-3)
    assert np.abs(values[2:]).max(initial=0) < 1e-5
    assert vectors.shape == (len(values), 60)


def test_layers_blocks_and_traces_are_the_whole_matrixs(trained):
    curvature, hessian, owners, *_ = trained
    assert list(curvature.layers) == ["1", "3", "5"]
    probed = curvature.probe(400, generator())
    for name, positions in curvature.layers.items():
        block = hessian[np.ix_(positions, positions)]
        assert (owners[positions] == name).all()
        assert (owners == name).sum() == len(positions)
        assert curvature.top_of_layer(name, generator()) == pytest.approx(np.linalg.eigvalsh(block)[-1], rel=2e-3)
        error = probed.of_layers[name].std(ddof=1) / 20
        assert abs(probed.layers[name] - block.trace()) < 4 * error < 0.3 * block.trace()
    assert sum(probed.layers.values()) == pytest.approx(probed.trace)
    assert (probed.trace, probed.error) == curvature.trace(400, generator())


def test_a_layer_without_free_parameters_is_flat_and_a_small_one_exact(trained):
    curvature, hessian, _, state, masks, _ = trained
    few = masks | {name: torch.zeros_like(state[name], dtype=torch.bool) for name in ("3.weight", "3.bias", "5.weight")}
    pruned = Curvature(curvature._objective, state, few)
    assert [len(positions) for positions in pruned.layers.values()] == [int(masks["1.weight"].sum()) + 16, 0, 4]
    assert pruned.top_of_layer("3", generator()) == 0
    whole = np.linalg.eigvalsh(hessian[-4:, -4:])[-1]
    assert pruned.top_of_layer("5", generator()) == pytest.approx(whole, rel=1e-4)
    assert pruned.probe(3, generator()).layers["3"] == 0


def test_moments_of_gradients_differ_by_the_mean_gradients_square(trained):
    curvature, _, _, state, masks, (x, y) = trained
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 16), nn.ReLU(), nn.Linear(16, 12), nn.ReLU(), nn.Linear(12, 4))
    network.load_state_dict(state)
    F.cross_entropy(network(x), y).backward()
    mean = sum(float((p.grad.double() * masks.get(n, 1)).square().sum()) for n, p in network.named_parameters())
    centred, uncentred = curvature.gradient_moments()
    assert uncentred - centred == pytest.approx(mean, rel=1e-4)
    assert centred == curvature.gradient_covariance()
    each = []
    for i in range(len(y)):
        network.zero_grad()
        F.cross_entropy(network(x[[i]]), y[[i]]).backward()
        each += [sum(float((p.grad * masks.get(n, 1)).square().sum()) for n, p in network.named_parameters())]
    assert uncentred == pytest.approx(np.mean(each), rel=1e-5)


def test_a_direction_moves_the_free_parameters_in_their_order(trained):
    curvature, hessian, _, state, masks, _ = trained
    vector = np.random.default_rng(0).normal(size=len(curvature))
    direction = curvature.direction(vector)
    assert {n: (v.shape, v.dtype) for n, v in direction.items()} == {n: (v.shape, v.dtype) for n, v in state.items()}
    flat = torch.cat([v[masks[n]] if n in masks else v.flatten() for n, v in direction.items()])
    np.testing.assert_allclose(flat, vector, rtol=1e-6)
    assert all((direction[n][~mask] == 0).all() for n, mask in masks.items())
    _, (top, *_) = curvature.leading(1, generator())
    step, objective = 0.01, curvature._objective
    there = curvature.direction(top)
    ahead, here, behind = (objective.measure(surface.moved(state, (s, there)))[0] for s in (step, 0, -step))
    assert (ahead - 2 * here + behind) / step**2 == pytest.approx(top @ hessian @ top, rel=0.05)


spectra = st.lists(st.floats(-5, 10).map(lambda v: round(v, 2)), min_size=30, max_size=60)


@settings(max_examples=15, deadline=None)
@given(spectra, st.integers(0, 3), st.integers(0, 9))
def test_a_quadratics_own_values_are_found_whatever_their_signs(values, leading, seed):
    """As many steps as there are values, hence exact but for the probes' chance, and but for the deflated."""
    curvature, matrix = quadratic(values, seed)
    found, whole = estimated(curvature, leading, 1, len(values) - 1), np.array(values)
    assert found.size == pytest.approx(len(values))
    assert found.weights.min(initial=0) >= 0
    assert found.points[0].max() == pytest.approx(whole.max(), abs=0.02)
    assert found.points[0].min() == pytest.approx(whole.min(), abs=0.02)
    for alpha in (0.1, 3):
        f = np.maximum(whole, 0) / (np.maximum(whole, 0) + alpha)
        assert abs(found.effective_dimension(alpha) - f.sum()) < 5 * np.sqrt(2 * (f**2).sum()) + 0.5
    assert exact(matrix).effective_dimension(1) == pytest.approx((whole[whole > 0] / (whole[whole > 0] + 1)).sum())


def test_deflation_takes_outliers_out_of_the_error():
    values = np.concatenate([[100.0, 80, -60], np.linspace(0.1, 1, 97)])
    curvature, _ = quadratic(values)
    errors = {k: abs(estimated(curvature, k, 2, 30).trace() - values.sum()) for k in (0, 3)}
    assert errors[3] < 3 < errors[0]
    assert estimated(curvature, 3, 2, 30).exact == pytest.approx([100, 80, -60], rel=1e-3)


def test_a_wide_null_space_is_seen_at_0_itself():
    """Gauss' nodes stand for it a little left or right of 0, by chance, which is not little times so many."""
    values = np.concatenate([np.geomspace(0.01, 5, 120), -np.geomspace(0.01, 0.2, 60), np.zeros(2000)])
    start = np.random.default_rng(0).normal(size=len(values))  # any basis's: the matrix may be diagonal then
    whole = (np.maximum(values, 0) / (np.maximum(values, 0) + 0.1)).sum()
    wrong = {"gauss": [], "radau": []}
    for found in [*lanczos.steps(lambda v: values * v, start, 30)][9:]:
        for name, (nodes, weights) in (("gauss", found.gauss()[:2]), ("radau", found.radau())):
            assert weights.sum() == pytest.approx(1)
            assert weights @ nodes == pytest.approx(found.diagonal[0])
            spread = Spectrum(np.empty(0), nodes, weights * len(values))
            wrong[name].append(abs(spread.effective_dimension(0.1) / whole - 1))
        nodes, weights = found.radau()
        assert weights[nodes == 0].sum() > 0.9
    assert max(wrong["radau"]) < 0.35 < max(wrong["gauss"])


def test_lanczos_stops_where_nothing_new_comes_and_takes_the_first_product_as_it_is():
    values = np.array([3.0, -1.0, 0.0, 0.0])
    seen = []

    def product(vector):
        seen.append(vector)
        return values * vector

    start = np.array([1.0, 2.0, 0.0, 0.0])
    nodes, weights = lanczos.quadrature(product, start, 4, values * start)
    assert len(seen) == 1
    assert nodes == pytest.approx([-1, 3])
    assert weights == pytest.approx([0.8, 0.2])
    assert lanczos.largest(product, np.ones(4), 1e-6) == pytest.approx(3)
    nodes, weights = lanczos.quadrature(lambda vector: 0 * vector, start, 4)
    assert (nodes.tolist(), weights.tolist()) == ([0], [1])


def test_what_a_spectrum_says_by_hand():
    found = Spectrum(np.array([2.0, -1.0]), np.array([0.5, 0.0]), np.array([3.0, 5.0]))
    assert found.size == 10
    assert found.trace() == pytest.approx(2 - 1 + 1.5)
    assert found.effective_dimension(1) == pytest.approx(2 / 3 + 3 * 0.5 / 1.5)
    peak = 1 / (0.01 * np.sqrt(2 * np.pi))
    assert found.density(np.array([2.0, 0.5, 0.0, 1.0]), 0.01) == pytest.approx([0.1 * peak, 0.3 * peak, 0.5 * peak, 0])
