"""What a criterion is shown and what a mask keeps, as rounds call them: labels, mode, streams, scope, batch norm."""

import pytest
import torch
import torch.nn.functional as F
from conftest import make_split, same
from test_rounds import task
from test_wiring import BATCH_NORM, drawn, pruned

from prunelab.core import networks, streams
from prunelab.core.pruning import subject
from prunelab.core.rounds import kinds


@pytest.fixture
def subjects(monkeypatch):
    """What a criterion is shown, with the first numbers of its stream and the network's state after it was scored."""
    found, real = [], subject.criterion

    def criterion(name):
        def score(scored):
            start = drawn(scored.generator.clone_state())
            mode = {module.training for module in scored.network.modules()}
            scores = real(name)(scored)
            found.append((scored, start, mode, networks.state(scored.network), scores))
            return scores

        return score

    monkeypatch.setattr(subject, "criterion", criterion)
    return found


@pytest.mark.parametrize("criterion", ["gradient", "snip", "synflow", "magnitude", "random"])
def test_scores_are_of_the_parents_network_in_evaluation_mode_on_given_labels(subjects, criterion):
    data = make_split(permuted=range(0, 40, 2), validation=6)
    t = task(data, **BATCH_NORM, **{"prune.criterion": criterion, "train.lr": 0.05})
    dense = kinds.dense(t)
    pruned(t, dense)
    ((scored, _, mode, after, scores),) = subjects
    assert mode == {False}
    assert same(after, dense.weights)  # statistics of batch norm included
    assert scored.x is data.x_N
    assert torch.equal(scored.y, data.given_N)
    assert scored.batch_size == 20
    assert scored.names == list(dense.masks)
    if criterion == "snip":
        network = t.network(dense.weights).eval()
        F.cross_entropy(network(data.x_N[:]), data.given_N).backward()
        weight = network.conv1.weight
        torch.testing.assert_close(scores["conv1.weight"], (weight * weight.grad).abs().detach(), rtol=1e-4, atol=1e-7)


def test_every_round_and_replicate_scores_with_a_stream_of_its_own(subjects):
    for seed in (0, 1):
        t = task(seed=seed, **{"prune.criterion": "random", "train.epochs": 1, "prune.fraction": 0.5})
        dense = kinds.dense(t)
        masks = [pruned(t, dense, number).masks["1.weight"] for number in (1, 2, 3)]
        assert all(not torch.equal(a, b) for i, a in enumerate(masks) for b in masks[:i])
    starts = [start for _, start, *_ in subjects]
    assert len({tuple(start) for start in starts}) == 6


def test_the_scope_is_the_one_that_was_asked_for():
    for scope, alike in (("layer", True), ("global", False)):
        t = task(**{"prune.scope": scope, "prune.fraction": 0.5, "train.epochs": 1})
        dense = kinds.dense(t)
        kept = [float(mask.float().mean()) for mask in pruned(t, dense).masks.values()]
        assert (kept == pytest.approx([0.5] * len(kept), abs=0.02)) is alike


def test_only_weights_are_masked_and_biases_and_batch_norm_train_on():
    t = task(**BATCH_NORM, **{"prune.fraction": 0.5})
    dense = kinds.dense(t)
    outcome = pruned(t, dense)
    dims = {name: value.ndim for name, value in dense.weights.items()}
    assert set(outcome.masks) == {name for name, ndim in dims.items() if ndim in (2, 4)}
    for name in ("fc.bias", "bn1.bias"):
        assert (outcome.weights[name] != 0).all()


def test_rewinding_brings_back_the_statistics_of_batch_norm_too():
    t = task(**BATCH_NORM, **{"train.rewind_iteration": 1, "train.lr": 0.05})
    dense = kinds.dense(t)
    start = pruned(t, dense).start
    for name in ("bn1.running_mean", "bn1.running_var", "layer3.2.bn2.running_var"):
        assert torch.equal(start[name], dense.rewind[name])
        assert not torch.equal(start[name], dense.weights[name])
    # One step of momentum 0.1 from nothing: the mean of the first batch, as the first convolution makes it.
    order = torch.randperm(40, generator=streams.generator(0, "order", 0))[:20]
    network = t.network(dense.start)
    expected = 0.1 * network.conv1(t.split.x_N[order]).mean(dim=(0, 2, 3))
    torch.testing.assert_close(start["bn1.running_mean"], expected.detach(), rtol=1e-4, atol=1e-6)
