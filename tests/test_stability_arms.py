"""Arms against what must come out: nothing pruned is the dense network; what is pruned, zeroed or restored stays so."""

import itertools

import numpy as np
import pytest
import torch
from conftest import make_images, make_split, same
from test_config import DEFAULT, changed

from prunelab import config
from prunelab.core import halves
from prunelab.core.pruning import filters
from prunelab.core.rounds import kinds
from prunelab.core.rounds.task import Task
from prunelab.errors import UserError
from prunelab.studies.stability import gather, parameters
from prunelab.studies.stability.arms import arm as arms
from prunelab.studies.stability.arms import names, schedule, schemes, select
from prunelab.studies.stability.arms.arm import Training, check, structure_of

L2 = filters.ranking("l2")
QUICK = {
    "studies": ["stability"],
    "model.name": "mlp_bn",
    "model.width": 0.1,
    "train.epochs": 8,
    "train.batch_size": 16,
    "train.optimizer": "adam",
    "train.lr": 0.01,
    "stability.periods": [1, 2, 80],
    "stability.fraction": [0.5, 0.8],
    "stability.start": [1, 2],
    "stability.end": [5, 5],
    "stability.gaussian_burst": 3,
}


def task(split=None, seed=0, **changes):
    values = changed(DEFAULT, {**QUICK, **{name.replace("__", "."): value for name, value in changes.items()}})
    split = split or make_split(make_images(48, 30), permuted=range(8))
    return Task(seed, split, config.validate(values), lambda row, n: None)


def train(name, some=None, rank=L2, **changes):
    some = some or task(**changes)
    about = names.arm(name)
    return Training(some, about, some.params.stability, rank if about.target else None)


def state(training):
    return training._scene.learner.state()


@pytest.mark.parametrize(
    ("start", "end", "period", "count"),
    [(3, 150, 4, 37), (6, 275, 40, 7), (6, 275, 300, 1), (40, 100, 30, 3), (40, 100, 60, 2), (2500, 3500, 750, 2)],
)
def test_so_many_events(start, end, period, count):
    """The paper's settings, as released."""
    found = schedule.event_epochs(start, end, period)
    assert len(found) == count
    assert found[0] == start


def test_events_of_layers_that_start_apart():
    settings = task().params.stability
    found = schedule.events([("a", 10), ("b", 20)], settings, 2)
    assert {epoch: [(due.layer, due.count) for due in some] for epoch, some in found.items()} == {
        1: [("a", 1)], 2: [("b", 8)], 3: [("a", 2)], 4: [("b", 8)], 5: [("a", 2)]
    }  # fmt: skip
    assert found[2][0].rate == 0.4
    at_once = schedule.events([("a", 10), ("b", 20)], settings, 80)
    assert {epoch: [due.count for due in some] for epoch, some in at_once.items()} == {1: [5], 2: [16]}
    assert [due.count for due in schedule.at_once([("a", 10), ("b", 20)], settings)] == [5, 16]


def test_the_last_layers_are_pruned_or_all():
    some = task(
        model__name="resnet20",
        model__width=0.2,
        stability__layers=3,
        **dict.fromkeys(("stability__fraction", "stability__start", "stability__end"), 0),
    )
    structure = structure_of(some, some.network(some.fresh(0)), some.params.stability)
    assert [name for name, _ in structure.counts()] == ["layer3.1.conv2", "layer3.2.conv1", "layer3.2.conv2"]
    every = schedule.of_layers(
        structure.layers,
        task(stability__layers=0, stability__fraction=0.5, stability__start=1, stability__end=2).params.stability,
    )
    assert every == list(structure.layers)


def test_where_a_whole_number_does_not_change_is_no_event():
    found = schedule.events([("a", 3), ("b", 1)], task().params.stability, 1)
    assert sum(due.count for some in found.values() for due in some) == 1  # ceil(1.5) of 3 stay, and the one of b


def test_none_is_the_dense_network_to_the_bit():
    some = task()
    found, dense = train("none", some).run(), kinds.dense(some)
    assert same(found.weights, dense.weights)
    assert found.history == dense.history
    assert found.events == []


