"""The two-layer network: by hand, by autograd, in closed form, and at the limits where the answer is known."""

import math

import numpy as np
import pytest
import torch
from conftest import same

from prunelab.errors import UserError
from prunelab.studies.theory import predictions
from prunelab.studies.theory.network import data, descent, measures, sweep
from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Dense, Loss, Products, Rule, Sparse
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


def test_no_product_moves_by_more_than_the_step():
    task, start, kept, loss = parts(theory())
    before = None
    for step in descent.train(Dense(start, kept, task), loss, Rule("flow", 0.1, 0.01, 50)):
        if before is not None:
            moved = before.minus(1.0, step.products)
            assert moved.largest() <= 0.1 * before.largest() * (1 + 1e-5)
        before = step.products


def test_training_that_is_cut_short_says_so():
    row = sweep.run(theory(max_steps=1, kept=[1, 0.5]), 0, lambda _: None).rows[0]
    assert (row["reached"], row["steps"]) == (0, 1)
    assert row["train_loss"] > 0.01


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


def test_masks_are_nested_and_keep_their_share():
    asked = theory()
    order = data.order(asked, 3)
    total = order.numel()
    before = torch.ones_like(order, dtype=torch.bool)
    assert ((order < 1.0) == before).all()
    for p in (0.7, 0.3, 0.1, 0.01):
        kept = order < p
        assert (kept <= before).all()
        assert abs(int(kept.sum()) - p * total) < 4 * math.sqrt(total * p * (1 - p))
        before = kept


def test_by_magnitude_the_largest_stay():
    trained = torch.tensor([[0.1, -5.0, 2.0], [0.0, 3.0, -0.2]])
    rank = data.by_magnitude(trained)
    assert (rank < 1.0).all()
    assert (rank < 0.5).tolist() == [[False, True, True], [False, True, False]]
    assert (rank < 1 / 6).tolist() == [[False, True, False], [False, False, False]]


def test_the_data_are_signal_and_noise():
    asked = theory(dimension=1000, examples=50, noise=0.2)
    task = Task.of(asked, 0)
    assert task.true.tolist() == [i % 4 for i in range(50)]
    assert (task.given == task.true).all()
    energy = float((task.noise**2).sum(dim=1).mean() / (0.2**2 * 1000))
    assert abs(energy - 1) < 4 * math.sqrt(2 / (50 * 1000))
    # A matrix whose products with the signals are its first columns, mu times: orthogonal, of norm mu.
    products = Dense(torch.eye(4, 1000), torch.ones(4, 1000, dtype=torch.bool), task).products()
    assert torch.equal(products.signal, 2 * torch.eye(4))


def test_streams_do_not_depend_on_p_or_on_each_other():
    one, other = theory(), theory(kept=[1, 0.1], filters=20, label_noise=0.5)
    assert torch.equal(Task.of(one, 1).noise, Task.of(other, 1).noise)
    assert torch.equal(data.weights(one, 1), data.weights(other, 1))
    assert torch.equal(data.order(one, 1), data.order(other, 1))
    assert not torch.equal(data.weights(one, 1), data.weights(one, 2))


def test_without_signal_every_network_fits_and_guesses():
    asked = theory(signal=0.0, test_examples=1000)
    for row in sweep.run(asked, 0, lambda _: None).rows:
        assert row["reached"]
        assert row["train"] == 1
        assert abs(row["test"] - 0.25) < 4 * math.sqrt(0.25 * 0.75 / 1000)


def test_without_noise_live_classes_are_learnt_and_dead_ones_are_not():
    asked = theory(noise=0.0, kept=[1, 0.1, 0.03], max_steps=200)
    dead = 0
    for seed in range(3):
        task, start, kept, loss = parts(asked, seed, 0.03)
        for row in sweep.run(asked, seed, lambda _: None).rows:
            assert row["test_live"] in (1.0, None)
        held = descent.filters(start, kept, task)
        *_, last = descent.train(held, loss, sweep.rule(asked))
        can = data.live(start, kept, 4).any(dim=1)
        own = last.products.signal.reshape(4, 4, 20)[torch.arange(4), torch.arange(4)].clamp(min=0).amax(dim=1)
        assert ((own == 0) == ~can).all()
        dead += int((~can).sum())
    assert dead


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


def test_classes_without_a_live_filter_are_as_frequent_as_predicted():
    asked = theory(filters=20, dimension=4)
    live, kept_any, p, total = 0, 0, 0.1, 400 * 4
    for seed in range(400):
        start, kept = data.weights(asked, seed), data.order(asked, seed) < p
        live += int(data.live(start, kept, 4).any(dim=1).sum())
        own = torch.arange(4)
        kept_any += int(kept.reshape(4, 20, 4)[own, :, own].any(dim=1).sum())
    for share, expected in ((1 - live / total, predictions.dead_share(p, 20)), (1 - kept_any / total, (1 - p) ** 20)):
        assert abs(share - expected) < 4 * math.sqrt(expected * (1 - expected) / total)


