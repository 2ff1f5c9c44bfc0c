"""What a round is given and what it stores, against something that knows the answer, never against another round."""

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split, same
from test_rounds import settings_for, task

from prunelab.core import split
from prunelab.core.images import Images
from prunelab.core.rounds import kinds, trained
from prunelab.core.training import loop, optimizers

CPU = torch.device("cpu")
MANY = {"train.epochs": 60, "train.lr": 0.5, "model.width": 0.2}
BATCH_NORM = {"model.name": "resnet20", "model.width": 0.1, "train.epochs": 2, "train.batch_size": 20}


def pruned(t, dense, number=1, parent=None, **more):
    parent = parent or dense
    return kinds.prune(t, number, (parent.weights, parent.masks), dense.rewind, dense.start, **more)


def logits(t, outcome, x):
    network = t.network(outcome.weights).eval()
    with torch.no_grad():
        return network(x[:])


def test_the_labels_that_were_given_are_learnt_not_the_original_ones():
    t = task(make_split(permuted=range(0, 40, 3)), **MANY)
    data, outcome = t.split, kinds.dense(t)
    permuted = data.permuted_N
    assert (data.given_N[permuted] != data.original_N[permuted]).all()
    assert torch.equal(outcome.predicted_N, data.given_N)
    last = outcome.record["last"]
    assert (last["train_accuracy"], last["permuted_accuracy"], last["restored_accuracy"]) == (1, 1, 0)
    assert last["train_loss"] < 0.1 < 1 < last["restored_loss"]


@pytest.mark.parametrize("changes", [{"train.epochs": 4}, BATCH_NORM], ids=["by hand", "by autograd"])
@pytest.mark.parametrize("kind", ["dense", "prune", "redense", "reinit"])
def test_what_is_stored_of_examples_is_what_the_stored_weights_say(kind, changes):
    """Prediction and loss on the given label of each training example; right or not of each test example."""
    t = task(make_split(permuted=range(0, 40, 3), validation=6), **changes, **{"train.lr": 0.05})
    outcome = dense = kinds.dense(t)
    if kind == "prune":
        outcome = pruned(t, dense)
    if kind == "redense":
        outcome = kinds.redense(t, 1, (dense.weights, dense.masks), dense.start, dense.start, 2)
    if kind == "reinit":
        outcome = kinds.reinit(t, 1, dense.masks)
    data, found = t.split, logits(t, outcome, t.split.x_N)
    permuted = data.permuted_N
    assert torch.equal(outcome.predicted_N, found.argmax(dim=1))
    torch.testing.assert_close(outcome.loss_N, F.cross_entropy(found, data.given_N, reduction="none"))
    right_T = logits(t, outcome, data.x_test_T).argmax(dim=1) == data.y_test_T
    assert torch.equal(outcome.right_T, right_T)
    last = outcome.record["last"]
    assert last["test_accuracy"] == right_T.double().mean()
    assert last["train_accuracy"] == (found.argmax(dim=1) == data.given_N).double().mean()
    for subset, chosen, labels in (
        ("permuted", permuted, data.given_N),
        ("unpermuted", ~permuted, data.given_N),
        ("restored", permuted, data.original_N),
    ):
        assert last[f"{subset}_loss"] == pytest.approx(F.cross_entropy(found[chosen], labels[chosen]).item(), rel=1e-4)
    held_out = logits(t, outcome, data.x_val_V).argmax(dim=1) == data.y_val_V
    assert last["validation_accuracy"] == held_out.double().mean()
    assert same(outcome.rewind or {}, dense.start if kind == "dense" else {})


def test_a_step_sees_the_given_labels_of_its_own_images():
    """One epoch of one batch by hand: the order does not matter then."""
    t = task(make_split(permuted=range(0, 40, 3)), **{"train.epochs": 1, "train.batch_size": 40, "train.lr": 0.3})
    network = t.network(t.fresh(0))
    F.cross_entropy(network(t.split.x_N[:]), t.split.given_N).backward()
    outcome = kinds.dense(t)
    for name, parameter in network.named_parameters():
        torch.testing.assert_close(outcome.weights[name], (parameter - 0.3 * parameter.grad).detach())


@pytest.fixture
def plans(monkeypatch):
    """What the loop is given, in the order of the runs."""
    found, real = [], loop.Run

    def spy(learner, optimizer, x, y, plan):
        found.append((plan, x, y, optimizer))
        return real(learner, optimizer, x, y, plan)

    monkeypatch.setattr(loop, "Run", spy)
    return found


