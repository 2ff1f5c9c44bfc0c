"""The engine against torch.optim, closed forms and itself: in parts = whole, rewound = repeated."""

import copy
from itertools import chain

import pytest
import torch
import torch.nn.functional as F
from conftest import make_images, make_split
from hypothesis import given, settings
from hypothesis import strategies as st
from test_config import DEFAULT, changed
from torch import nn

from prunelab import config
from prunelab.core import networks, streams
from prunelab.core.pruning import mask
from prunelab.core.study import distance, rounds
from prunelab.core.training import evaluate, loop, restart, schedule
from prunelab.core.training.learner import ByAutograd
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.errors import UserError


def settings_for(**changes):
    base = {"train.epochs": 3, "train.batch_size": 16, "model.width": 0.05, "redense.epochs": 2, "finetune.epochs": 2}
    return config.validate(changed(DEFAULT, {**base, **changes}))


def task(split=None, seed=0, **changes):
    return rounds.Task(seed, split or make_split(permuted=range(8)), settings_for(**changes), lambda row, n: None)


def same(a, b):
    return list(a) == list(b) and all(torch.equal(a[k], b[k]) for k in a)


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
    optimizer = OPTIMIZERS[name](dict(ours.named_parameters()), {}, momentum, weight_decay)
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
    optimizer = OPTIMIZERS[name](dict(network.named_parameters()), masks, 0.0 if name == "adam" else 0.9, 0.01)
    held = [optimizer.first, optimizer.second] if name == "adam" else [optimizer.velocity]
    gone = ~masks["0.weight"]
    for _ in range(20):
        loss = F.cross_entropy(network(torch.randn(16, 6)), torch.randint(0, 3, (16,)))
        optimizer.step(torch.autograd.grad(loss, optimizer.parameters), 0.1)
        assert (network[0].weight[gone] == 0).all()
        assert all((average[0][gone] == 0).all() for average in held)
    assert (network[0].weight[masks["0.weight"]] != 0).all()


def test_one_step_by_hand():
    """w = 2, x = 1, loss -log softmax: the gradient is p - 1 for the right class."""
    network = nn.Linear(1, 2, bias=False)
    network.weight.data = torch.tensor([[2.0], [0.0]])
    plan = loop.Plan([0.5], batch_size=4, order=lambda epoch: torch.Generator())
    x, y = torch.ones(1, 1), torch.tensor([1])
    result = loop.train(ByAutograd(network, {}), x, y, plan, lambda: {}, lambda row, n: None)
    p = torch.softmax(torch.tensor([2.0, 0.0]), 0)
    torch.testing.assert_close(network.weight.detach()[:, 0], torch.tensor([2.0 - 0.5 * p[0], 0.5 * p[0]]))
    assert result.history == [{"epoch": 1, "learning_rate": 0.5}]


def test_each_epoch_sees_each_example_once_in_an_order_of_its_own():
    seen = []

    class Spy(nn.Linear):
        def forward(self, x):
            seen.append(x[:, 0].tolist())
            return super().forward(x)

    x = torch.arange(10.0)[:, None]
    plan = loop.Plan([0.0] * 6, 4, order=lambda epoch: streams.generator(0, "order", epoch))
    loop.train(ByAutograd(Spy(1, 2), {}), x, torch.zeros(10, dtype=torch.long), plan, lambda: {}, lambda row, n: None)
    first, second = [*chain(*seen[:3])], [*chain(*seen[3:])]
    assert [len(b) for b in seen] == [4, 4, 2] * 2
    assert sorted(first) == sorted(second) == x[:, 0].tolist()
    assert first != second


def test_a_diverged_run_does_not_stop_the_loop():
    network = nn.Linear(1, 2)
    plan = loop.Plan([1e38] * 3, 4, order=lambda epoch: streams.generator(0, "order", epoch))
    x = torch.full((4, 1), 1e30)
    result = loop.train(ByAutograd(network, {}), x, torch.tensor([0, 1, 0, 1]), plan, lambda: {}, lambda row, n: None)
    assert len(result.history) == 3


def test_a_diverged_round_ends_in_one_line_that_says_where():
    with pytest.raises(UserError, match=r"round r00, seed 0: training diverged, the loss is (nan|inf) after epoch 1"):
        rounds.dense(task(**{"train.lr": 1e30}))


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


def test_validation_examples_are_neither_trained_on_nor_permuted():
    split = make_split(permuted=range(8), validation=10)
    assert len(split.x_N) == 30
    assert len(split.x_val_V) == 10
    assert int(split.permuted_N.sum()) == 8


