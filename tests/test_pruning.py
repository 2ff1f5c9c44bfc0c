"""Selection against a brute-force rewrite, criteria against closed forms, masks through disk."""

import numpy as np
import pytest
import torch
from conftest import make_split
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from prunelab.core import artifacts, byname, networks, streams
from prunelab.core.pruning import mask, select, subject
from prunelab.core.rounds import checkpoint
from prunelab.errors import UserError


@settings(max_examples=80, deadline=None)
@given(data=st.data(), fraction=st.floats(0, 0.99), scope=st.sampled_from(["global", "layer"]))
def test_exactly_k_lowest_go_ties_by_position(data, fraction, scope):
    """Few distinct scores, so ties are the rule."""
    shapes = data.draw(st.lists(st.tuples(st.integers(1, 4), st.integers(1, 5)), min_size=1, max_size=3))
    scores, masks = {}, {}
    for i, (a, b) in enumerate(shapes):
        cells = data.draw(st.lists(st.integers(0, 3), min_size=a * b, max_size=a * b))
        alive = data.draw(st.lists(st.booleans(), min_size=a * b, max_size=a * b))
        scores[f"w{i}"] = torch.tensor(cells, dtype=torch.float32).reshape(a, b)
        masks[f"w{i}"] = torch.tensor(alive).reshape(a, b)
    before = {name: m.clone() for name, m in masks.items()}
    new = select.prune(masks, scores, fraction, scope)
    groups = [list(masks)] if scope == "global" else [[name] for name in masks]
    for names in groups:
        alive = [
            (float(scores[n].flatten()[i]), g, i) for g, n in enumerate(names) for i in masks[n].flatten().nonzero()
        ]
        ranked = sorted((s, g, int(i)) for s, g, i in alive)
        removed = {(g, i) for _, g, i in ranked[: int(fraction * len(ranked) + 0.5)]}
        for g, n in enumerate(names):
            for i, (was, now) in enumerate(zip(masks[n].flatten(), new[n].flatten(), strict=True)):
                assert bool(now) == (bool(was) and (g, i) not in removed)
    assert all(torch.equal(before[name], masks[name]) for name in masks)


@settings(max_examples=50, deadline=None)
@given(n=st.integers(0, 10_000), fraction=st.floats(0, 0.99), times=st.integers(1, 12))
def test_at_once_removes_as_many_as_one_round_after_the_other(n, fraction, times):
    left = n
    for _ in range(times):
        left -= select.num_to_remove(left, fraction)
    assert select.num_to_remove(n, fraction, times) == n - left


def test_one_round_of_1000_removes_200_even_if_all_scores_are_equal():
    masks = {"a": torch.ones(20, 30, dtype=torch.bool), "b": torch.ones(400, dtype=torch.bool)}
    new = select.prune(masks, {"a": torch.zeros(20, 30), "b": torch.zeros(400)}, 0.2, "global")
    assert mask.survivors(new) == 800
    assert not new["a"].flatten()[:200].any()


def test_the_smallest_magnitudes_go_whatever_their_sign():
    masks = {"w": torch.ones(4, dtype=torch.bool)}
    scores = {"w": torch.tensor([-0.5, 0.1, -0.1, 3.0]).abs()}
    assert select.prune(masks, scores, 0.5, "global")["w"].tolist() == [True, False, False, True]


def test_a_nan_score_is_refused():
    with pytest.raises(UserError, match="nan"):
        select.prune({"w": torch.ones(2, dtype=torch.bool)}, {"w": torch.tensor([1.0, float("nan")])}, 0.5, "global")


def subject_of(network, split, batch_size=8, number=1):
    names = [f"{n}.weight" for n, m in network.named_modules() if isinstance(m, nn.Linear)]
    generator = streams.generator(0, "score", number)
    return subject.Subject(network.eval(), names, split.x_N, split.given_N, batch_size, generator)


@pytest.fixture
def network():
    return networks.build("lenet", (1, 4, 4), 4, 0.05, "ones", streams.generator(0, "init"))


@pytest.mark.parametrize("name", byname.names("criteria"))
def test_every_criterion_scores_every_prunable_weight(name, network):
    scored = subject_of(network, make_split(permuted=range(10)))
    before = networks.state(network)
    scores = subject.criterion(name)(scored)
    assert list(scores) == scored.names
    for key, weight in scored.weights().items():
        assert scores[key].shape == weight.shape
        assert (scores[key] >= 0).all()
    assert all(torch.equal(before[k], v) for k, v in networks.state(network).items())


def test_magnitude_is_the_absolute_weight(network):
    scores = subject.criterion("magnitude")(subject_of(network, make_split()))
    assert torch.equal(scores["1.weight"], network[1].weight.detach().abs())


def test_snip_is_the_change_of_the_training_loss_to_first_order(network):
    """Against finite differences: scaling one weight by (1 - h) changes the mean loss by about h * score."""
    split = make_split(permuted=range(10))
    network = network.double()
    split_x = split.x_N[:].double()
    scored = subject.Subject(network.eval(), ["3.weight"], split_x, split.given_N, 8, torch.Generator())
    score = subject.criterion("snip")(scored)["3.weight"]

    def loss():
        return nn.functional.cross_entropy(network(split_x), split.given_N).item()

    for index in [(0, 0), (1, 3), (4, 7)]:
        weight, h = network[3].weight.data, 1e-6
        original = weight[index].item()
        weight[index] = original * (1 - h)
        lower = loss()
        weight[index] = original * (1 + h)
        upper = loss()
        weight[index] = original
        assert abs(upper - lower) / (2 * h) == pytest.approx(score[index].item(), rel=1e-4, abs=1e-9)


