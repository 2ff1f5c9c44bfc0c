"""Perceptrons by hand, dense and sparse, against autograd and against each other."""

import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rounds import task
from torch import nn

from prunelab.core import byname, inputs, networks, streams
from prunelab.core.pruning import mask
from prunelab.core.rounds import kinds, replicates
from prunelab.core.training import evaluate, kernels, layers, loop, perceptron, restart
from prunelab.core.training.augment import AUGMENTATIONS
from prunelab.core.training.engine import Engine
from prunelab.core.training.learner import ByAutograd
from prunelab.core.training.optimizers import SGD, Adam, Nesterov


def lenet(keep, seed=0, shape=(1, 4, 4), width=0.05):
    """A small network with random masks and biases."""
    network = networks.build("lenet", shape, 4, width, "ones", streams.generator(seed, "init"))
    generator = torch.Generator().manual_seed(seed)
    masks = {}
    for name, parameter in network.named_parameters():
        if name in networks.prunable("lenet", network):
            masks[name] = torch.rand(parameter.shape, generator=generator) < keep
            parameter.data *= masks[name]
        elif name.endswith("bias"):
            parameter.data = torch.randn(parameter.shape, generator=generator) / 4
    return network, masks


def step(learner, batch, y):
    """The state after one step of gradient descent at rate 1: whatever form a learner keeps its parameters in."""
    SGD(learner).step(learner.gradients(batch, y), 1.0)
    return learner.state()


@settings(max_examples=60, deadline=None)
@given(
    keep=st.sampled_from([0.0, 0.02, 0.1, 0.3, 1.0]),
    densest=st.sampled_from([0.0, 1.0]),
    batch=st.integers(1, 9),
    seed=st.integers(0, 99),
)
def test_gradients_and_outputs_are_autograds(keep, densest, batch, seed):
    """Every kind of layer at every density, layers, outputs and inputs without a weight included; float64."""
    network, masks = lenet(keep, seed)
    network = network.double()
    x = torch.randn(batch, 1, 4, 4, dtype=torch.float64, generator=torch.Generator().manual_seed(seed))
    y = torch.arange(batch) % 4
    expected = torch.autograd.grad(F.cross_entropy(network(x), y), tuple(network.parameters()))
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(layers, "DENSEST", densest)
        learner = perceptron.ByHand(network, masks, sparse=True)
    before = {name: value.clone() for name, value in network.state_dict().items()}
    torch.testing.assert_close(learner.state(), before, rtol=0, atol=0)
    found = step(learner, learner.reader(x)(torch.arange(batch), None), y)
    for name, gradient in zip(before, expected, strict=True):
        if densest == 1.0 and name in masks:
            assert learner.parameters[name].shape == (int(masks[name].sum()),)
        torch.testing.assert_close(
            before[name] - found[name], gradient * masks.get(name, torch.tensor(True)), rtol=1e-9, atol=1e-12
        )


@pytest.mark.parametrize("augment", ["none", "shift"])
@pytest.mark.parametrize(("optimizer", "momentum"), [(SGD, 0.0), (SGD, 0.9), (Nesterov, 0.9), (Adam, 0.0)])
@pytest.mark.parametrize(("sparse", "seed"), [(False, 3), (True, 3), (True, 1)])
def test_a_run_by_hand_is_a_run_by_autograd(sparse, seed, optimizer, momentum, augment):
    """Of seed 1's network the first layer is sparse, and not all that it holds is read."""
    data = make_split(permuted=range(9))
    kind = AUGMENTATIONS[augment]
    plan = loop.Plan(
        [0.05] * 12,
        10,
        order=lambda epoch: streams.generator(0, "order", epoch),
        augment=kind
        and (lambda epoch: kind.epoch(len(data.x_N), data.x_N.black, streams.generator(0, "augment", epoch))),
    )
    ends = []
    for make in (lambda n, m: ByAutograd(n, m), lambda n, m: Engine().learner(n, m, sparse=sparse)):
        network, masks = lenet(0.2, seed)
        learner = make(network, masks)
        measure = evaluate.Measure(learner, data)
        run = loop.Run(learner, optimizer(learner, momentum, 0.01), data.x_N, data.given_N, plan)
        rows = [row | measure() for row in run]
        ends.append((learner.state(), rows))
        assert all((learner.state()[n][~m] == 0).all() for n, m in masks.items())
    assert isinstance(learner, perceptron.ByHand)
    computed, held = (learner._packed.table[0, column] for column in (kernels.OUTPUTS, kernels.BIASES))
    assert seed == 3 or computed < held
    for name, value in ends[0][0].items():
        torch.testing.assert_close(ends[1][0][name], value, rtol=1e-4, atol=1e-5)
    for a, b in zip(ends[0][1], ends[1][1], strict=True):
        assert a == pytest.approx(b, rel=1e-4)


@pytest.mark.parametrize("keep", [1.0, 0.2])
def test_large_outputs_do_not_overflow(keep):
    """Their exponentials would, in single precision, from 89 on."""
    network, masks = lenet(keep, seed=2)
    network[5].weight.data *= 1e4
    data, batch = make_split(), torch.arange(9)
    outputs = network(data.x_N[batch])
    assert outputs.abs().max() > 1000
    expected = torch.autograd.grad(F.cross_entropy(outputs, data.given_N[batch]), network[5].bias)[0]
    learner = Engine().learner(network, masks)
    before = learner.state()["5.bias"]
    found = step(learner, learner.reader(data.x_N)(batch, None), data.given_N[batch])["5.bias"]
    torch.testing.assert_close(before - found, expected, rtol=1e-4, atol=1e-5)


