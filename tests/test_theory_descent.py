"""The two-layer network and its training: by hand, by autograd, and in two forms."""

import math

import pytest
import torch
from conftest import same
from small_theory import FLOW, parts, theory

from prunelab.studies.theory.network import data, descent
from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Dense, Loss, Rule, Sparse


def test_forward_by_hand():
    """K = 2, m = 1, d = 3, q = 3, mu = 2; filters (1, -2, 3) and (-1, 2, 1); class 0 with noise (1, 1, 1)."""
    task = Task(
        2, 2.0, torch.tensor([[1.0, 1, 1]]), torch.tensor([0]), torch.tensor([0]), torch.zeros(1, 3), torch.tensor([0])
    )
    filters = torch.tensor([[1.0, -2, 3], [-1, 2, 1]])
    held = Dense(filters, torch.ones(2, 3, dtype=torch.bool), task)
    loss = Loss(task, 3)
    # Signal (2, 0, 0): products 2 and -2. Noise: products 2 and 2. F = (2^3 + 2^3, 0 + 2^3).
    assert loss.outputs(held.products()).tolist() == [[16.0, 8.0]]
    assert loss(held.products()) == pytest.approx(math.log(1 + math.exp(-8)))


def autograd(task, filters, kept, power, dtype=torch.float64):
    """The loss as one would write it, differentiated by PyTorch."""
    w = (filters.to(dtype) * kept).requires_grad_()
    signals = task.signal * torch.eye(task.classes, task.dimension, dtype=dtype)
    outputs = []
    for xi, y in zip(task.noise.to(dtype), task.true, strict=True):
        z = torch.stack([w @ signals[y], w @ xi]).clamp(min=0) ** power
        outputs.append(z.sum(dim=0).reshape(task.classes, -1).sum(dim=1))
    found = torch.nn.functional.cross_entropy(torch.stack(outputs), task.given)
    found.backward()
    return found.detach(), w.grad * kept


def doubled(task):
    return Task(task.classes, task.signal, task.noise.double(), task.true, task.given, task.fresh_noise, task.fresh)


@pytest.mark.parametrize("power", [2, 3, 4])
@pytest.mark.parametrize("p", [1.0, 0.3])
def test_the_gradient_is_autograds(power, p):
    asked = theory(power=power, label_noise=0.3, init=0.2)
    task, start, kept, _ = parts(asked, p=p)
    assert (task.given != task.true).any()
    task = doubled(task)
    loss = Loss(task, power)
    loss._is, loss._holds = loss._is.double(), loss._holds.double()
    held = Dense(start.double(), kept, task)
    value, expected = autograd(task, start, kept, power)
    assert loss(held.products()) == pytest.approx(float(value), rel=1e-12)
    gradient, along = held.gradient(loss.pull(held.products()))
    assert torch.allclose(gradient, expected, rtol=1e-9, atol=1e-12 * float(expected.abs().max()))
    assert torch.allclose(along.noise, task.noise @ gradient.T)
    assert torch.allclose(along.signal, task.signal * gradient[:, : task.classes].T)


@pytest.mark.parametrize("form", [Dense, Sparse])
def test_pruned_weights_stay_exactly_zero_and_the_tracked_products_are_true(form):
    task, start, kept, loss = parts(theory(), p=0.2)
    held = form(start, kept, task)
    steps = list(descent.train(held, loss, FLOW))
    whole = held.whole()
    assert (whole[~kept] == 0).all()
    assert (whole[kept] != start[kept]).any()
    tracked, true = steps[-1].products, Dense(whole, kept, task).products()
    for name in ("noise", "signal"):
        assert (getattr(tracked, name) - getattr(true, name)).abs().max() < 1e-4 * true.largest()
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)
    assert losses[-1] <= 0.01 < losses[-2]


@pytest.mark.parametrize("p", [1.0, 0.2, 0.05])
def test_the_loss_never_rises_however_long_the_steps(p):
    task, start, kept, loss = parts(theory(label_noise=0.3), p=p)
    steps = list(descent.train(Dense(start, kept, task), loss, Rule("flow", 1.0, 1e-4, 300)))
    losses = [step.loss for step in steps]
    assert losses == sorted(losses, reverse=True)


def test_no_product_moves_by_more_than_the_step():
    task, start, kept, loss = parts(theory())
    before = None
    for step in descent.train(Dense(start, kept, task), loss, Rule("flow", 0.1, 0.01, 50)):
        if before is not None:
            moved = before.minus(1.0, step.products)
            assert moved.largest() <= 0.1 * before.largest() * (1 + 1e-5)
        before = step.products


def test_the_sparse_form_is_the_dense_one():
    asked = theory(dimension=1000, filters=50)
    task, start, kept, loss = parts(asked, p=0.01)
    found = []
    for form in (Dense, Sparse):
        held = form(start, kept, task)
        list(descent.train(held, loss, Rule("flow", 0.2, 1e-9, 30)))
        found.append(held.whole())
    assert (found[0] - found[1]).abs().max() < 1e-4 * found[0].abs().max()


def test_few_survivors_are_held_alone():
    asked = theory(dimension=1000, filters=50)
    task, start, kept, _ = parts(asked, p=0.01)
    assert isinstance(descent.filters(start, kept, task), Sparse)
    assert isinstance(descent.filters(start, data.order(asked, 0) < 0.02, task), Dense)


def test_what_cannot_move_does_not():
    """A filter without its signal's coordinate has no product with it; one that starts below zero keeps it."""
    asked = theory()
    task, start, kept, loss = parts(asked, p=0.5)
    task.noise[:, :4] = 0
    before = (start * kept)[:, :4].clone()
    held = Dense(start, kept, task)
    list(descent.train(held, loss, FLOW))
    after = held.whole()[:, :4]
    assert (after[~kept[:, :4]] == 0).all()
    below = before < 0
    assert torch.equal(after[below], before[below])
    assert not torch.equal(after, before)


def test_constant_steps_are_plain_gradient_descent():
    task, start, kept, loss = parts(theory(), p=0.5)
    held = Dense(start, kept, task)
    steps = descent.train(held, loss, Rule("constant", 0.3, 0.01, 100))
    next(steps)
    _, expected = autograd(task, start, kept, 3, torch.float32)
    next(steps)
    assert torch.allclose(held.whole(), start * kept - 0.3 * expected, rtol=1e-4, atol=1e-9)


def test_states_of_two_forms_start_alike():
    task, start, kept, _ = parts(theory(), p=0.2)
    dense, sparse = (form(start, kept, task) for form in (Dense, Sparse))
    assert same({"w": dense.whole()}, {"w": sparse.whole()})