@pytest.mark.parametrize(
    "name", ["largest-001", "smallest-080", "random-002", "zeroing-3-002", "restore-3-002", "scratch"]
)
def test_a_fraction_of_0_is_none_to_the_bit(name):
    some = task(stability__fraction=0.0, stability__layers=0, stability__start=1, stability__end=5)
    found, none = train(name, some).run(), train("none", some).run()
    assert same(found.weights, none.weights)
    assert (found.history, found.events) == (none.history, [])


@pytest.mark.parametrize("model", ["mlp_bn", "resnet20", "conv_bn", "lenet"])
@pytest.mark.parametrize("optimizer", ["adam", "sgd"])
def test_what_is_pruned_stays_zero_and_so_does_what_is_stored_for_it(model, optimizer):
    changes = {"model__name": model, "model__width": 0.3, "train__optimizer": optimizer}
    changes |= {"train__momentum": 0.9 if optimizer == "sgd" else 0.0, "train__weight_decay": 1e-3}
    training = train("largest-002", task(**changes))
    found = training.run()
    structure, optimiser = training._scene.structure, training._scene.optimizer
    kept = dict(zip((name for name, _ in structure.counts()), found.units.values(), strict=True))
    assert {name: int(units.sum()) for name, units in kept.items()} == {
        name: count - filters.kept_after(count, fraction, 1, 1)
        for (name, count), fraction in zip(structure.counts(), [0.5, 0.8], strict=True)
    }
    masks = structure.masks(found.units)
    stored = optimiser._stored()
    assert stored
    for name, mask in masks.items():
        assert found.weights[name][~mask].abs().sum() == 0
        own = training._scene.learner.parameters[name]
        for held in stored:  # a perceptron's are parts of one vector
            apart = len(held) > 1
            values = held[list(training._scene.learner.parameters).index(name)] if apart else held[0]
            values = values if apart else values.as_strided(own.shape, own.stride(), own.storage_offset())
            assert values[~mask].abs().sum() == 0
            assert values[mask].abs().sum() > 0
    maps = {}
    network = training._scene.network.eval()
    for one in structure.layers:
        module = network.get_submodule(one.block or one.norm or one.name)
        module.register_forward_hook(lambda m, i, out, key=one.name: maps.__setitem__(key, out.detach().clone()))
    network(training._task.split.x_test_T[:])
    for one in structure.layers:
        assert not maps[one.name][:, found.units[one.name]].any()
        assert maps[one.name][:, ~found.units[one.name]].any()
    unpruned = train("none", task(**changes)).run()
    assert any((found.weights[name][mask] != unpruned.weights[name][mask]).any() for name, mask in masks.items())


def test_the_smallest_the_largest_and_any_of_what_is_left():
    scores, left = torch.tensor([3.0, 1, 2, 1, 9, 0]), torch.tensor([1, 1, 1, 1, 1, 0], dtype=torch.bool)
    generator = torch.Generator()
    small = select.targeted(scores, left, 2, "smallest", generator)
    assert small.nonzero()[:, 0].tolist() == [1, 3]  # what went before, with 0, is not there any more
    assert select.targeted(scores, left, 1, "smallest", generator).nonzero()[:, 0].tolist() == [1]  # by position
    assert select.targeted(scores, left, 2, "largest", generator).nonzero()[:, 0].tolist() == [0, 4]
    drawn = [tuple(select.targeted(scores, left, 2, "random", generator).nonzero()[:, 0].tolist()) for _ in range(400)]
    assert {*drawn} == {*itertools.combinations(range(5), 2)}
    with pytest.raises(UserError, match="a filter has the score nan"):
        select.targeted(scores * torch.nan, left, 2, "largest", generator)


def test_each_event_targets_by_scores_as_they_are_then():
    training, wanted = train("largest-001"), []
    strike = training._scheme.strike

    def check_strike(new):
        scene = training._scene
        for one in scene.structure.layers:
            lengths = scene.tensor(one.weight).detach().flatten(1).norm(dim=1)
            before = ~scene.gone[one.name] | new[one.name]
            stay = before & ~new[one.name]
            if new[one.name].any():
                wanted.append(float(lengths[new[one.name]].min()) >= float(lengths[stay].max()))
        strike(new)

    training._scheme.strike = check_strike
    training.run()
    assert len(wanted) >= 8
    assert all(wanted)


