"""Images on the device, and what is done to them there: normalisation, flips, shifts; against NumPy and plain loops."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_images
from hypothesis import given, settings
from hypothesis import strategies as st

from prunelab.core import features, images, inputs, sources, streams
from prunelab.core.training.augment import AUGMENTATIONS, Augmentation, shifted
from prunelab.errors import UserError

CPU = torch.device("cpu")


def make(x, rows=None, device=CPU):
    mean, std = inputs.moments(x, np.arange(len(x)), 255)
    return inputs.make(x, rows, mean, std, 255, device)


def pictures(n=7, shape=(3, 5, 6), seed=0):
    return np.random.default_rng(seed).integers(0, 256, size=(n, *shape), dtype=np.uint8)


@settings(max_examples=25, deadline=None)
@given(n=st.integers(1, 30), channels=st.sampled_from([1, 3]), top=st.integers(1, 255), seed=st.integers(0, 99))
def test_moments_are_numpys(n, channels, top, seed):
    x = np.random.default_rng(seed).integers(0, top, size=(n, channels, 4, 3), dtype=np.uint8)
    rows = np.arange(0, n, 2)
    mean, std = inputs.moments(x, rows, top)
    np.testing.assert_allclose(mean, (x[rows] / top).mean(axis=(0, 2, 3)), atol=1e-12)
    expected = (x[rows] / top).std(axis=(0, 2, 3))
    np.testing.assert_allclose(std, np.where(expected == 0, 1.0, expected), atol=1e-7)


def test_batches_are_normalised_pixels_in_order():
    x = pictures()
    got = torch.cat([*make(x).batches(3)]).numpy().astype(np.float64)
    axes = (0, 2, 3)
    np.testing.assert_allclose(got, (x - x.mean(axes, keepdims=True)) / x.std(axes, keepdims=True), atol=2e-6)
    assert make(x).sample_shape == (3, 5, 6)


@pytest.mark.parametrize("rows", [None, np.array([5, 0, 3])])
def test_bytes_and_floats_give_the_same_values_to_the_bit(rows, monkeypatch):
    floats = make(pictures(), rows)
    monkeypatch.setattr(inputs, "FLOATS_UP_TO", 10)
    stored_bytes = make(pictures(), rows)
    assert (floats.stored.dtype, stored_bytes.stored.dtype) == (torch.float32, torch.uint8)
    assert len(floats) == len(stored_bytes) == (7 if rows is None else 3)
    order = torch.tensor([2, 0, 1, 2])
    assert torch.equal(floats[order], stored_bytes[order])
    assert torch.equal(floats[:], stored_bytes[:])
    assert torch.equal(floats.black, stored_bytes.black)


def test_a_large_data_set_stays_on_disk(tmp_path, monkeypatch):
    monkeypatch.setattr(images, "MAPPED_FROM", 100)
    data = make_images()
    images.store(tmp_path, data)
    read = images.read(tmp_path)
    assert isinstance(read.x_train.base, np.memmap)
    assert (read.x_train == data.x_train).all()
    monkeypatch.setattr(inputs, "FLOATS_UP_TO", 10)
    assert make(read.x_train).stored.data_ptr() == read.x_train.ctypes.data
    array = images.empty((50, 2))
    assert isinstance(array, np.memmap)
    array[...] = 7
    assert int(array.sum()) == 700


@settings(max_examples=25, deadline=None)
@given(dy=st.integers(0, 4), dx=st.integers(0, 4), seed=st.integers(0, 99))
def test_a_shift_moves_pixels_and_brings_in_black(dy, dx, seed):
    """Pixel by pixel in plain Python."""
    x = torch.from_numpy(pictures(2, (2, 4, 5), seed)).float()
    black = torch.tensor([-1.0, -2.0])[:, None, None]
    offsets = torch.tensor([[dy, 2], [dx, 2]])
    got = shifted(x, offsets[0], offsets[1], 2, black)
    assert torch.equal(got[1], x[1])  # an offset of `reach` leaves an image alone
    for c in range(2):
        for i in range(4):
            for j in range(5):
                row, column = i + dy - 2, j + dx - 2
                inside = 0 <= row < 4 and 0 <= column < 5
                assert got[0, c, i, j] == (x[0, c, row, column] if inside else black[c, 0, 0])


def test_each_image_is_flipped_and_shifted_for_itself_and_every_epoch_anew():
    x = make(pictures(64, (1, 9, 9)))
    kind = AUGMENTATIONS["flip_shift"]
    everything = torch.arange(64)

    def epoch(number):
        return kind.epoch(64, x.black, streams.generator(0, "augment", number))(x[:], everything)

    first, again, second = epoch(0), epoch(0), epoch(1)
    assert torch.equal(first, again)
    assert not torch.equal(first, second)
    # In batches of any order, an image gets what was drawn for it.
    order = torch.randperm(64, generator=streams.generator(0, "order"))
    halves = [kind.epoch(64, x.black, streams.generator(0, "augment", 0))(x[part], part) for part in order.split(32)]
    assert torch.equal(torch.cat(halves), first[order])


def test_flips_and_shifts_are_fair():
    n = 20_000
    ramp = torch.zeros(1, 1, 9)
    ramp[0, 0, 4], ramp[0, 0, 5] = 1.0, 2.0  # a one and a two beside it: which side tells a flip, where a shift
    x = ramp.expand(n, 1, 1, 9)
    black = torch.zeros(1, 1, 1)
    wide = torch.cat([torch.zeros(n, 1, 4, 9), x, torch.zeros(n, 1, 4, 9)], dim=2)
    out = Augmentation(flip=True, max_shift=2).epoch(n, black, streams.generator(0, "x"))(wide, torch.arange(n))
    ones, twos = (out == 1).nonzero(), (out == 2).nonzero()
    assert len(ones) == len(twos) == n
    flipped = twos[:, 3] < ones[:, 3]
    assert flipped.float().mean().item() == pytest.approx(0.5, abs=0.02)
    for values in (ones[:, 2] - 4, ones[:, 3] - 4):
        counts = torch.bincount(values + 2, minlength=5)
        assert len(counts) == 5
        assert (counts.float() / n).tolist() == pytest.approx([0.2] * 5, abs=0.02)


@settings(max_examples=25, deadline=None)
@given(count=st.integers(4, 60), seed=st.integers(0, 9))
def test_a_sample_has_as_many_of_each_class_as_can_be(count, seed):
    data = make_images(n_train=60, classes=4, seed=seed)
    some = sources.sample(data, count, 0)
    assert len(some.y_train) == len(some.x_train) == count
    assert np.ptp(np.bincount(some.y_train, minlength=4)) <= 1
    assert len(some.y_test) == len(data.y_test)
    # The pictures still belong to their labels: make_images writes the class into them.
    assert (some.x_train.reshape(count, -1)[np.arange(count), some.y_train] == 16).all()
    assert (sources.sample(data, count, 0).x_train == some.x_train).all()
    with pytest.raises(UserError, match=r"subset\.test=21: must be at most 20"):
        sources.sample(data, count, 21)
    if count < 60:  # a smaller sample is part of a larger one
        more = sources.sample(data, count + 1, 0).x_train
        assert {x.tobytes() for x in some.x_train} <= {x.tobytes() for x in more}


def test_a_sample_of_fewer_images_than_classes_is_refused():
    with pytest.raises(
        UserError, match=r"subset\.train=3: must be at least 4, one image for each class \(or 0 for all\)"
    ):
        sources.sample(make_images(), 3, 0)
    with pytest.raises(UserError, match=r"subset\.test=1: must be at least 4"):
        sources.sample(make_images(), 0, 1)


def test_noisy_labels_and_class_names_stay_with_their_images(tmp_path):
    data = make_images(n_train=60, classes=4)
    data = replace(data, given_train=(data.y_train + 1) % 4, classes=("a", "b", "c", "d"))
    some = sources.sample(data, 13, 0)
    assert (some.given_train == (some.y_train + 1) % 4).all()
    images.store(tmp_path, some)
    read = images.read(tmp_path)
    assert read.given_train.tolist() == some.given_train.tolist()
    assert (read.classes, read.num_classes) == (("a", "b", "c", "d"), 4)
    assert images.check(read, "x") is None
    with pytest.raises(UserError, match="given_train holds 12 labels, must be 13 as y_train"):
        images.check(replace(some, given_train=some.given_train[:-1]), "x")
    with pytest.raises(UserError, match="classes are 4 names, must be 4, all different"):
        images.check(replace(some, classes=("a", "a", "c", "d")), "x")


@settings(max_examples=25, deadline=None)
@given(n=st.integers(2, 40), seed=st.integers(0, 99), shift=st.sampled_from([0, 1e6, 1.6e9]))
def test_features_are_standardised_by_the_training_rows_that_are_not_held_out(n, seed, shift):
    """In float64 by NumPy from the numbers as they came, a large shift included; the caller's array stays."""
    rng = np.random.default_rng(seed)
    raw = rng.normal(size=(n + 3, 3)) * [1, 5, 0] + [0, shift, 0.1]
    rows = np.arange(0, n, 2) if n > 2 else np.arange(n)
    x_train, x_test, _ = features.standardised(raw[:n], raw[n:], ["a", "b", "c"], "x")
    before = x_train.copy()
    mean, std = inputs.moments(x_train, rows, 1)
    assert std[2] == 1
    got = [inputs.make(x, None, mean, std, 1, CPU)[:].numpy()[:, :, 0, 0] for x in (x_train, x_test)]
    deviation = raw[rows].std(axis=0)
    deviation[deviation < 1e-9] = 1
    for found, want in zip(got, (raw[:n], raw[n:]), strict=True):
        assert found.dtype == np.float32
        np.testing.assert_allclose(found, (want - raw[rows].mean(axis=0)) / deviation, rtol=1e-3, atol=1e-4)
    assert (x_train == before).all()
