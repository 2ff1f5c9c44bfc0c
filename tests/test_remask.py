"""Other masks in mid-training, of any parameters: against torch.optim with its state zeroed by hand, and properties."""

import copy

import pytest
import torch
import torch.nn.functional as F
from conftest import make_split, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_sparse import lenet
from test_training import torchs
from torch import nn

from prunelab.core import networks, streams
from prunelab.core.pruning import mask
from prunelab.core.training import layers, loop, perceptron
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import ByAutograd
from prunelab.core.training.optimizers import OPTIMIZERS, SGD, Adam

KINDS = [("sgd", 0.0), ("sgd", 0.9), ("nesterov", 0.9), ("adam", 0.0)]
RATE = {"sgd": 0.1, "nesterov": 0.1, "adam": 0.01}


def small(seed=0):
    """Convolution, batch norm, linear: five filters."""
    torch.manual_seed(seed)
    network = nn.Sequential(nn.Conv2d(1, 5, 3), nn.BatchNorm2d(5), nn.ReLU(), nn.Flatten(), nn.Linear(20, 4))
    for name, parameter in network.named_parameters():
        if name.split(".")[0] in "01":
            parameter.data = torch.randn_like(parameter)
    return network


def random_masks(network, share, seed):
    """Of every parameter, biases and batch norm included."""
    generator = torch.Generator().manual_seed(seed)
    return {name: torch.rand(p.shape, generator=generator) < share for name, p in network.named_parameters()}


def filters(*gone):
    """A filter is a row of its convolution, a bias, and a scale and a shift of batch norm."""
    keep = torch.ones(5, dtype=torch.bool)
    keep[list(gone)] = False
    row = keep[:, None, None, None].expand(5, 1, 3, 3)
    return {"0.weight": row, "0.bias": keep, "1.weight": keep, "1.bias": keep}


def plan_of(epochs, batch_size=10, rate=0.1, first_iteration=0):
    rates = [rate] * (epochs * loop.steps_per_epoch(40, batch_size))
    order = lambda epoch: streams.generator(0, "order", epoch)  # noqa: E731
    return loop.Plan(rates, batch_size, order, first_iteration=first_iteration)


def stored(optimizer):
    return [optimizer.first, optimizer.second] if isinstance(optimizer, Adam) else [optimizer.velocity]


def by_torch(network, data, name, momentum, masks_after):
    """The same training by PyTorch's optimiser: gradients through hooks, and its state zeroed where a mask is."""
    parameters = dict(network.named_parameters())
    current = {}
    for key, parameter in parameters.items():
        parameter.register_hook(lambda g, key=key: g * current[key] if key in current else g)
    optimizer = torchs(name, network.parameters(), momentum, 0.01)
    optimizer.param_groups[0]["lr"] = RATE[name]
    for epoch in range(4):
        for batch in torch.randperm(40, generator=streams.generator(0, "order", epoch)).split(10):
            optimizer.zero_grad()
            F.cross_entropy(network(data.x_N[batch]), data.given_N[batch]).backward()
            optimizer.step()
        current = masks_after.get(epoch, current)
        for key, kept in current.items() if epoch in masks_after else ():
            held = optimizer.state[parameters[key]]
            for value in (parameters[key].data, *(v for v in held.values() if v is not None and v.shape == kept.shape)):
                value[~kept] = 0
    return networks.state(network)


@pytest.mark.parametrize(("name", "momentum"), KINDS)
@pytest.mark.parametrize("second", ["nested", "lifting"])
def test_masks_in_mid_training_are_torchs_optimisers_with_zeroed_state(name, momentum, second):
    """After epochs 1 and 2 of 4; the later masks take more, or give back what the first took and take other entries."""
    data, network = make_split(permuted=range(9)), small()
    theirs = copy.deepcopy(network)
    first = random_masks(network, 0.8, seed=1)
    other = random_masks(network, 0.8, seed=2)
    masks_after = {0: first, 1: other if second == "lifting" else {n: m & other[n] for n, m in first.items()}}
    learner = Engine().learner(network, {})
    optimizer = OPTIMIZERS[name](learner, momentum, 0.01)
    for row in loop.Run(learner, optimizer, data.x_N, data.given_N, plan_of(4, rate=RATE[name])):
        if row["epoch"] - 1 in masks_after:
            optimizer.remask(masks_after[row["epoch"] - 1])
    expected = by_torch(theirs, data, name, momentum, masks_after)
    for key, value in learner.state().items():
        torch.testing.assert_close(value, expected[key], rtol=1e-3, atol=1e-4)
    assert all((learner.state()[key][~kept] == 0).all() for key, kept in masks_after[1].items())