@pytest.mark.parametrize("keep", [0.0, 0.02, 0.1, 0.2])
@pytest.mark.parametrize("seed", range(5))
def test_outputs_are_the_networks(keep, seed):
    data = make_split()
    network, masks = lenet(keep, seed)
    learner = Engine().learner(network, masks)
    torch.testing.assert_close(learner.logits(data.x_N).T, network(data.x_N[:]))


def test_a_layer_without_survivors_and_large_sets_held_as_bytes(monkeypatch):
    monkeypatch.setattr(inputs, "FLOATS_UP_TO", 0)
    data = make_split(make_images())
    assert not data.x_N.floats
    network, masks = lenet(0.0)
    learner = Engine().learner(network, masks)
    torch.testing.assert_close(learner.logits(data.x_N).T, network(data.x_N[:]))
    network, masks = lenet(0.1)
    learner = Engine().learner(network, masks)
    torch.testing.assert_close(learner.logits(data.x_N).T, network(data.x_N[:]))
    batch = torch.tensor([3, 1])
    expected = torch.autograd.grad(F.cross_entropy(network(data.x_N[batch]), data.given_N[batch]), network[1].weight)
    before = network[1].weight.data.clone()
    found = step(learner, learner.reader(data.x_N)(batch, None), data.given_N[batch])
    torch.testing.assert_close(before - found["1.weight"], expected[0] * masks["1.weight"])


def test_what_a_batch_left_is_there_after_a_set_was_measured():
    data, ends = make_split(), []
    for make in (lambda n, m: ByAutograd(n, m), lambda n, m: Engine().learner(n, m)):
        learner = make(*lenet(0.5))
        learner.gradients(learner.reader(data.x_N)(torch.arange(7), None), data.given_N[:7])
        learner.logits(data.x_N)
        ends.append(learner.seen())
    torch.testing.assert_close(ends[1], ends[0])


@pytest.mark.parametrize("keep", [1.0, 0.2])
def test_two_learners_of_one_network_have_a_state_each(keep):
    """Whoever is asked last, its parameters are the network's."""
    data, (network, masks) = make_split(), lenet(keep, seed=1)
    first, second = (Engine().learner(network, masks) for _ in range(2))
    before = second.state()
    step(first, first.reader(data.x_N)(torch.arange(9), None), data.given_N[:9])
    assert same(second.state(), before)
    assert not same(first.state(), before)
    torch.testing.assert_close(first.logits(data.x_N).T, network(data.x_N[:]))
    second.state()
    torch.testing.assert_close(second.logits(data.x_N).T, network(data.x_N[:]))


def test_what_is_a_perceptron():
    assert perceptron.is_one(nn.Sequential(nn.Flatten(), nn.Linear(4, 3)))
    assert perceptron.is_one(lenet(1.0)[0])
    for layers_ in (
        [],
        [nn.Flatten()],
        [nn.Linear(4, 3)],
        [nn.Flatten(), nn.Linear(4, 3), nn.ReLU()],
        [nn.Flatten(), nn.Linear(4, 3), nn.Tanh(), nn.Linear(3, 3)],
        [nn.Flatten(), nn.Linear(4, 3, bias=False)],
        [nn.Flatten(2), nn.Linear(4, 3)],
    ):
        assert not perceptron.is_one(nn.Sequential(*layers_))
    assert isinstance(Engine(bfloat16=True).learner(lenet(1.0)[0], {}), ByAutograd)


def test_repeats_are_byte_identical():
    ends = []
    for threads in (1, 2, 1):
        replicates.limit_threads(threads)
        data = make_split()
        network, masks = lenet(0.1)
        learner = Engine().learner(network, masks)
        plan = loop.Plan([0.1] * 20, 10, order=lambda epoch: streams.generator(0, "order", epoch))
        list(loop.Run(learner, SGD(learner), data.x_N, data.given_N, plan))
        ends.append({n: v.numpy().tobytes() for n, v in learner.state().items()})
    assert ends[0] == ends[2]


@pytest.mark.parametrize("retrain", restart.SCHEMES)
@pytest.mark.parametrize("criterion", byname.names("criteria"))
def test_two_rounds_sparse_and_dense_agree(criterion, retrain):
    """From the same start: losses within 1e-3 at every epoch, and at least 99.9% of the masks the same."""
    changes = {"prune.fraction": 0.9, "prune.criterion": criterion, "prune.retrain": retrain}
    runs = []
    for sparse in (False, True):
        this = task(**changes, sparse=sparse)
        dense = kinds.dense(this)
        first = kinds.prune(this, 1, (dense.weights, dense.masks), dense.rewind, dense.start)
        runs.append((first, kinds.prune(this, 2, (first.weights, first.masks), dense.rewind, dense.start)))
    for a, b in zip(*runs, strict=True):
        same = sum(int((a.masks[name] == b.masks[name]).sum()) for name in a.masks)
        assert same >= 0.999 * mask.prunable(a.masks)
        for x, y in zip(a.history, b.history, strict=True):
            assert x["train_loss"] == pytest.approx(y["train_loss"], abs=1e-3)