def test_instability_is_the_share_of_accuracy_that_an_event_costs():
    assert gather.instability(0.8, 0.6) == pytest.approx(0.25)
    assert gather.instability(0.5, 0.6) == pytest.approx(-0.2)
    assert gather.instability(0.0, 0.0) is None
    events = [{"before": 0.8, "after": 0.6}, {"before": 0.5, "after": 0.5}, {"before": 0.0, "after": 0.1}]
    assert gather.stability(events) == pytest.approx(1 - 0.125)
    assert gather.stability([]) == 1


def test_a_network_whose_last_hidden_layer_is_gone_answers_one_class():
    """Its outputs are the last bias: one minus instability is the share of that class over accuracy before."""
    some = task(train__epochs=12)
    training = train("none", some)
    training.run()
    scene = training._scene
    before = training._measured()
    with torch.no_grad():
        scene.tensor("7.weight").zero_()
        scene.tensor("7.bias").copy_(torch.tensor([0.0, 3, 0, 0]))
    after = training._measured()
    share = float((some.split.y_test_T == 1).double().mean())
    assert after["accuracy"] == share
    assert 1 - gather.instability(before["accuracy"], after["accuracy"]) == pytest.approx(share / before["accuracy"])


def test_events_are_measured_on_both_halves_of_the_test_set():
    found = train("largest-080").run()
    first = halves.first(30)
    for row in found.events:
        for moment in ("before", "after"):
            both = row[f"{moment}_first"] * first.sum() + row[f"{moment}_second"] * (~first).sum()
            assert both / 30 == pytest.approx(row[moment])
    after = {row["epoch"]: row["after"] for row in found.events}
    for row in found.history:  # an epoch is measured after its event
        assert after.get(row["epoch"], row["test_accuracy"]) == row["test_accuracy"]


def test_maps_are_watched_only_by_the_score_that_looks_at_them():
    assert train("largest-002")._maps is None
    assert train("largest-002", rank=filters.ranking("activation"))._maps is not None


def test_pruned_before_training():
    training = train("scratch")
    assert all(units.any() for units in training._scene.gone.values())
    start = state(training)
    found = training.run()
    masks = training._scene.structure.masks(found.units)
    assert all(start[name][~mask].abs().sum() == 0 for name, mask in masks.items())
    assert found.events == []
    assert found.record["removed"] == sum(int((~mask).sum()) for mask in masks.values()) > 0


def test_single_weights():
    training = train("smallest-002", task(stability__structure="weights"))
    found = training.run()
    counts = dict(training._scene.structure.counts())
    assert {name: int(units.sum()) for name, units in found.units.items()} == {
        "1": counts["1"] - filters.kept_after(counts["1"], 0.5, 1, 1),
        "4": counts["4"] - filters.kept_after(counts["4"], 0.8, 1, 1),
    }
    for name, mask in training._scene.structure.masks(found.units).items():
        assert name.endswith(".weight")
        assert torch.equal(found.weights[name] == 0, ~mask)
    assert set(training._scene.structure.masks(found.units)) == {"1.weight", "4.weight"}


def test_weights_go_by_size():
    some = task(stability__structure="weights", stability__end=[1, 2], train__lr=1e-30)
    found = train("smallest-001", some).run()
    start = some.fresh(0)["4.weight"].abs().flatten()
    assert float(start[found.units["4"]].max()) <= float(start[~found.units["4"]].min())


def test_how_often_each_test_image_was_right_in_the_last_epochs():
    found = train("largest-002").run()
    last = [row["test_accuracy"] for row in found.history[6:]]  # the last may be pruned after epoch 5, from 0
    assert found.right_T.numpy().sum() / 30 == pytest.approx(sum(last))
    assert [arms.first_of_last(80, end) for end in (48, 74, 77, 78)] == [75, 75, 78, 79]
    longer = train("none", train__epochs=12).run()
    assert longer.right_T.numpy().sum() / 30 == pytest.approx(sum(row["test_accuracy"] for row in longer.history[-5:]))