@settings(max_examples=40, deadline=None)
@given(
    kind=st.sampled_from(KINDS),
    shares=st.lists(st.sampled_from([0.0, 0.3, 0.9, 1.0]), min_size=1, max_size=4),
    weight_decay=st.sampled_from([0.0, 0.1]),
    seed=st.integers(0, 99),
)
def test_what_goes_is_exactly_zero_and_the_rest_is_not_touched(kind, shares, weight_decay, seed):
    name, momentum = kind
    network = small(seed)
    optimizer = OPTIMIZERS[name](ByAutograd(network, {}), momentum, weight_decay)
    for number, share in enumerate(shares):
        masks = random_masks(network, share, seed + number)
        held = [optimizer.parameters, *(some for some in stored(optimizer) if some)]
        before = [[value.detach().clone() for value in values] for values in held]
        optimizer.remask(masks)
        for values, olds in zip(held, before, strict=True):
            for value, old, kept in zip(values, olds, masks.values(), strict=True):
                assert torch.equal(value[kept], old[kept])
                assert torch.equal(value[~kept], torch.zeros(int((~kept).sum())))
        for _ in range(3):
            optimizer.step(tuple(torch.randn_like(p) for p in optimizer.parameters), RATE[name])
        for values in held:
            for value, kept in zip(values, masks.values(), strict=True):
                assert (value[~kept] == 0).all()
                assert (value[kept] != 0).all()


@pytest.mark.parametrize(("name", "momentum"), KINDS)
def test_what_comes_back_starts_at_zero_with_nothing_stored(name, momentum):
    """Gradients are 1 throughout, so the first step is the learning rate, times what the optimiser makes of a 1."""
    network = small()
    optimizer = OPTIMIZERS[name](ByAutograd(network, {}), momentum)
    weight, kept = network[4].weight, random_masks(network, 0.5, seed=0)["4.weight"]
    for masks in ({}, {"4.weight": kept}, {}):
        optimizer.remask(masks)
        before = weight.detach().clone()
        for _ in range(50 if masks else 1):
            optimizer.step(tuple(torch.ones_like(p) for p in optimizer.parameters), RATE[name])
    averaged = (0.1 / (1 - 0.9**52)) / (0.001 / (1 - 0.999**52)) ** 0.5  # of Adam's 52nd step, from averages of zero
    first = {"sgd": 1.0, "nesterov": 1 + momentum, "adam": averaged}[name]
    assert (before[~kept] == 0).all()
    torch.testing.assert_close(weight[~kept].detach(), torch.full((int((~kept).sum()),), -RATE[name] * first))
    if momentum:
        assert ((before - weight.detach())[kept] > 5 * RATE[name]).all()  # what stayed has its momentum


@pytest.mark.parametrize("engine", [Engine(), Engine(channels_last=True), Engine(bfloat16=True)], ids=repr)
def test_a_filter_masked_through_all_its_parameters_outputs_exactly_zero(engine):
    data, network = make_split(), small()
    learner = engine.learner(network, {})
    optimizer = SGD(learner, momentum=0.9, weight_decay=0.01)
    x = data.x_N[:]
    for row in loop.Run(learner, optimizer, data.x_N, data.given_N, plan_of(4)):
        outputs = network[:2](x)
        if row["epoch"] == 2:
            assert (outputs[:, [1, 3]] != 0).all()
            optimizer.remask(filters(1, 3))
        for module in (network.eval(), network.train()) if row["epoch"] > 1 else ():
            outputs = module[:2](x)
            assert (outputs[:, [1, 3]] == 0).all()
            assert (outputs[:, [0, 2, 4]] != 0).any()
    # The next layer's weights on such a filter are left to weight decay alone.
    assert (network[4].weight[:, 4:8] != 0).all()


