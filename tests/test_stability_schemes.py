"""What is done to units instead of removing them: zero, noisy or away for a while; and what networks relied on."""

import itertools

import pytest
import torch
from conftest import same
from test_stability_arms import structure_of, task, train

from prunelab.core.pruning import filters
from prunelab.studies.stability.arms import removed


@pytest.mark.parametrize("scheme", ["zeroing", "gaussian", "restore"])
def test_disturbing_for_no_batch_is_none(scheme):
    """Events are there, and cost nothing."""
    some = task()
    found, none = train(f"{scheme}-0-002", some).run(), train("none", some).run()
    assert same(found.weights, none.weights)
    assert found.history == none.history
    assert len(found.events) == 5
    assert all(row["before"] == row["after"] for row in found.events)


def test_zeroed_weights_are_zero_for_so_many_batches_and_free_then():
    training = train("zeroing-4-002")
    scene, seen = training._scene, []
    zero = training._scheme.before_update

    def before_update():
        zero()
        for masks, _ in training._scheme._held:
            seen.append(any(scene.tensor(name)[mask].any() for name, mask in masks.items()))

    training._scheme.before_update = before_update
    found = training.run()
    assert seen
    assert not any(seen)
    assert training._scheme._held == []  # four batches after the last event it is over
    masks = scene.structure.of_weights(found.units)
    assert all(found.weights[name][mask].all() for name, mask in masks.items())
    for one in scene.structure.layers:  # batch norm is left alone
        assert all(found.weights[name][found.units[one.name]].all() for name in one.affine)


def test_gaussian_noise_is_as_large_as_the_untouched_weights_and_the_burst():
    training = train("gaussian-1-080", task(model__width=4.0, stability__gaussian_burst=9))
    scene, sizes = training._scene, []
    strike = training._scheme.strike

    def watched(new):
        before = {one.weight: scene.tensor(one.weight).detach().clone() for one in scene.structure.layers}
        strike(new)
        for one in scene.structure.layers:
            units = new[one.name]
            if units.any():
                change = scene.tensor(one.weight).detach() - before[one.weight]
                untouched = before[one.weight][~scene.gone[one.name]].std()
                sizes.append(float(change[units].std() / untouched))
                assert change[~units].abs().max() == 0

    training._scheme.strike = watched
    training.run()
    assert len(sizes) == 2
    assert sizes == pytest.approx([3, 3], rel=0.05)  # nine draws at once


def test_noise_is_added_before_each_of_the_batches_and_not_longer():
    training = train("gaussian-2-080", stability__gaussian_burst=0.0)
    calls = []
    training._scheme._add = lambda masks, spread, times: calls.append(times)
    training.run()
    assert calls == [1.0] * 4  # two layers, two batches each


@pytest.mark.parametrize("batches", [1, 3, 6])
def test_restored_filters_come_back_bit_for_bit(batches):
    """With a learning rate of nearly nothing nothing else moves; running statistics of what was zero come back too."""
    some = task(train__lr=1e-30, stability__periods=[2, 80])
    training = train(f"restore-{batches}-002", some)
    none = train("none", some).run()
    scheme, zeroed, saved = training._scheme, [], []
    zero, strike = scheme._zero, scheme.strike

    def watched():
        zero()
        held = [training._scene.tensor(name)[where] for name, where, _ in scheme._saved if "running" not in name]
        zeroed.append(not any(values.any() for values in held))

    def struck(new):
        strike(new)
        saved.append({name: (where, values) for name, where, values in scheme._saved})

    scheme._zero, scheme.strike = watched, struck
    found = training.run()
    assert zeroed
    assert all(zeroed)
    assert len(zeroed) == len(saved) + sum(min(batches, 3 * (b - a)) for a, b in itertools.pairwise([1, 2, 3, 4, 5, 7]))
    parameters = dict(some.network(some.fresh(0)).named_parameters())
    for name in parameters:  # what started at 0, as biases did, has moved by as little as it could
        ends = [torch.where(one.weights[name].abs() < 1e-20, 0.0, one.weights[name]) for one in (found, none)]
        assert torch.equal(*ends)
    running = {name: some for name, some in saved[-1].items() if "running" in name}
    assert running
    if batches == 6:  # to the last update: they are those of before the event, whatever batches came since
        assert all(torch.equal(found.weights[name][where], values) for name, (where, values) in running.items())
        assert not all(torch.equal(found.weights[name], none.weights[name]) for name in running)


def test_restoring_ends_what_another_event_left_zero():
    """Held longer than the period: what comes back is what was there before its first zero."""
    some = task(train__lr=1e-30)
    found, none = train("restore-50-001", some).run(), train("none", some).run()
    for one in train("none", some)._scene.structure.layers:
        for name in (one.weight, *one.affine):
            left = found.weights[name][found.units[one.name]]
            assert not (left.abs() > 1e-20).any() or torch.equal(left, none.weights[name][found.units[one.name]])


def test_dropout_leaves_out_so_many_units_while_training_only():
    some = task()
    training = train("dropout-0.3", some)
    network, seen = training._scene.network, []
    for module in network.modules():
        if isinstance(module, torch.nn.ReLU):
            module.register_forward_hook(lambda m, inputs, output: seen.append((inputs[0].relu(), output)))
    network.train()(torch.randn(400, 1, 4, 4))
    for whole, left in seen:
        gone = (whole > 0) & (left == 0)
        assert float(gone.sum() / (whole > 0).sum()) == pytest.approx(0.3, abs=0.05)
        torch.testing.assert_close(left[left > 0], whole[left > 0] / 0.7)
    seen.clear()
    network.eval()(torch.randn(5, 1, 4, 4))
    assert all(torch.equal(whole, left) for whole, left in seen)
    one, two = (train("dropout-0.3", some).run() for _ in range(2))
    assert same(one.weights, two.weights)
    assert not same(one.weights, train("none", some).run().weights)


@pytest.mark.parametrize("engine", [[], ["channels_last"]])
def test_what_hooks_on_to_modules_works_where_networks_are_trained_by_hand(engine):
    """As a perceptron without batch norm is on a CPU: its modules are not called."""
    some = task(model__name="lenet", engine=engine)
    assert not same(train("dropout-0.3", some).run().weights, train("none", some).run().weights)
    by_maps = train("largest-002", some, filters.ranking("activation"))
    found = by_maps.run()
    assert all(means.any() for means in by_maps._maps.means.values())
    one = found.units["1"].nonzero()[:, 0].tolist()
    assert one != list(range(len(one)))  # not by position, as scores of zero would have it


def test_reliance_is_what_removing_the_targets_costs():
    some = task(train__epochs=12)
    training = train("zeroing-2-002", some)
    found, none = training.run(), train("none", some).run()
    structure = structure_of(some, some.network(some.fresh(0)), some.params.stability)
    cost = removed.reliance(some, found.weights, none.weights, structure, found.units)
    network = some.network(found.weights).eval()
    with torch.no_grad():
        whole = (network(some.split.x_test_T[:]).argmax(1) == some.split.y_test_T).double().mean()
        for name, mask in structure.masks(found.units).items():
            network.get_parameter(name).mul_(mask)
        without = (network(some.split.x_test_T[:]).argmax(1) == some.split.y_test_T).double().mean()
    assert cost["reliance"] == pytest.approx(float(whole - without))
    assert removed.reliance(some, none.weights, none.weights, structure, structure.none()) == {
        "reliance": 0,
        "reliance_of_none": 0,
    }
