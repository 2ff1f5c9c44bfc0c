"""Optimisers, loop, schedule and measures against torch.optim, closed forms and brute force."""

import copy
from itertools import chain

import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split, same
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from prunelab.core import networks, streams
from prunelab.core.training import evaluate, loop, schedule
from prunelab.core.training.learner import ByAutograd
from prunelab.core.training.optimizers import OPTIMIZERS, SGD


def torchs(name, parameters, momentum, weight_decay):
    if name == "adam":
        return torch.optim.Adam(parameters, lr=0.1, weight_decay=weight_decay)
    nesterov = name == "nesterov"
    return torch.optim.SGD(parameters, lr=0.1, momentum=momentum, weight_decay=weight_decay, nesterov=nesterov)


@pytest.mark.parametrize(
    ("name", "momentum"), [("sgd", 0.0), ("sgd", 0.9), ("nesterov", 0.9), ("nesterov", 0.5), ("adam", 0.0)]
)
@pytest.mark.parametrize("weight_decay", [0.0, 0.01])
def test_unmasked_optimisers_are_torchs(name, momentum, weight_decay):
    torch.manual_seed(0)
    ours = nn.Sequential(nn.Linear(5, 4), nn.ReLU(), nn.Linear(4, 3))
    theirs = copy.deepcopy(ours)
    optimizer = OPTIMIZERS[name](ByAutograd(ours, {}), momentum, weight_decay)
    reference = torchs(name, theirs.parameters(), momentum, weight_decay)
    for step in range(10):
        x, y = torch.randn(8, 5), torch.randint(0, 3, (8,))
        optimizer.step(torch.autograd.grad(F.cross_entropy(ours(x), y), optimizer.parameters), 0.1)
        reference.zero_grad()
        F.cross_entropy(theirs(x), y).backward()
        reference.step()
        for a, b in zip(ours.parameters(), theirs.parameters(), strict=True):
            torch.testing.assert_close(a, b, rtol=1e-4, atol=1e-6, msg=f"step {step}")


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_pruned_weights_and_their_momentum_stay_exactly_zero(name):
    torch.manual_seed(0)
    network = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    masks = {"0.weight": torch.rand(8, 6) > 0.7}
    network[0].weight.data *= masks["0.weight"]
    optimizer = OPTIMIZERS[name](ByAutograd(network, masks), 0.0 if name == "adam" else 0.9, 0.01)
    held = [optimizer.first, optimizer.second] if name == "adam" else [optimizer.velocity]
    gone = ~masks["0.weight"]
    for _ in range(20):
        loss = F.cross_entropy(network(torch.randn(16, 6)), torch.randint(0, 3, (16,)))
        optimizer.step(torch.autograd.grad(loss, optimizer.parameters), 0.1)
        assert (network[0].weight[gone] == 0).all()
        assert all((average[0][gone] == 0).all() for average in held)
    assert (network[0].weight[masks["0.weight"]] != 0).all()


def run(network, x, y, plan):
    """By plain gradient descent."""
    learner = ByAutograd(network, {})
    return loop.Run(learner, SGD(learner), x, y, plan)


def test_one_step_by_hand():
    """w = 2, x = 1, loss -log softmax: the gradient is p - 1 for the right class."""
    network = nn.Linear(1, 2, bias=False)
    network.weight.data = torch.tensor([[2.0], [0.0]])
    plan = loop.Plan([0.5], batch_size=4, order=lambda epoch: torch.Generator())
    x, y = torch.ones(1, 1), torch.tensor([1])
    rows = list(run(network, x, y, plan))
    p = torch.softmax(torch.tensor([2.0, 0.0]), 0)
    torch.testing.assert_close(network.weight.detach()[:, 0], torch.tensor([2.0 - 0.5 * p[0], 0.5 * p[0]]))
    assert rows == [{"epoch": 1, "learning_rate": 0.5}]


def test_each_epoch_sees_each_example_once_in_an_order_of_its_own():
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(x[:, 0].tolist())
            return super().forward(x)

    x = torch.arange(10.0)[:, None]
    plan = loop.Plan([0.0] * 6, 4, order=lambda epoch: streams.generator(0, "order", epoch))
    list(run(Spy(1, 2), x, torch.zeros(10, dtype=torch.long), plan))
    first, second = [*chain(*seen[:3])], [*chain(*seen[3:])]
    assert [len(b) for b in seen] == [4, 4, 2] * 2
    assert sorted(first) == sorted(second) == x[:, 0].tolist()
    assert first != second


def test_each_update_has_the_rate_of_its_iteration_and_each_epoch_the_order_of_its_number():
    """Of a whole batch's gradient, from iteration 1 on; the numbers go on from `epoch_offset`."""
    x, y = torch.arange(12.0).view(6, 2), torch.tensor([0, 1, 2, 0, 1, 2])
    torch.manual_seed(0)
    network = nn.Linear(2, 3)
    plain, asked, rates = copy.deepcopy(network), [], [0.9, 0.5, 0.1]

    def order(epoch):
        asked.append(epoch)
        return streams.generator(0, "order", epoch)

    list(run(network, x, y, loop.Plan(rates, 6, order=order, first_iteration=1, epoch_offset=40)))
    for rate in rates[1:]:
        gradients = torch.autograd.grad(F.cross_entropy(plain(x), y), tuple(plain.parameters()))
        with torch.no_grad():
            for parameter, gradient in zip(plain.parameters(), gradients, strict=True):
                parameter -= rate * gradient
    torch.testing.assert_close(network.weight, plain.weight)
    assert asked == [41, 42]


