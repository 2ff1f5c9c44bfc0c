"""A part of the training examples: the whole when it is all of them, and otherwise a data set of only these."""

from unittest import mock

import numpy as np
import pytest
import torch
from conftest import make_images, make_split, same
from hypothesis import given, settings
from hypothesis import strategies as st
from test_rounds import task

from prunelab.core import inputs, split
from prunelab.core.images import Images
from prunelab.core.rounds import kinds
from prunelab.core.training import schedule

CONV = {"model.name": "resnet20", "model.width": 0.1, "train.epochs": 2, "train.augment": "flip_shift"}
LENET = {"train.lr": 0.05, "train.momentum": 0.9, "prune.fraction": 0.9}


def ends(data, changes):
    """A dense round and a pruned one (sparse, where the network is a perceptron)."""
    t = task(data, **changes)
    dense = kinds.dense(t)
    return dense, kinds.prune(t, 1, (dense.weights, dense.masks), dense.rewind, dense.start)


def assert_equal(a, b):
    for one, other in zip(a, b, strict=True):
        assert same(one.weights, other.weights)
        assert one.history == other.history
        assert torch.equal(one.loss_N, other.loss_N)
        assert torch.equal(one.predicted_N, other.predicted_N)
        assert torch.equal(one.right_T, other.right_T)


@pytest.mark.parametrize("changes", [CONV, LENET, LENET | {"train.augment": "shift"}])
@pytest.mark.parametrize("held_as", ["floats", "bytes"])
def test_a_part_of_all_examples_trains_to_the_same_bytes(changes, held_as, monkeypatch):
    if held_as == "bytes":
        monkeypatch.setattr(inputs, "FLOATS_UP_TO", 0)
    data = make_split(permuted=range(9), validation=6)
    whole = ends(data, changes)
    assert_equal(ends(data.part(np.ones(34, dtype=bool)), changes), whole)
    assert_equal(ends(data.part(np.arange(34)), changes), whole)


@pytest.mark.parametrize("changes", [CONV, LENET])
@pytest.mark.parametrize("held_as", ["floats", "bytes"])
def test_training_on_a_part_is_training_on_a_data_set_of_only_these(changes, held_as, monkeypatch):
    """Of the same normalisation, which is of all training images, those left out too."""
    if held_as == "bytes":
        monkeypatch.setattr(inputs, "FLOATS_UP_TO", 0)
    found = make_images()
    rows = np.sort(np.random.default_rng(0).permutation(34)[:21])
    part = make_split(found, permuted=range(9), validation=6).part(rows)
    moments = inputs.moments(found.x_train, np.arange(34), found.max_value)
    kept = np.concatenate([rows, np.arange(34, 40)])
    few = Images(found.x_train[kept], found.y_train[kept], found.x_test, found.y_test, 4, found.max_value)
    with mock.patch.object(inputs, "moments", return_value=moments):
        alone = make_split(few, permuted=range(int((rows < 9).sum())), validation=6)
    assert torch.equal(part.x_N[:], alone.x_N[:])
    for name in ("given_N", "original_N", "permuted_N", "y_val_V", "y_test_T"):
        assert torch.equal(getattr(part, name), getattr(alone, name)), name
    assert_equal(ends(part, changes), ends(alone, changes))


def test_a_part_copies_no_pixel_and_leaves_what_is_held_out_alone():
    data = make_split(permuted=range(9), validation=6)
    part = data.part(np.arange(34) % 3 == 1)
    assert part.x_N.stored.data_ptr() == data.x_N.stored.data_ptr()
    for name in ("x_val_V", "y_val_V", "x_test_T", "y_test_T", "num_classes"):
        assert getattr(part, name) is getattr(data, name)
    assert len(part.x_N) == len(part.given_N) == 11
    assert int(part.permuted_N.sum()) == 3  # 1, 4 and 7 of the first nine


@settings(max_examples=30, deadline=None)
@given(first=st.lists(st.integers(0, 33), min_size=1), seed=st.integers(0, 99), as_bytes=st.booleans())
def test_rows_of_rows_are_rows(first, seed, as_bytes):
    """Against NumPy's indexing, in any order."""
    rng = np.random.default_rng(seed)
    second = rng.integers(len(first), size=5)
    with mock.patch.object(inputs, "FLOATS_UP_TO", 0 if as_bytes else 10**9):
        data = make_split(permuted=range(9), validation=6)
    part = data.part(np.array(first)).part(second)
    rows = np.array(first)[second]
    assert torch.equal(part.x_N[:], data.x_N[:][torch.from_numpy(rows)])
    assert torch.equal(torch.cat([*part.x_N.batches(2)]), part.x_N[:])
    for name in ("given_N", "original_N", "permuted_N"):
        assert getattr(part, name).tolist() == getattr(data, name).numpy()[rows].tolist()


def test_what_is_no_part_is_refused():
    data = make_split()
    for nothing in (np.zeros(40, dtype=bool), np.array([], dtype=np.int64)):
        with pytest.raises(ValueError, match="a part of the training examples must have one at least"):
            data.part(nothing)
    with pytest.raises(IndexError):
        data.part(np.ones(39, dtype=bool))
    with pytest.raises(IndexError):
        data.part(np.array([40]))


@settings(max_examples=60, deadline=None)
@given(count=st.integers(1, 40), batch_size=st.integers(1, 12), seed=st.integers(0, 99))
def test_one_example_is_dropped_only_where_it_would_be_a_batch_by_itself(count, batch_size, seed):
    rows = np.sort(np.random.default_rng(seed).permutation(100)[:count])
    found = split.without_lone(rows, batch_size, np.random.default_rng(seed))
    alone = batch_size > 1 and [len(b) for b in torch.arange(count).split(batch_size)][-1] == 1
    assert len(found) == count - alone
    assert found.tolist() == [row for row in rows.tolist() if row in set(found.tolist())]


def test_the_dropped_example_is_any_of_them_and_batch_norm_then_trains():
    rows = np.arange(17)
    dropped = [
        ({*range(17)} - {*split.without_lone(rows, 16, np.random.default_rng(seed)).tolist()}) for seed in range(400)
    ]
    assert set.union(*dropped) == {*range(17)}
    assert {len(one) for one in dropped} == {1}
    data = make_split().part(split.without_lone(rows, 16, np.random.default_rng(0)))
    assert len(kinds.dense(task(data, **CONV)).loss_N) == 16


@settings(max_examples=100, deadline=None)
@given(epochs=st.integers(1, 50), steps=st.integers(1, 40), part_steps=st.integers(1, 40))
def test_a_parts_schedule_is_the_whole_runs_update_by_update(epochs, steps, part_steps):
    rates = [1.0 / (i + 1) for i in range(epochs * steps)]
    found = schedule.for_part(rates, part_steps)
    assert len(found) > 0
    assert len(found) % part_steps == 0
    nearest = min(abs(count * part_steps - len(rates)) for count in range(1, len(rates) + 2))
    assert abs(len(found) - len(rates)) == nearest
    assert all(rate == rates[min(i, len(rates) - 1)] for i, rate in enumerate(found))
    if part_steps == steps:
        assert found == rates