def test_other_masks_are_of_a_parameter_and_of_its_shape():
    for learner in (ByAutograd(small(), {}), Engine().learner(lenet(1.0)[0], {})):
        for masks, message in (
            ({"7.weight": torch.ones(3, dtype=torch.bool)}, r"a mask of 7\.weight, must be of one of .*\.weight, "),
            ({"1.bias": torch.ones(3, dtype=torch.bool)}, r"the mask of 1\.bias is \(3,\), must be \((5|15),\)"),
        ):
            with pytest.raises(ValueError, match=message):
                SGD(learner).remask(masks)
    with pytest.raises(ValueError, match=r"a mask of 7\.weight"):
        Engine().learner(lenet(1.0)[0], {"7.weight": torch.ones(3, dtype=torch.bool)})


@pytest.mark.parametrize(("name", "momentum"), KINDS)
def test_neurons_go_by_hand_as_by_autograd(name, momentum):
    """A dense learner of an already pruned perceptron: rows of weights and their biases, in two layers."""
    data, ends = make_split(permuted=range(9)), []
    for make in (ByAutograd, lambda n, m: Engine().learner(n, m, sparse=False)):
        network, masks = lenet(0.5)
        learner = make(network, masks)
        optimizer = OPTIMIZERS[name](learner, momentum, 0.01)
        units = torch.arange(15) % 3 > 0
        fewer = masks | {"1.weight": masks["1.weight"] & units[:, None], "1.bias": units, "3.bias": torch.arange(5) > 1}
        for row in loop.Run(learner, optimizer, data.x_N, data.given_N, plan_of(4, rate=RATE[name])):
            if row["epoch"] == 2:
                optimizer.remask(fewer)
        assert learner.masks == fewer
        ends.append(learner.state())
        assert all((ends[-1][key][~kept] == 0).all() for key, kept in fewer.items())
        assert (ends[-1]["1.bias"][units] != 0).all()
    assert isinstance(learner, perceptron.ByHand)
    for key, value in ends[0].items():
        torch.testing.assert_close(ends[1][key], value, rtol=1e-3, atol=1e-4)


def test_a_learner_that_keeps_survivors_only_refuses_other_masks_and_changes_nothing():
    network, masks = lenet(0.1)
    learner = Engine().learner(network, masks)
    optimizer = SGD(learner, momentum=0.9)
    before = learner.state()
    with pytest.raises(ValueError, match="keep surviving weights only take no other masks: make the learner dense"):
        optimizer.remask({name: torch.zeros_like(kept) for name, kept in masks.items()})
    assert same(before, learner.state())
    Engine().learner(*lenet(0.5)).remask({})  # none of its layers is sparse


@settings(max_examples=40, deadline=None)
@given(keep=st.sampled_from([0.02, 0.1, 0.2]), seed=st.integers(0, 99))
def test_masks_of_biases_hold_in_sparse_layers_whose_outputs_are_in_another_order(keep, seed):
    """Outputs that no later layer reads stand last there."""
    data, ends = make_split(), []
    for make in (ByAutograd, lambda n, m: Engine().learner(n, m)):
        network, masks = lenet(keep, seed)
        some = random_masks(network, 0.5, seed)
        masks |= {name: some[name] for name in ("1.bias", "3.bias")}
        network.load_state_dict(mask.applied(network.state_dict(), masks))
        learner = make(network, masks)
        list(loop.Run(learner, SGD(learner, 0.9, 0.01), data.x_N, data.given_N, plan_of(2)))
        ends.append(learner.state())
        assert all((ends[-1][key][~kept] == 0).all() for key, kept in masks.items())
    assert any(isinstance(layer, layers.Sparse) for layer in learner._layers)
    for key, value in ends[0].items():
        torch.testing.assert_close(ends[1][key], value, rtol=1e-3, atol=1e-5)


@settings(max_examples=60, deadline=None)
@given(shape=st.sampled_from([(), (1,), (7,), (3, 5), (4, 2, 3, 3)]), share=st.floats(0, 1), seed=st.integers(0, 99))
def test_masks_of_any_shape_are_stored_and_so_is_what_they_leave(shape, share, seed):
    generator = torch.Generator().manual_seed(seed)
    state = {"a": torch.randn(shape, generator=generator), "b": torch.randn(4, generator=generator)}
    masks = {"a": torch.rand(shape, generator=generator) < share}
    applied = mask.applied(state, masks)
    assert torch.equal(applied["a"], state["a"] * masks["a"])
    assert applied["b"] is state["b"]
    assert same(mask.unpack(mask.pack(masks)), masks)
    compressed = mask.compress(applied, masks)
    assert compressed["a"].shape == (mask.survivors(masks),)
    assert same(mask.expand(compressed, masks), applied)