def test_gradient_uses_one_random_batch(network):
    split = make_split(permuted=range(10))
    score = subject.criterion("gradient")(subject_of(network, split))["1.weight"]
    chosen = torch.randperm(len(split.x_N[:]), generator=streams.generator(0, "score", 1))[:8]
    loss = nn.functional.cross_entropy(network(split.x_N[:][chosen]), split.given_N[chosen])
    (gradient,) = torch.autograd.grad(loss, [network[1].weight])
    torch.testing.assert_close(score, (gradient * network[1].weight).abs().detach())
    snip = subject.criterion("snip")(subject_of(network, split))["1.weight"]
    assert not torch.allclose(score, snip)


def test_synflow_of_a_linear_network_is_its_path_strength():
    """For outputs B A 1 the score of A[i, j] is |A[i, j]| * sum_k |B[k, i]|, by hand."""
    network = nn.Sequential(nn.Flatten(), nn.Linear(16, 3, bias=False), nn.Linear(3, 4, bias=False))
    a, b = network[1].weight.detach().double().abs(), network[2].weight.detach().double().abs()
    scores = subject.criterion("synflow")(subject_of(network, make_split()))
    torch.testing.assert_close(scores["1.weight"], a * b.sum(dim=0)[:, None])
    torch.testing.assert_close(scores["2.weight"], b * a.sum(dim=1)[None, :])


def test_random_scores_of_layers_and_rounds_are_unrelated(network):
    first = subject.criterion("random")(subject_of(network, make_split(), number=1))
    second = subject.criterion("random")(subject_of(network, make_split(), number=2))
    size = min(first["1.weight"].numel(), first["3.weight"].numel())
    a, b = first["1.weight"].flatten()[:size], first["3.weight"].flatten()[:size]
    assert abs(np.corrcoef(a, b)[0, 1]) < 4 / np.sqrt(size)
    assert not torch.equal(first["1.weight"], second["1.weight"])


@settings(max_examples=40, deadline=None)
@given(st.lists(st.integers(1, 9), min_size=1, max_size=3), st.integers(0, 2**32))
def test_masks_and_states_survive_packing(shape, seed):
    generator = torch.Generator().manual_seed(seed)
    masks = {"w": torch.rand(shape, generator=generator) > 0.5}
    state = mask.applied({"w": torch.randn(shape, generator=generator), "b": torch.arange(3.0)}, masks)
    unpacked = mask.unpack(mask.pack(masks))
    assert torch.equal(unpacked["w"], masks["w"])
    restored = mask.expand(mask.compress(state, masks), unpacked)
    assert all(torch.equal(restored[name], state[name]) for name in state)


def stored_bytes(folder, density):
    generator = torch.Generator().manual_seed(0)
    state = {"1.weight": torch.randn(300, 784, generator=generator)}
    masks = {"1.weight": torch.rand(300, 784, generator=generator) < density}
    artifacts.write_arrays(folder / artifacts.MASK, mask.pack(masks))
    artifacts.write_tensors(folder / artifacts.WEIGHTS, mask.compress(state, masks))
    return sum(f.stat().st_size for f in folder.iterdir())


def test_a_round_at_99_percent_costs_about_one_percent_of_a_dense_one(tmp_path):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    assert stored_bytes(tmp_path / "b", 0.01) / stored_bytes(tmp_path / "a", 1.0) < 0.016


LAYOUT = {"1.weight": torch.Size((300, 784))}


def read(folder, layout):
    return checkpoint.load_state(folder, artifacts.WEIGHTS, checkpoint.load_masks(folder, layout), layout)


@pytest.mark.parametrize("name", [artifacts.WEIGHTS, artifacts.MASK])
@pytest.mark.parametrize("keep", [0, 7, 0.5, 0.99])
def test_a_truncated_checkpoint_is_named(tmp_path, name, keep):
    stored_bytes(tmp_path, 0.5)
    whole = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(whole[: int(keep * len(whole)) if keep < 1 else keep])
    with pytest.raises(UserError, match=f"{name}: damaged"):
        read(tmp_path, LAYOUT)


def test_a_checkpoint_whose_parts_disagree_is_named(tmp_path):
    stored_bytes(tmp_path, 0.5)
    artifacts.write_tensors(tmp_path / artifacts.WEIGHTS, {"1.weight": np.zeros(3, np.float32)})
    with pytest.raises(UserError, match=r"weights\.safetensors: damaged \(1\.weight has 3 values"):
        read(tmp_path, LAYOUT)


def test_a_checkpoint_of_another_network_is_named(tmp_path):
    stored_bytes(tmp_path, 0.5)
    with pytest.raises(UserError, match=r"mask\.npz: damaged \(1\.weight is 300x784, the network's is 30x784\)"):
        read(tmp_path, {"1.weight": torch.Size((30, 784))})
    with pytest.raises(UserError, match=r"safetensors: damaged \(1\.bias is missing, the network's is 300, by "):
        read(tmp_path, LAYOUT | {"1.bias": torch.Size((300,))})