RATES = {
    "train.epochs": 4,
    "train.batch_size": 20,
    "train.lr": 0.1,
    "train.milestones": [2, 3],
    "train.gamma": 0.5,
    "train.warmup_epochs": 1,
    "train.rewind_iteration": 3,
    "finetune.epochs": 2,
    "finetune.lr": 0.01,
    "redense.epochs": 3,
    "redense.lr": 0.02,
}
BY_HAND = [0.05, 0.1, 0.1, 0.1, 0.05, 0.05, 0.025, 0.025]  # two iterations an epoch


@pytest.mark.parametrize("scheme", ["rewind", "lr_rewind", "finetune", "scratch"])
def test_every_kind_of_round_has_the_schedule_that_was_asked_for(plans, scheme):
    t = task(**RATES, **{"prune.retrain": scheme})
    dense = kinds.dense(t)
    sparse = pruned(t, dense)
    kinds.redense(t, 1, (sparse.weights, sparse.masks), sparse.start, dense.start, 4)
    kinds.reinit(t, 1, sparse.masks)
    whole, retrained, redensed, again = (plan for plan, *_ in plans)
    for plan in (whole, again):
        assert list(plan.learning_rates) == pytest.approx(BY_HAND)
        assert (plan.first_iteration, plan.epoch_offset) == (0, 0)
    if scheme == "finetune":
        assert list(retrained.learning_rates) == [0.01] * 4
        assert (retrained.first_iteration, retrained.epoch_offset) == (0, 4)
    else:
        assert list(retrained.learning_rates) == pytest.approx(BY_HAND)
        assert retrained.first_iteration == (0 if scheme == "scratch" else 3)
    assert list(redensed.learning_rates) == [0.02] * 6
    assert (redensed.first_iteration, redensed.epoch_offset) == (0, 4)
    for _, x, y, _ in plans:
        assert x is t.split.x_N
        assert y is t.split.given_N


@pytest.mark.parametrize(("name", "kind"), optimizers.OPTIMIZERS.items())
def test_the_optimiser_is_the_one_that_was_asked_for(plans, name, kind):
    momentum = {"sgd": 0.3, "nesterov": 0.7, "adam": 0.0}[name]
    changes = {"train.optimizer": name, "train.momentum": momentum, "train.weight_decay": 0.02, "train.epochs": 1}
    dense = kinds.dense(t := task(**changes, **{"train.lr": 0.001}))
    sparse = pruned(t, dense)
    kinds.redense(t, 1, (sparse.weights, sparse.masks), sparse.start, dense.start, 1)
    kinds.reinit(t, 1, sparse.masks)
    assert len(plans) == 4
    for plan, _, _, optimizer in plans:
        assert type(optimizer) is kind
        assert (optimizer.momentum, optimizer.weight_decay, plan.batch_size) == (momentum, 0.02, 16)


def drawn(generator):
    return torch.rand(20, generator=generator).tolist()


def test_orders_and_augmentation_differ_by_replicate_and_epoch_and_are_the_dense_runs_where_training_starts_anew(plans):
    data = make_split(make_images(n_train=40, shape=(1, 6, 6)), permuted=range(8))
    for seed in (0, 1):
        t = task(data, seed=seed, **{"train.augment": "flip_shift", "train.epochs": 2})
        dense = kinds.dense(t)
        pruned(t, dense)
        kinds.redense(t, 1, (dense.weights, dense.masks), dense.start, dense.start, 2)
    everything = torch.arange(40)
    orders = [[drawn(plan.order(epoch)) for epoch in (0, 1)] for plan, *_ in plans]
    pictures = [
        [plan.augment(epoch)(data.x_N[:], everything).flatten().tolist() for epoch in (0, 1)] for plan, *_ in plans
    ]
    for first in (0, 3):
        assert orders[first] == orders[first + 1] == orders[first + 2]
        assert pictures[first] == pictures[first + 1] == pictures[first + 2]
    for some in (orders, pictures):
        different = [some[0][0], some[0][1], some[3][0], some[3][1]]
        assert all(a != b for i, a in enumerate(different) for b in different[:i])
    assert plans[2][0].epoch_offset == 2  # so re-dense training goes on with the epochs after


def test_no_augmentation_where_none_was_asked_for(plans):
    kinds.dense(task(**{"train.epochs": 1}))
    assert plans[0][0].augment is None