class Small:
    """A network with batch norm about to train on forty images, five updates an epoch."""

    def __init__(self, name):
        self.data = make_split(permuted=range(9))
        torch.manual_seed(0)
        network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4))
        self.learner = ByAutograd(network, {})
        self.optimizer = OPTIMIZERS[name](self.learner, 0.0 if name == "adam" else 0.9, 0.01)

    def run(self, iterations=20, first_iteration=0):
        rates = [0.01 / (i + 1) for i in range(iterations)]
        plan = loop.Plan(rates, 8, lambda epoch: streams.generator(0, "order", epoch), None, first_iteration)
        return loop.Run(self.learner, self.optimizer, self.data.x_N, self.data.given_N, plan)

    def trained(self, *args):
        """The state in the end."""
        list(self.run(*args))
        return self.learner.state()


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_run_that_is_left_early_stands_where_a_shorter_one_ends_and_can_be_gone_on_with(name):
    """To the bit, and with the momentum that it had: by epochs, and in the middle of one."""
    whole, short, left, between = (Small(name) for _ in range(4))
    for row in left.run():
        if row["epoch"] == 2:
            break
    assert same(left.learner.state(), short.trained(10))
    assert same(left.trained(20, 10), whole.trained())
    run = between.run()
    assert run.epochs == range(4)
    for iteration in chain.from_iterable(map(run.steps, run.epochs)):
        if iteration == 12:
            break
    assert not same(between.learner.state(), short.learner.state())
    assert same(between.trained(20, 12), whole.learner.state())


def test_steps_come_before_their_updates_and_rows_after_their_epochs():
    stepped, walked = Small("sgd"), Small("sgd")
    run, seen = stepped.run(20, 7), []
    for epoch in run.epochs:
        for iteration in run.steps(epoch):
            before = stepped.learner.state()
            assert not seen or not same(before, seen[-1][1])
            seen.append((iteration, before))
        assert not same(before, stepped.learner.state())
        assert run.row(epoch) == {"epoch": epoch + 1, "learning_rate": 0.01 / (5 * epoch + 5)}
    assert [iteration for iteration, _ in seen] == [*range(7, 20)]
    assert [row["epoch"] for row in walked.run(20, 7)] == [2, 3, 4]
    assert same(walked.learner.state(), stepped.learner.state())


def test_a_diverged_run_does_not_stop_the_loop():
    network = nn.Linear(1, 2)
    plan = loop.Plan([1e38] * 3, 4, order=lambda epoch: streams.generator(0, "order", epoch))
    x = torch.full((4, 1), 1e30)
    assert len(list(run(network, x, torch.tensor([0, 1, 0, 1]), plan))) == 3


def test_stepped_schedule_by_hand():
    rates = schedule.stepped(epochs=4, steps=2, lr=1.0, milestones=[2, 3], gamma=0.1, warmup_epochs=1)
    assert rates == pytest.approx([0.5, 1.0, 1.0, 1.0, 0.1, 0.1, 0.01, 0.01])
    assert schedule.constant(2, 3, 0.1) == [0.1] * 6


@settings(max_examples=30, deadline=None)
@given(permuted=st.sets(st.integers(0, 39)), validation=st.sampled_from([0, 7]), seed=st.integers(0, 99))
def test_measures_agree_with_a_loop_over_examples(permuted, validation, seed):
    """Example by example in plain Python: every subset's accuracy and loss."""
    images = make_images()
    split = make_split(images, [p for p in permuted if p < 40 - validation], validation)
    network = networks.build("lenet", (1, 4, 4), 4, 0.05, "ones", streams.generator(seed, "init"))
    row = evaluate.Measure(ByAutograd(network, {}), split)()
    outputs = network(split.x_N[:]).detach().log_softmax(1).tolist()
    groups = {"train": [], "permuted": [], "unpermuted": [], "restored": []}
    for output, given_label, original, moved in zip(
        outputs, split.given_N.tolist(), split.original_N.tolist(), split.permuted_N.tolist(), strict=True
    ):
        given_outcome = (-output[given_label], output.index(max(output)) == given_label)
        groups["train"].append(given_outcome)
        groups["permuted" if moved else "unpermuted"].append(given_outcome)
        if moved:
            groups["restored"].append((-output[original], output.index(max(output)) == original))
    for name, outcomes in groups.items():
        if outcomes:
            assert row[f"{name}_accuracy"] == sum(right for _, right in outcomes) / len(outcomes)
            assert row[f"{name}_loss"] == pytest.approx(sum(loss for loss, _ in outcomes) / len(outcomes), rel=1e-4)
        else:
            assert row[f"{name}_accuracy"] is None
    assert ("validation_accuracy" in row) == (validation > 0)
    right = network(split.x_test_T[:]).argmax(1) == split.y_test_T
    assert row["test_accuracy"] == int(right.sum()) / len(right)


def test_evaluation_leaves_mode_and_batch_norm_alone():
    network = nn.Sequential(nn.Conv2d(1, 3, 3), nn.BatchNorm2d(3), nn.Flatten(), nn.Linear(12, 4)).train()
    before = networks.state(network)
    evaluate.Measure(ByAutograd(network, {}), make_split())()
    assert network.training
    assert same(before, networks.state(network))
