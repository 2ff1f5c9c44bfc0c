"""Filters: what belongs to each, counts by the paper's examples, scores against integration and brute force."""

import itertools
from fractions import Fraction
from math import ceil

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy import integrate, stats
from torch import nn

from prunelab.core import byname, networks
from prunelab.core.pruning import filters
from prunelab.core.pruning.rectified import rectified_mean
from prunelab.errors import UserError
from prunelab.studies.stability.arms.maps import Maps


def network(name, shape=(3, 32, 32), width=0.1):
    return networks.build(name, shape, 10, width, "uniform", torch.Generator().manual_seed(1))


@pytest.mark.parametrize(
    ("count", "fraction", "left"),
    [(512, 0.9, 52), (512, 0.3, 359), (512, 0.95, 26), (512, 0.25, 384), (10, 0.7, 3), (256, 0.9, 26), (10, 0, 10)],
)
def test_so_many_filters_are_left_in_the_end(count, fraction, left):
    """The paper's examples; (1 - 0.7) * 10 is 3.0000000000000004, and three are left."""
    for events in (1, 7, 37):
        assert filters.kept_after(count, fraction, events, events) == left


@given(st.integers(1, 600), st.integers(0, 99), st.integers(1, 80))
def test_counts_are_those_of_exact_fractions_and_events_remove_all_of_it(count, percent, events):
    last = max(1, ceil((1 - Fraction(percent, 100)) * count))
    left = [filters.kept_after(count, percent / 100, events, done) for done in range(events + 1)]
    assert left == [ceil(last + Fraction((count - last) * (events - done), events)) for done in range(events + 1)]
    assert left[0] == count
    assert left == sorted(left, reverse=True)


def test_what_belongs_to_a_filter_of_vgg():
    net = network("vgg11")
    found = filters.layers(net, (3, 32, 32))
    assert len(found) == 8  # convolutions; not the linear layer of the outputs
    convs = [name for name, module in net.named_modules() if isinstance(module, nn.Conv2d)]
    assert [one.name for one in found] == convs
    for one in found:
        after = str(int(one.name) + 1)
        assert one.norm == after
        assert one.rows == (f"{one.name}.weight", f"{one.name}.bias", f"{after}.weight", f"{after}.bias")
        assert one.block is None


@pytest.mark.parametrize(("name", "count"), [("resnet18", 16), ("resnet20", 18), ("resnet56", 54)])
def test_all_convolutions_of_all_blocks_and_their_shortcuts(name, count):
    """As many as the paper has (Figure 4)."""
    net = network(name)
    found = filters.layers(net, (3, 32, 32))
    assert len(found) == count
    shortcuts = {name for name, module in net.named_modules() if name.endswith("downsample.0")}
    claimed = {row.removesuffix(".weight") for one in found for row in one.rows if ".downsample.0." in row}
    assert claimed == shortcuts != set()
    for one in found:
        assert (one.block is not None) == one.name.endswith("conv2")
        assert all(len(net.get_parameter(row)) == one.filters for row in one.rows)
        assert any(".downsample.1." in row for row in one.rows) == any(".downsample.0." in row for row in one.rows)


def share(name, fractions, *, inputs):
    """Of all parameters, those that go with filters of the last four layers; with or without weights that read them."""
    net = network(name, width=1.0)
    some = filters.layers(net, (3, 32, 32))[-4:]
    left = {
        one.name: torch.arange(one.filters) < filters.kept_after(one.filters, fraction, 1, 1)
        for one, fraction in zip(some, fractions, strict=True)
    }
    masks = filters.masks(some, left, {key: p.shape for key, p in net.named_parameters()})
    if inputs:
        for before, after in itertools.pairwise(some):
            masks[after.weight] &= left[before.name][None, :, None, None]
    return sum(int((~mask).sum()) for mask in masks.values()) / sum(p.numel() for p in net.parameters())


def test_as_much_is_pruned_as_the_paper_says():
    """42% of VGG-11; of ResNet-18 46%, and 59% in Table C1, where what reads a pruned map counts too."""
    assert share("vgg11", [0.3, 0.3, 0.3, 0.9], inputs=False) == pytest.approx(0.42, abs=0.005)
    assert share("resnet18", [0.25, 0.4, 0.25, 0.95], inputs=True) == pytest.approx(0.46, abs=0.01)
    assert share("resnet18", [0.25, 0.8, 0.25, 0.95], inputs=True) == pytest.approx(0.59, abs=0.01)
    assert share("resnet18", [0.25, 0.4, 0.25, 0.95], inputs=False) == pytest.approx(0.37, abs=0.005)


def test_neurons_are_filters():
    found = filters.layers(network("lenet", (1, 4, 4)), (1, 4, 4))
    assert [(one.name, one.filters, one.norm) for one in found] == [("1", 30, None), ("3", 10, None)]
    found = filters.layers(network("mlp_bn", (1, 4, 4)), (1, 4, 4))
    assert [(one.name, one.norm) for one in found] == [("1", "2"), ("4", "5")]


def test_looking_leaves_the_network_as_it_was():
    net = network("resnet20").train()
    before = networks.state(net)
    filters.layers(net, (3, 32, 32))
    assert net.training
    assert all(torch.equal(before[name], value) for name, value in net.state_dict().items())
    assert not any(module._forward_hooks or module._forward_pre_hooks for module in net.modules())