@pytest.mark.parametrize(
    ("name", "changes", "line"),
    [
        ("none", {"stability__layers": 3, "stability__fraction": 0.5, "stability__start": 1, "stability__end": 2},
         "stability.layers=3: must be at most 2, as many as the model has"),
        ("zeroing-5-002", {"train__optimizer": "sgd"},
         r"stability.temporary=zeroing-5: must not be zeroing with train.optimizer=sgd where batch norm follows \(1\)"),
        ("restore-7-002", {}, "stability.temporary=restore-7: must be at most 6 batches, as many as follow the last"),
        ("largest-002", {"model__name": "lenet"}, "stability.score: a score from batch norm needs one after each"),
    ],
)  # fmt: skip
def test_what_cannot_be_is_said_before_anything_is_trained(name, changes, line):
    some = task(**changes)
    rank = filters.ranking("batchnorm")
    with pytest.raises(UserError, match=line):
        check(some, {"none": None, name: rank if names.arm(name).target else None}, some.params.stability)
    schemes.check(
        names.arm("zeroing-5-002"),
        structure_of(task(), task().network(task().fresh(0)), task().params.stability),
        "adam",
        5,
    )


def test_names_of_arms_say_what_they_are():
    stability = task(stability__temporary=["zeroing-50", "restore-9"]).params.stability
    found = {name: names.arm(name) for name in parameters.arm_names(stability)}
    assert list(found)[:3] == ["none", "scratch", "dropout-0.3"]
    assert len(found) == 3 + 3 * 3 + 2
    assert found["largest-002"] == names.Arm("largest-002", "largest", "prune", 2)
    assert found["zeroing-50-002"] == names.Arm("zeroing-50-002", "largest", "zeroing", 2, 50)
    assert found["dropout-0.3"].dropout == 0.3
    ranks = parameters.arms(task(stability__temporary=["zeroing-50"]).params)
    ranked = {name for name, code in ranks.items() if code == "src/prunelab/scores/batchnorm.py"}
    of_targets = {f"{target}-{period}" for target in ("smallest", "largest") for period in ("001", "002", "080")}
    assert ranked == of_targets | {"zeroing-50-002"}
    assert {*parameters.arms(task(stability__structure="weights").params).values()} == {"src/prunelab/core"}
    assert [name for name, arm in found.items() if arm.removes] == ["scratch", *list(found)[3:12]]
    with pytest.raises(ValueError, match="no arm is called"):
        names.arm("biggest-002")


def test_replicates_differ_and_arms_of_one_share_all_but_the_arm():
    some = task()
    a, b = train("largest-080", some).run(), train("smallest-080", some).run()
    assert a.history[0] == b.history[0]
    assert a.history[0] != train("largest-080", task(seed=1)).run().history[0]
    assert np.array_equal(a.right_T.shape, b.right_T.shape)


def test_a_replicate_in_one_row():
    """Means over the last five epochs; the best one from where all arms have been pruned."""
    accuracies = [0.1, 0.95, 0.2, 0.6, 0.9, 0.5, 0.6, 0.7, 0.8, 0.85]
    history = [
        {"epoch": n + 1, "learning_rate": 0.1}
        | {f"{subset}_loss": 1.0 for subset in gather.SUBSETS}
        | {f"{subset}_accuracy": value for subset in gather.SUBSETS}
        | {"train_accuracy": 1 - value / 10, "permuted_accuracy": None}
        for n, value in enumerate(accuracies)
    ]
    record = {"rate": 0.2, "events": 3, "removed": 5, "parameters": 20}
    right_T = np.array([1.0, 0, 0.5, 1])
    one = gather.Replicate("largest-002", 3, history, [], record, right_T, end=3)
    row = one.row(np.array([True, True, False, False]), None)
    assert row["test"] == pytest.approx(np.mean(accuracies[5:]))
    assert row["gap"] == pytest.approx(np.mean([1 - value / 10 - value for value in accuracies[5:]]))
    assert (row["test_best"], row["gap_best"]) == (0.9, pytest.approx(1 - 0.09 - 0.9))
    assert (row["test_first"], row["test_second"]) == (0.5, 0.75)
    assert (row["removed"], row["stability"], row["permuted"], row["reliance"]) == (0.25, 1, None, None)
    assert (row["target"], row["period"], row["seed"]) == ("largest", 2, 3)
    late = gather.Replicate("none", 3, history, [], record, right_T, end=7)
    assert late.row(np.array([True, True, False, False]), None)["test"] == pytest.approx(np.mean(accuracies[8:]))
