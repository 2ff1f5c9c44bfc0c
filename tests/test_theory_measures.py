"""What is measured of the two-layer network, where the answer is known: without signal, without noise, by hand."""

import math

import numpy as np
import pytest
import torch
from small_theory import FLOW, parts, theory

from prunelab.errors import UserError
from prunelab.studies.theory import predictions
from prunelab.studies.theory.network import data, descent, measures, sweep
from prunelab.studies.theory.network.data import Task
from prunelab.studies.theory.network.descent import Dense, Products


def test_training_that_is_cut_short_says_so():
    row = sweep.run(theory(max_steps=1, kept=[1, 0.5]), 0, lambda _: None).rows[0]
    assert (row["reached"], row["steps"]) == (0, 1)
    assert row["train_loss"] > 0.01


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
    row, margins = measures.fresh(weights, task, 2, torch.tensor([[True, False], [False, False]]))
    # Outputs: class 0 signal gives (1, 0); noise (0, 2) adds (0, 4); class 1 signal gives (0, 1).
    assert margins.tolist() == [1.0, -3.0, 1.0]
    assert row["test"] == pytest.approx(2 / 3)
    assert row["test_live"] == pytest.approx(1 / 2)
    assert row["test_dead"] == 1.0
    assert row["dead"] == 0.5
    assert row["test_noise"] == pytest.approx(4 / 6)
