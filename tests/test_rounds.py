"""Kinds of round against themselves: in parts = whole, rewound = repeated; where each starts and what it keeps."""

import numba
import numpy as np
import pytest
import torch
from conftest import make_images, make_split, same
from llvmlite import binding
from test_config import DEFAULT, changed

from prunelab import config
from prunelab.core import halves, streams
from prunelab.core.pruning import mask
from prunelab.core.rounds import distance, kinds
from prunelab.core.rounds.task import Task
from prunelab.core.training import evaluate, restart
from prunelab.core.training.engine import Engine
from prunelab.errors import UserError


def settings_for(**changes):
    base = {"train.epochs": 3, "train.batch_size": 16, "model.width": 0.05, "redense.epochs": 2, "finetune.epochs": 2}
    return config.validate(changed(DEFAULT, {**base, **changes}))


def task(split=None, seed=0, **changes):
    return Task(seed, split or make_split(permuted=range(8)), settings_for(**changes), lambda row, n: None)


def test_validation_examples_are_neither_trained_on_nor_permuted():
    split = make_split(permuted=range(8), validation=10)
    assert len(split.x_N) == 30
    assert len(split.x_val_V) == 10
    assert int(split.permuted_N.sum()) == 8


def test_the_same_task_twice_is_the_same_to_the_bit():
    one, two = kinds.dense(task()), kinds.dense(task())
    assert same(one.weights, two.weights)
    assert one.history == two.history
    assert not same(one.weights, kinds.dense(task(seed=1)).weights)