def test_before_training_noise_correlation_falls_as_the_root_of_p():
    asked = theory(kept=[1, 0.5, 0.3, 0.1], dimension=1000, filters=100, classes=10, examples=100, max_steps=1)
    rows = sweep.run(asked, 0, lambda _: None).rows
    for row in rows:
        assert row["noise_start"] / math.sqrt(row["kept"]) == pytest.approx(rows[0]["noise_start"], rel=0.05)


def test_constant_steps_are_plain_gradient_descent():
    task, start, kept, loss = parts(theory(), p=0.5)
    held = Dense(start, kept, task)
    steps = descent.train(held, loss, Rule("constant", 0.3, 0.01, 100))
    next(steps)
    _, expected = autograd(task, start, kept, 3, torch.float32)
    next(steps)
    assert torch.allclose(held.whole(), start * kept - 0.3 * expected, rtol=1e-4, atol=1e-9)


def test_steps_that_diverge_end():
    with pytest.raises(UserError, match=r"^theory.rate=1e\+30: must be smaller, the loss is .* \(p = 1, seed 0\)$"):
        sweep.run(theory(descent="constant").model_copy(update={"rate": 1e30}), 0, lambda _: None)
    with pytest.raises(UserError, match=r"^theory.init=1000: must be smaller, the loss is nan after 0 steps"):
        sweep.run(theory(init=1000.0, power=10, signal=1000.0), 0, lambda _: None)


def test_label_noise_draws_a_share_of_labels_anew():
    asked = theory(label_noise=0.5, examples=200, classes=4)
    task = Task.of(asked, 0)
    wrong = int((task.given != task.true).sum())
    # 100 drawn from four classes: a quarter of them true ones again.
    assert abs(wrong - 75) < 4 * math.sqrt(100 * 0.75 * 0.25)
    assert task.true.tolist() == [i % 4 for i in range(200)]


def test_magnitude_masks_come_from_the_dense_network_and_training_from_the_start():
    asked = theory(mask="magnitude", kept=[1, 0.5])
    task, start, kept, loss = parts(asked)
    held = Dense(start, kept, task)
    list(descent.train(held, loss, FLOW))
    chosen = data.by_magnitude(held.whole()) < 0.5
    again = descent.filters(start, chosen, task)
    *_, last = descent.train(again, loss, FLOW)
    row = sweep.run(asked, 0, lambda _: None).rows[1]
    assert row["train_loss"] == pytest.approx(loss(again.products()))
    assert row["steps"] == last.number


def test_the_same_bytes_again():
    first, again = (sweep.run(theory(), 1, lambda _: None) for _ in range(2))
    assert first.rows == again.rows
    assert first.race == again.race
    assert np.array_equal(first.margins, again.margins)


def test_share_is_what_the_signal_gives_of_the_labels_output():
    task = Task(
        2, 1.0, torch.zeros(2, 2), torch.tensor([0, 1]), torch.tensor([0, 1]), torch.zeros(1, 2), torch.tensor([0])
    )
    products = Products(torch.tensor([[1.0, 9.0], [9.0, 2.0]]), torch.tensor([[3.0, 9.0], [9.0, -1.0]]))
    # Example 0: 27 / (27 + 1); example 1: its signal below zero gives nothing.
    assert measures.share(products, task, 3) == pytest.approx((27 / 28 + 0) / 2)
    assert measures.signal(products, task) == pytest.approx((3 - 1) / 2)
    assert measures.noise(products, task) == pytest.approx((1 + 2) / 2)


def test_margins_and_errors_of_fresh_examples_by_hand():
    task = Task(
        2,
        1.0,
        torch.zeros(2, 2),
        torch.tensor([0, 1]),
        torch.tensor([0, 1]),
        torch.tensor([[0.0, 0], [0, 2], [0, 0]]),
        torch.tensor([0, 0, 1]),
    )
    weights = torch.tensor([[1.0, 0.0], [0.0, 1.0]])
    row, margins = measures.fresh(weights, task, 2, torch.tensor([[True], [False]]))
    # Outputs: class 0 signal gives (1, 0); noise (0, 2) adds (0, 4); class 1 signal gives (0, 1).
    assert margins.tolist() == [1.0, -3.0, 1.0]
    assert row["test"] == pytest.approx(2 / 3)
    assert row["test_live"] == pytest.approx(1 / 2)
    assert row["test_dead"] == 1.0
    assert row["dead"] == 0.5
    assert row["test_noise"] == pytest.approx(4 / 6)


def test_states_of_two_forms_start_alike():
    task, start, kept, _ = parts(theory(), p=0.2)
    dense, sparse = (form(start, kept, task) for form in (Dense, Sparse))
    assert same({"w": dense.whole()}, {"w": sparse.whole()})