@pytest.mark.parametrize("name", ["resnet20", "vgg11", "conv_bn", "mlp_bn"])
def test_maps_of_filters_that_are_gone_are_exactly_zero(name):
    """Also at the end of a block whose shortcut would add to them, with weights of its own or without."""
    net = network(name, width=0.5 if name in ("conv_bn", "resnet20") else 0.1).train()
    found = filters.layers(net, (3, 32, 32))
    for _ in range(20):
        net(torch.randn(8, 3, 32, 32) + 1)  # running statistics of a network in use
    net.eval()
    kept = {one.name: torch.arange(one.filters) % 2 == 0 for one in found}
    masks = filters.masks(found, kept, {n: p.shape for n, p in net.named_parameters()})
    with torch.no_grad():
        for key, mask in masks.items():
            net.get_parameter(key).mul_(mask)
    gates = filters.Gates(net, found)
    gates.set(kept)
    maps = {}
    for one in found:
        module = net.get_submodule(one.block or one.norm)
        module.register_forward_hook(lambda m, i, out, key=one.name: maps.__setitem__(key, out.detach().clone()))
    net(torch.randn(3, 3, 32, 32))
    for one in found:
        assert maps[one.name][:, 1::2].abs().max() == 0
        assert maps[one.name][:, ::2].abs().max() > 0


@given(st.floats(-3, 3), st.floats(0.01, 3))
def test_expected_map_after_batch_norm_and_relu_by_integration(mean, deviation):
    inside = (max(0.0, mean - 12 * deviation), max(0.0, mean + 12 * deviation))
    expected, _ = integrate.quad(lambda x: x * stats.norm.pdf(x, mean, deviation), *inside, points=[max(mean, 0.0)])
    found = float(rectified_mean(torch.tensor(mean), torch.tensor(deviation)))
    assert found == pytest.approx(expected, rel=1e-5, abs=1e-9)


def test_expected_map_without_spread_and_with_a_negative_scale():
    assert rectified_mean(torch.tensor([-2.0, 3.0]), torch.zeros(2)).tolist() == [0, 3]
    assert float(rectified_mean(torch.tensor(-40.0), torch.tensor(1.0))) == pytest.approx(0, abs=1e-12)
    b, g = 0.5, -0.8  # as released: the scale's sign kept
    expected = g * stats.norm.pdf(b / g) + b * stats.norm.cdf(b / g)
    assert float(rectified_mean(torch.tensor(b), torch.tensor(g))) == pytest.approx(expected, rel=1e-6)


def test_scores_by_hand():
    net = network("conv_bn", (1, 8, 8), 1.0)
    found = filters.layers(net, (1, 8, 8))
    ranked = filters.Ranked(net, found)
    weights = net.get_parameter(found[1].weight).detach().numpy()
    for name, power in (("l1", 1), ("l2", 2)):
        scores = filters.ranking(name).score(ranked)[found[1].name].numpy()
        by_hand = [np.linalg.norm(weights[f].ravel(), power) for f in range(len(weights))]
        np.testing.assert_allclose(scores, by_hand, rtol=1e-5)
    scale, shift = (net.get_parameter(name).detach() for name in found[1].affine)
    scale[0] *= -1
    signed, unsigned = (
        filters.ranking(name).score(ranked)[found[1].name] for name in ("batchnorm_signed", "batchnorm")
    )
    assert torch.equal(unsigned, rectified_mean(shift, scale.abs()))
    assert signed[0] < 0 < unsigned[0]
    assert torch.equal(signed[1:], unsigned[1:])


def test_a_score_from_batch_norm_needs_one():
    net = network("lenet", (1, 4, 4))
    with pytest.raises(
        UserError, match=r"stability.score: a score from batch norm needs one after each pruned layer, 1"
    ):
        filters.ranking("batchnorm").score(filters.Ranked(net, filters.layers(net, (1, 4, 4))))
    assert byname.names("scores") == ["activation", "batchnorm", "batchnorm_signed", "l1", "l2"]


def test_only_one_score_looks_at_maps():
    assert [name for name in byname.names("scores") if filters.ranking(name).of_maps] == ["activation"]


@pytest.mark.parametrize("name", ["resnet20", "conv_bn", "mlp_bn", "lenet"])
def test_running_means_of_maps_by_hand(name):
    """Before ReLU, after batch norm and what a shortcut adds: found where ReLU is called, or after batch norm."""
    net = network(name, (3, 8, 8), 0.2).train()
    some = filters.layers(net, (3, 8, 8))
    watched = Maps(net, some)
    given_to_relu = []
    for module in net.modules():
        if isinstance(module, nn.ReLU):
            module.register_forward_pre_hook(lambda m, inputs: given_to_relu.append(inputs[0].detach().clone()))
    expected = dict.fromkeys((one.name for one in some), 0.0)
    for iteration in range(21):
        watched.step(iteration)
        given_to_relu.clear()
        net(torch.randn(4, 3, 8, 8, generator=torch.Generator().manual_seed(iteration)))
        maps = given_to_relu[1:] if name == "resnet20" else given_to_relu  # not the stem's
        assert len(maps) == len(some)
        if iteration % 10 == 0:
            for one, map_ in zip(some, maps, strict=True):
                total = map_.abs().transpose(0, 1).flatten(1).sum(dim=1)
                expected[one.name] = 0.9 * expected[one.name] + 0.1 * total
    watched.stop()
    net(torch.randn(4, 3, 8, 8))
    for one in some:
        torch.testing.assert_close(watched.means[one.name], expected[one.name])