@pytest.mark.parametrize("iteration", [0, 1, 3, 4, 8])
def test_rewinding_with_nothing_pruned_repeats_the_dense_run(iteration):
    """In parts = whole: from iteration k of three epochs of three steps, mid-epoch included."""
    changes = {"train.rewind_iteration": iteration, "prune.fraction": 0.0}
    dense = kinds.dense(task(**changes))
    again = kinds.prune(task(**changes), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    assert same(again.weights, dense.weights)
    assert again.history == dense.history[iteration // 3 :]
    if iteration == 0:
        assert same(dense.rewind, dense.start)


def test_a_round_prunes_exactly_and_keeps_pruned_weights_at_zero():
    changes = {"train.momentum": 0.9, "train.weight_decay": 1e-3}
    dense = kinds.dense(task(**changes))
    parent = dense
    for number in (1, 2, 3):
        outcome = kinds.prune(task(**changes), number, (parent.weights, parent.masks), dense.rewind, dense.start)
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
    dense = kinds.dense(task(**changes))
    starts, histories = {}, {}
    for scheme in restart.SCHEMES:
        t = task(**changes, **{"prune.retrain": scheme})
        outcome = kinds.prune(t, 1, (dense.weights, dense.masks), dense.rewind, dense.start)
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
    dense = kinds.dense(task())
    sparse = kinds.prune(task(**{"prune.fraction": 0.9}), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    outcome = kinds.redense(task(), 1, (sparse.weights, sparse.masks), sparse.start, dense.start, epochs_before=3)
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
    dense = kinds.dense(task(**changes))
    sparse = kinds.prune(task(**changes), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    outcome = kinds.reinit(task(**changes), 1, sparse.masks)
    assert same(outcome.masks, sparse.masks)
    assert all((outcome.weights[name][~m] == 0).all() for name, m in sparse.masks.items())
    assert [row["epoch"] for row in outcome.history] == [1, 2, 3]  # from the start, wherever `rewind` goes back to
    kept = sparse.masks["1.weight"]
    assert (outcome.start["1.weight"][kept] != dense.start["1.weight"][kept]).all()
    assert not same(outcome.start, kinds.reinit(task(seed=1), 1, sparse.masks).start)


def test_one_shot_prunes_the_dense_model_to_each_rounds_sparsity():
    dense = kinds.dense(task())
    step = kinds.prune(task(), 1, (dense.weights, dense.masks), dense.rewind, dense.start)
    two_steps = kinds.prune(task(), 2, (step.weights, step.masks), dense.rewind, dense.start)
    at_once = kinds.prune(task(), 2, (dense.weights, dense.masks), dense.rewind, dense.start, parent_number=0)
    assert at_once.record["sparsity"] == two_steps.record["sparsity"]
    assert at_once.record["round"] == "r02"
    weights = torch.cat([dense.weights[name].abs()[m] for name, m in at_once.masks.items()])
    gone = torch.cat([dense.weights[name].abs()[~m] for name, m in at_once.masks.items()])
    assert gone.max() <= weights.min()  # by the dense model's magnitudes alone


def test_a_rewind_point_beyond_the_run_is_refused_where_the_data_decides_it():
    with pytest.raises(UserError, match=r"train\.rewind_iteration=9: must be less than the 9 iterations"):
        kinds.dense(task(**{"train.rewind_iteration": 9}))


def test_a_last_batch_of_one_is_refused_where_batch_norm_would_fail():
    split = make_split(make_images(n_train=33))
    changes = {"model.name": "resnet20", "model.width": 0.1, "train.epochs": 1}
    with pytest.raises(UserError, match=r"train\.batch_size=16: must not leave a last batch of one image \(of 33\)"):
        kinds.dense(task(split, **changes))
    assert kinds.dense(task(split)).history  # LeNet has no batch norm


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
    outcome = kinds.dense(task(**{"train.epochs": 6, "train.lr": 2.0}))
    accuracies = [row["test_accuracy"] for row in outcome.history]
    assert outcome.record["best"]["test_accuracy"] == max(accuracies)
    assert outcome.record["last"]["test_accuracy"] == accuracies[-1]


def test_best_is_found_on_one_half_of_the_test_set_and_measured_on_the_other():
    """By brute force over the epochs' right answers, each half at the first epoch that is best on the other."""
    t = task(make_split(make_images(n_test=60), permuted=range(0, 40, 2)), **{"train.epochs": 8, "train.lr": 1.0})
    network = t.network(t.fresh(0))
    learner = Engine().learner(network, {})
    measure = evaluate.Measure(learner, t.split)
    seen = []
    for scale in (1.0, 0.3, -1.0, 2.0, 0.1):  # any changes will do: five different networks
        for layer, parameter in enumerate(learner.parameters.values()):
            parameter.data.mul_(scale if layer % 2 else 1.0).add_(0.01 * layer)
        measure()
        seen.append(measure.test_right_T.clone())
    half = torch.from_numpy(halves.first(60))
    for on, off in ((half, ~half), (~half, half)):
        best = max(range(len(seen)), key=lambda e: int(seen[e][on].sum()))
        assert torch.equal(measure.best_right_T[off], seen[best][off])
    outcome = kinds.dense(t)
    assert outcome.record["best"]["fitted_test_accuracy"] == outcome.best_right_T.double().mean()
    assert outcome.record["best"]["fitted_test_accuracy"] <= outcome.record["best"]["test_accuracy"]


def test_a_record_says_what_arithmetic_made_it(monkeypatch):
    made = kinds.dense(task()).record["made_with"]
    assert made["torch"] == torch.__version__
    assert (made["numba"], made["compiled_for"]) == (numba.__version__, binding.get_host_cpu_name())
    assert made["threads"] == torch.get_num_threads()
    assert torch.backends.cpu.get_cpu_capability() in made["processor"]
    assert kinds.dense(task()).record["made_with"] == made
    for name, value in (("MKL_CBWR", "COMPATIBLE"), ("OPENBLAS_CORETYPE", "Haswell")):
        monkeypatch.setenv(name, value)
        assert value in kinds.dense(task()).record["made_with"]["processor"]


def test_halves_are_fixed_and_equal():
    for count in (1, 2, 7, 797):
        assert halves.first(count).sum() == count // 2
        assert (halves.first(count) == halves.first(count)).all()
    positions = np.flatnonzero(halves.first(1000))
    assert (positions % 2).mean() == pytest.approx(0.5, abs=0.06)  # not every other one: data may be in an order


@pytest.mark.parametrize(
    ("scheme", "own"), [("rewind", False), ("scratch", False), ("lr_rewind", True), ("finetune", True)]
)
def test_weights_that_trained_before_see_another_order_in_every_round(scheme, own, monkeypatch):
    t = task(**{"prune.retrain": scheme, "train.augment": "shift"})
    dense = kinds.dense(t)
    names = []
    real = streams.generator
    monkeypatch.setattr(streams, "generator", lambda *name: names.append(name) or real(*name))
    for number in (1, 2):
        kinds.prune(t, number, (dense.weights, dense.masks), dense.rewind, dense.start)
    for purpose in ("order", "augment"):
        drawn = [name for name in names if name[1] == purpose]
        assert all((len(name) == 4) is own for name in drawn)
        assert len(set(drawn)) == (len(drawn) if own else len(drawn) // 2)


def test_features_are_not_shifted():
    features = make_split(make_images(shape=(4, 1, 1)))
    with pytest.raises(UserError, match=r"train\.augment='shift': must be none, examples are features"):
        kinds.dense(task(features, **{"train.augment": "shift"}))


def test_a_diverged_round_ends_in_one_line_that_says_where():
    with pytest.raises(UserError, match=r"round r00, seed 0: training diverged, train_loss is (nan|inf) after epoch 1"):
        kinds.dense(task(**{"train.lr": 1000, "train.weight_decay": 1000}))