def test_the_same_task_twice_is_the_same_to_the_bit():
    one, two = rounds.dense(task()), rounds.dense(task())
    assert same(one.weights, two.weights)
    assert one.history == two.history
    assert not same(one.weights, rounds.dense(task(seed=1)).weights)


@pytest.mark.parametrize("iteration", [0, 1, 3, 4, 8])
def test_rewinding_with_nothing_pruned_repeats_the_dense_run(iteration):
    """In parts = whole: from iteration k of three epochs of three steps, mid-epoch included."""
    changes = {"train.rewind_iteration": iteration, "prune.fraction": 0.0}
    dense = rounds.dense(task(**changes))
    again = rounds.prune(task(**changes), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    assert same(again.weights, dense.weights)
    assert again.history == dense.history[iteration // 3 :]
    if iteration == 0:
        assert same(dense.rewind, dense.start)


def test_a_round_prunes_exactly_and_keeps_pruned_weights_at_zero():
    changes = {"train.momentum": 0.9, "train.weight_decay": 1e-3}
    dense = rounds.dense(task(**changes))
    parent = dense
    for number in (1, 2, 3):
        outcome = rounds.prune(task(**changes), number, (parent.weights, parent.masks), dense.rewind, dense.start)
        before = mask.survivors(parent.masks)
        assert mask.survivors(outcome.masks) == before - int(0.2 * before + 0.5)
        for name, m in outcome.masks.items():
            assert (outcome.weights[name][~m] == 0).all()
            assert not (m & ~parent.masks[name]).any()
        assert outcome.record["sparsity"] == 1 - mask.survivors(outcome.masks) / mask.prunable(outcome.masks)
        parent = outcome
    assert "5.weight" not in outcome.masks


def test_each_scheme_starts_where_it_says():
    changes = {"train.rewind_iteration": 4, "finetune.lr": 0.01}
    dense = rounds.dense(task(**changes))
    starts, histories = {}, {}
    for scheme in restart.SCHEMES:
        t = task(**changes, **{"prune.retrain": scheme})
        outcome = rounds.prune(t, 1, (dense.weights, dense.masks), dense.rewind, dense.start)
        starts[scheme], histories[scheme] = (outcome.start, outcome.masks), outcome.history
    for scheme, source in {"rewind": dense.rewind, "lr_rewind": dense.weights, "finetune": dense.weights}.items():
        start, masks = starts[scheme]
        assert same(start, mask.applied(source, masks))
    fresh, masks = starts["scratch"]
    assert same(fresh, mask.applied(task(**changes).fresh(1), masks))
    assert not same(fresh, mask.applied(dense.start, masks))
    epochs = {scheme: [row["epoch"] for row in history] for scheme, history in histories.items()}
    assert epochs == {"rewind": [2, 3], "lr_rewind": [2, 3], "finetune": [4, 5], "scratch": [1, 2, 3]}
    assert {row["learning_rate"] for row in histories["finetune"]} == {0.01}


def test_redense_brings_weights_back_from_zero_and_keeps_the_rounds_sparsity():
    dense = rounds.dense(task())
    sparse = rounds.prune(task(**{"prune.fraction": 0.9}), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    outcome = rounds.redense(task(), 1, (sparse.weights, sparse.masks), sparse.start, dense.start)
    assert same(outcome.start, sparse.weights)
    gone = ~sparse.masks["1.weight"]
    assert (outcome.weights["1.weight"][gone] != 0).float().mean() > 0.5
    assert outcome.record["sparsity"] == sparse.record["sparsity"]
    assert [row["epoch"] for row in outcome.history] == [4, 5]
    w, w0 = outcome.weights, sparse.start
    names = [name for name in w if name.split(".")[0] in "135"]
    expected = sum(((w[n].double() - w0[n].double()) ** 2).sum() for n in names) ** 0.5
    assert outcome.record["distance"]["from_start"] == pytest.approx(float(expected))


def test_reinit_keeps_the_mask_and_draws_new_weights_for_the_whole_schedule():
    changes = {"train.rewind_iteration": 4}
    dense = rounds.dense(task(**changes))
    sparse = rounds.prune(task(**changes), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    outcome = rounds.reinit(task(**changes), 1, sparse.masks)
    assert same(outcome.masks, sparse.masks)
    assert all((outcome.weights[name][~m] == 0).all() for name, m in sparse.masks.items())
    assert [row["epoch"] for row in outcome.history] == [1, 2, 3]  # from the start, wherever `rewind` goes back to
    kept = sparse.masks["1.weight"]
    assert (outcome.start["1.weight"][kept] != dense.start["1.weight"][kept]).all()
    assert not same(outcome.start, rounds.reinit(task(seed=1), 1, sparse.masks).start)


def test_one_shot_prunes_the_dense_model_to_each_rounds_sparsity():
    dense = rounds.dense(task())
    step = rounds.prune(task(), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    two_steps = rounds.prune(task(), 2, (step.weights, step.masks), dense.rewind, dense.start)
    at_once = rounds.prune(task(), 2, (dense.weights, dense.masks), dense.rewind, dense.start, parent_number=0)
    assert at_once.record["sparsity"] == two_steps.record["sparsity"]
    assert at_once.record["round"] == "r02"
    weights = torch.cat([dense.weights[name].abs()[m] for name, m in at_once.masks.items()])
    gone = torch.cat([dense.weights[name].abs()[~m] for name, m in at_once.masks.items()])
    assert gone.max() <= weights.min()  # by the dense model's magnitudes alone


def test_a_rewind_point_beyond_the_run_is_refused_where_the_data_decides_it():
    with pytest.raises(UserError, match=r"train\.rewind_iteration=9: must be less than the 9 iterations"):
        rounds.dense(task(**{"train.rewind_iteration": 9}))


def test_a_last_batch_of_one_is_refused_where_batch_norm_would_fail():
    split = make_split(make_images(n_train=33))
    changes = {"model.name": "resnet20", "model.width": 0.1, "train.epochs": 1}
    with pytest.raises(UserError, match=r"train\.batch_size=16: must not leave a last batch of one image \(of 33\)"):
        rounds.dense(task(split, **changes))
    assert rounds.dense(task(split)).history  # LeNet has no batch norm


def test_distance_by_hand():
    end = {
        "0.w": torch.tensor([3.0, 0.0]),
        "0.b": torch.tensor([0.0]),
        "2.w": torch.tensor([4.0]),
        "norm": torch.ones(1),
    }
    start = {"0.w": torch.zeros(2), "0.b": torch.zeros(1), "2.w": torch.zeros(1)}
    init = {"0.w": torch.tensor([0.0, 4.0]), "0.b": torch.zeros(1), "2.w": torch.tensor([4.0])}
    assert distance.from_start_and_init(end, start, init, ["0.w", "0.b", "2.w"]) == {
        "from_start": 5.0,
        "from_dense_init": 5.0,
        "layers": {"0": {"from_start": 3.0, "from_dense_init": 5.0}, "2": {"from_start": 4.0, "from_dense_init": 0.0}},
    }


def test_best_is_the_highest_epoch_and_last_the_last():
    outcome = rounds.dense(task(**{"train.epochs": 6, "train.lr": 2.0}))
    accuracies = [row["test_accuracy"] for row in outcome.history]
    assert outcome.record["best"]["test_accuracy"] == max(accuracies)
    assert outcome.record["last"]["test_accuracy"] == accuracies[-1]


@pytest.mark.parametrize("kind", ["ones", "uniform"])
def test_initialisation_is_kaiming_with_zero_biases(kind):
    network = networks.build("lenet", (1, 28, 28), 10, 1.0, kind, streams.generator(0, "init"))
    assert sum(p.numel() for p in network.parameters()) == 266_610  # LeNet-300-100 on MNIST, as published
    for layer, fan_in in ((network[1], 784), (network[3], 300), (network[5], 100)):
        assert (layer.bias == 0).all()
        assert layer.weight.std().item() == pytest.approx((2 / fan_in) ** 0.5, rel=0.05)
    assert networks.prunable("lenet", network) == ["1.weight", "3.weight"]


def test_width_multiplies_hidden_layers():
    network = networks.build("lenet", (1, 8, 8), 10, 0.5, "ones", streams.generator(0, "init"))
    assert [network[i].out_features for i in (1, 3, 5)] == [150, 50, 10]


def test_streams_are_named_not_counted():
    a, b, c = (streams.generator(0, *name).initial_seed() for name in (("x", 1), ("x", 2), ("y", 1)))
    assert len({a, b, c, streams.generator(1, "x", 1).initial_seed()}) == 4
    assert streams.key(0, "x", 1) == streams.key(0, "x", 1) < 2**63