def test_replicates_are_initialised_differently_and_so_is_every_new_start():
    """Dense, scratch of rounds 1 and 2, reinit of rounds 1 and 2; of two replicates: ten draws."""
    states = []
    for seed in (0, 1):
        t = task(seed=seed, **{"prune.retrain": "scratch", "train.epochs": 1, "prune.fraction": 0.0})
        dense = kinds.dense(t)
        states.append(dense.start)
        states += [pruned(t, dense, number).start for number in (1, 2)]
        states += [kinds.reinit(t, number, dense.masks).start for number in (1, 2)]
    for name in ("1.weight", "5.weight"):
        assert all(not (a[name] == b[name]).any() for i, a in enumerate(states) for b in states[:i])


def images_of_three_kinds():
    """Training, validation and test images of different brightness; validation are the last ten."""
    rng = np.random.default_rng(0)
    x_train = np.concatenate([rng.integers(0, 100, (30, 2, 3, 3)), rng.integers(150, 255, (10, 2, 3, 3))])
    y = np.arange(40, dtype=np.int64) % 4
    x_test = rng.integers(40, 200, (20, 2, 3, 3))
    return Images(x_train.astype(np.uint8), y, x_test.astype(np.uint8), y[:20], num_classes=4, max_value=255)


def test_normalisation_comes_from_the_training_images_alone():
    found = images_of_three_kinds()
    data = make_split(found, validation=10)
    axes = (0, 2, 3)
    trained = found.x_train[:30].astype(float)
    mean, std = trained.mean(axes, keepdims=True), trained.std(axes, keepdims=True)
    for got, x in ((data.x_N, trained), (data.x_val_V, found.x_train[30:]), (data.x_test_T, found.x_test)):
        np.testing.assert_allclose(got[:].numpy(), (x - mean) / std, atol=1e-5)


def test_validation_labels_are_clean_even_if_the_given_ones_are_not():
    found = make_images()
    held_out = np.arange(40) % 4 == 1
    given = (found.y_train + 1) % 4
    labels = {"given": given, "permuted": ~held_out, "validation": held_out}
    data = split.make(found, labels, CPU)
    assert data.y_val_V.tolist() == found.y_train[held_out].tolist()
    assert data.given_N.tolist() == given[~held_out].tolist()
    assert data.original_N.tolist() == found.y_train[~held_out].tolist()
    assert data.y_test_T.tolist() == found.y_test.tolist()
    assert data.permuted_N.all()


def test_distances_are_from_where_each_round_began_and_from_the_dense_initialisation():
    t = task(**{"train.rewind_iteration": 4, "prune.fraction": 0.5})
    dense = kinds.dense(t)
    sparse = pruned(t, dense)
    redense = kinds.redense(t, 1, (sparse.weights, sparse.masks), sparse.start, dense.start, 3)
    reinit = kinds.reinit(t, 1, sparse.masks)
    fresh = t.fresh(1, "reinit")

    def length(a, b):
        return torch.cat([(a[n].double() - b[n].double()).flatten() for n in a]).norm().item()

    for outcome, start, init in (
        (dense, dense.start, dense.start),
        (sparse, sparse.start, dense.start),
        (redense, sparse.start, dense.start),
        (reinit, reinit.start, fresh),
    ):
        found = outcome.record["distance"]
        assert found["from_start"] == pytest.approx(length(outcome.weights, start))
        assert found["from_dense_init"] == pytest.approx(length(outcome.weights, init))


def test_the_engines_switches_and_the_sparse_path_are_passed_on(monkeypatch):
    asked = []
    real = trained.Engine

    class Spy(real):
        def learner(self, network, masks, *, sparse):
            asked.append((self.channels_last, sparse))
            return super().learner(network, masks, sparse=sparse)

    monkeypatch.setattr(trained, "Engine", Spy)
    for engine, sparse in ((["channels_last"], True), ([], False)):
        t = task(**{"engine": engine, "sparse": sparse, "train.epochs": 1})
        dense = kinds.dense(t)
        pruned(t, dense)
        kinds.reinit(t, 1, dense.masks)
        kinds.redense(t, 1, (dense.weights, dense.masks), dense.start, dense.start, 1)
        assert asked == [(bool(engine), False), (bool(engine), sparse), (bool(engine), sparse), (bool(engine), False)]
        asked.clear()
    assert settings_for().sparse  # the default
