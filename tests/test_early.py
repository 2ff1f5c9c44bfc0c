"""What training sees of each example, and the early ensemble: closed forms, brute force, the training loop itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_images, make_split, same
from hypothesis import given
from hypothesis import strategies as st
from test_rounds import task

from prunelab.core import artifacts, digests, split
from prunelab.core.pruning import mask
from prunelab.core.rounds import early, kinds, trained
from prunelab.core.rounds.task import Job
from prunelab.core.training import evaluate, loop, record
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.errors import UserError

NUMBERS = st.floats(-50, 50, width=32)


@given(st.data(), st.integers(2, 6), st.integers(1, 8))
def test_margins_are_the_label_less_the_largest_other_output(data, classes, size):
    logits = data.draw(st.lists(st.lists(NUMBERS, min_size=size, max_size=size), min_size=classes, max_size=classes))
    labels = data.draw(st.lists(st.integers(0, classes - 1), min_size=size, max_size=size))
    found = record.margins(torch.tensor(logits), torch.tensor(labels))
    for n, label in enumerate(labels):
        others = [logits[c][n] for c in range(classes) if c != label]
        assert float(found[n]) == pytest.approx(logits[label][n] - max(others), abs=1e-4)


@pytest.mark.parametrize("classes", [2, 4, 10])
def test_a_network_that_knows_nothing_scores_every_example_alike(classes):
    given_N = torch.arange(30) % classes
    found = record.errors(torch.zeros(classes, 30).log_softmax(dim=0), given_N)
    assert torch.allclose(found, torch.tensor(np.sqrt(1 - 1 / classes), dtype=torch.float32))


def test_a_network_that_is_sure_scores_0_where_it_is_right_and_the_root_of_2_where_it_is_wrong():
    logits = torch.tensor([[1000.0, 0.0, 0.0], [0.0, 1000.0, 0.0], [0.0, 0.0, 1000.0]])
    log_p = logits.log_softmax(dim=0)
    assert record.errors(log_p, torch.tensor([0, 1, 2])).tolist() == [0, 0, 0]
    assert torch.allclose(record.errors(log_p, torch.tensor([1, 2, 0])), torch.full((3,), 2.0).sqrt())


def by_hand(epochs, labels):
    """Means over epochs of loss, margin and EL2N, from log-probabilities [E, K, N]."""
    rows = np.arange(len(labels))
    found = {name: [] for name in record.KINDS}
    for log_p in epochs:
        others = log_p.copy()
        others[labels, rows] = -np.inf
        found["loss"].append(-log_p[labels, rows])
        found["margin"].append(log_p[labels, rows] - others.max(axis=0))
        error = np.exp(log_p)
        error[labels, rows] -= 1
        found["error"].append(np.sqrt((error**2).sum(axis=0)))
    return {name: np.mean(values, axis=0) for name, values in found.items()}


@pytest.mark.parametrize("model", ["lenet", "resnet20"])
def test_what_a_round_keeps_is_the_mean_over_what_is_measured_after_each_epoch(model):
    of = task(**{"model.name": model, "model.width": 0.1})
    outcome = kinds.dense(of)
    start, seen = of.fresh(0), []
    network = of.network(start)
    learner = Engine().learner(network, outcome.masks, sparse=False)
    train = of.params.train
    optimizer = OPTIMIZERS[train.optimizer](learner, momentum=train.momentum, weight_decay=train.weight_decay)
    plan = trained.plan(of, trained.original_schedule(of))
    for _ in loop.Run(learner, optimizer, of.split.x_N, of.split.given_N, plan):
        seen.append(evaluate.log_probabilities(learner, of.split.x_N).double().numpy())
    assert len(seen) == 3
    for name, must in by_hand(seen, of.split.given_N.numpy()).items():
        assert outcome.over_epochs[name].numpy() == pytest.approx(must, rel=1e-4, abs=1e-4)


def test_no_epoch_is_no_mean():
    with pytest.raises(ValueError, match="no epoch"):
        record.Record(torch.tensor([0, 1]), 2).means()
    with pytest.raises(ValueError, match="no probabilities"):
        record.Record(torch.tensor([0, 1]), 2).probabilities()


@pytest.mark.parametrize(("model", "number"), [("lenet", 0), ("lenet", 1), ("resnet20", 0)])
def test_what_the_ensemble_notes_is_what_each_step_sees(model, number):
    """Batch by batch, before the step, whatever the order."""
    of = task(**{"model.name": model, "model.width": 0.1, "train.epochs": 4, "train.lr": 0.5})
    found = early.ensemble(of, number + 1, 2)
    learner = Engine().learner(of.network(of.fresh(number, "early")), {}, sparse=False)
    optimizer = OPTIMIZERS["sgd"](learner, momentum=0.0, weight_decay=0.0)
    plan = trained.plan(of, early.rates_of(of, 2), own=(number,), purpose="early")
    seen = np.zeros((2, 4, 40))
    read = learner.reader(of.split.x_N)
    for epoch in range(2):
        batches = torch.randperm(40, generator=plan.order(epoch)).split(16)
        for step, batch in enumerate(batches):
            gradients = learner.gradients(read(batch, None), of.split.given_N[batch])
            seen[epoch][:, batch.numpy()] = torch.log_softmax(learner.seen().double(), dim=0).numpy()
            optimizer.step(gradients, plan.learning_rates[3 * epoch + step])
    for name, must in by_hand(seen, of.split.given_N.numpy()).items():
        assert found.over_epochs[name][number].numpy() == pytest.approx(must, rel=1e-4, abs=1e-4)
    if not number:
        assert found.probability_KN.numpy() == pytest.approx(np.exp(seen).mean(axis=0), abs=1e-4)


def test_networks_are_of_their_own_and_trained_for_the_first_epochs_of_the_schedule():
    of = task(**{"train.epochs": 4, "train.milestones": [1], "train.warmup_epochs": 1})
    found = early.ensemble(of, 3, 2)
    assert found.el2n_MN.shape == (3, 40)
    assert len({*map(str, found.el2n_MN.tolist())}) == 3
    # The first of them by hand: its own initialisation and order, the dense run's learning rates.
    start = of.fresh(0, "early")
    plan = trained.plan(of, trained.original_schedule(of)[: 2 * trained.steps(of)], own=(0,), purpose="early")
    outcome = trained.run(Job(of, 0, start, mask.dense(start, of.prunable()), plan, init=start))
    p = torch.softmax(of.network(outcome.weights).eval()(of.split.x_N[:]), dim=1).detach()
    p[torch.arange(40), of.split.given_N] -= 1
    assert torch.allclose(found.el2n_MN[0], p.square().sum(dim=1).sqrt(), atol=1e-5)
    assert found.accuracy_M[0] == outcome.history[-1]["train_accuracy"]
    assert torch.allclose(found.probability_KN.sum(dim=0), torch.ones(40), atol=1e-5)
    assert not same(start, of.fresh(0))
    assert not same(start, of.fresh(1, "early"))


def test_diverged_training_is_one_line():
    with pytest.raises(UserError, match=r"^early, seed 0: training diverged at train.lr=900; lower it$"):
        early.ensemble(task(**{"train.lr": 900.0, "train.epochs": 30, "model.width": 1.0}), 1, 30)


def test_batch_norm_sees_no_batch_of_one_image():
    of = task(**{"model.name": "resnet20", "model.width": 0.1, "train.batch_size": 13})
    with pytest.raises(UserError, match=r"^train.batch_size=13: must not leave a last batch of one image \(of 40\)"):
        early.ensemble(of, 1, 1)


@pytest.mark.parametrize(("share", "epochs", "must"), [(0.1, 200, 20), (0.1, 4, 1), (1, 7, 7), (0.22, 90, 20)])
def test_so_many_epochs(share, epochs, must):
    assert early.epochs_of(share, epochs) == must


def test_what_is_held_out_is_among_the_examples_with_the_data_sets_labels():
    images = make_images()
    given_N = images.y_train.copy()
    given_N[:8] = (given_N[:8] + 1) % 4
    labels = {"given": given_N, "permuted": given_N != images.y_train, "validation": np.arange(40) >= 30}
    device = torch.device("cpu")
    assert len(split.make(images, labels, device).x_N) == 30
    whole = split.make(images, labels, device, everything=True)
    assert len(whole.x_N) == 40
    assert len(whole.y_val_V) == 0
    assert whole.given_N.tolist() == given_N.tolist()


def test_what_is_kept_is_read_again(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    found = early.ensemble(task(), 2, 1)
    with artifacts.writing(artifacts.EARLY) as folder:
        early.keep(artifacts.replicate(folder, 5), 5, found)
    arrays, told = early.read(5, 40)
    assert told["epochs"] == 1
    for name in record.KINDS:
        assert arrays[name] == pytest.approx(found.over_epochs[name].numpy(), rel=1e-2, abs=1e-2)
    for changed, says in (
        ({"margin": arrays["margin"][:, :-1]}, r"margin is float32 \(2, 39\), not floats for each of 40 examples"),
        ({"error": arrays["error"] * np.nan}, "error is empty, or holds NaN or infinity"),
        ({"el2n": arrays["el2n"][:0]}, "el2n is empty, or holds NaN or infinity"),
    ):
        artifacts.write_arrays(artifacts.EARLY / "seed5" / artifacts.SCORES, arrays | changed)
        digests.seal(artifacts.EARLY)
        with pytest.raises(UserError, match=f"^data/early/seed5/scores.npz: damaged \\({says}\\)"):
            early.read(5, 40)


def test_numbers_too_large_for_half_precision_become_the_largest():
    assert artifacts.halved(np.array([1e9, -1e9, 2.5], dtype=np.float32)).tolist() == [65504, -65504, 2.5]


def test_a_part_of_all_examples_is_the_whole():
    """A part of all examples, in order, is the whole: the ensemble sees the same."""
    of = task()
    part = replace(of, split=make_split(permuted=range(8)).part(np.arange(40)))
    one, two = early.ensemble(of, 1, 2), early.ensemble(part, 1, 2)
    assert torch.equal(one.over_epochs["margin"], two.over_epochs["margin"])
