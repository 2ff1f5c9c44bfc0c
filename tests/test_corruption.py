"""Label noise: exact counts, and the distribution each type promises."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_images
from hypothesis import given, settings
from hypothesis import strategies as st

from prunelab import corruption
from prunelab.core import describe
from prunelab.errors import UserError

DIGITS = {2: 7, 3: 8, 5: 6, 6: 5}


def corrupt(original, noise, kind, look_alike=DIGITS, available=None, seed=0):
    available = np.ones(len(original), bool) if available is None else available
    return corruption.corrupt(original, available, 10, noise, kind, look_alike, np.random.default_rng(seed))


@settings(max_examples=60, deadline=None)
@given(
    n=st.integers(1, 300),
    noise=st.floats(0, 0.999),
    kind=st.sampled_from(["symmetric", "uniform_other", "pairflip"]),
    held_out=st.integers(0, 50),
)
def test_exactly_the_asked_fraction_is_selected_and_only_it_changes(n, noise, kind, held_out):
    original = np.arange(n, dtype=np.int64) % 10
    available = np.arange(n) >= min(held_out, n - 1)
    given_labels, permuted = corrupt(original, noise, kind, available=available)
    assert permuted.sum() == int(noise * available.sum() + 0.5)
    assert not permuted[~available].any()
    assert (given_labels == original)[~permuted].all()
    assert given_labels.dtype == np.int64
    assert given_labels.min() >= 0
    assert given_labels.max() < 10


def test_symmetric_draws_from_all_classes_its_own_included():
    original = np.full(20000, 3)
    given_labels, permuted = corrupt(original, 0.5, "symmetric")
    shares = np.bincount(given_labels[permuted], minlength=10) / 10000
    assert np.abs(shares - 0.1).max() < 4 * np.sqrt(0.1 * 0.9 / 10000)


def test_uniform_other_never_draws_its_own_class_and_all_others_alike():
    original = np.full(20000, 3)
    given_labels, permuted = corrupt(original, 0.5, "uniform_other")
    shares = np.bincount(given_labels[permuted], minlength=10) / 10000
    assert shares[3] == 0
    assert np.abs(np.delete(shares, 3) - 1 / 9).max() < 4 * np.sqrt(1 / 9 * 8 / 9 / 10000)


def test_pairflip_is_the_next_class_around():
    original = np.array([0, 4, 9, 9])
    given_labels, permuted = corrupt(original, 0.99, "pairflip")
    assert permuted.all()
    assert given_labels.tolist() == [1, 5, 0, 0]


def test_asymmetric_touches_source_classes_only():
    original = np.arange(1000) % 10
    given_labels, permuted = corrupt(original, 0.3, "asymmetric")
    assert permuted.sum() == 300
    for before, after in zip(original[permuted], given_labels[permuted], strict=True):
        assert DIGITS[before] == after


def test_asymmetric_noise_beyond_its_source_classes_is_refused_with_the_limit():
    with pytest.raises(UserError, match=r"noise=0\.5: must be at most 0\.4 with noise_type=asymmetric"):
        corrupt(np.arange(1000) % 10, 0.5, "asymmetric")


def test_replicates_differ_and_repeat():
    original = np.arange(100) % 10
    first, again, other = (corrupt(original, 0.4, "symmetric", seed=s)[0] for s in (1, 1, 2))
    assert (first == again).all()
    assert (first != other).any()


def test_settings_are_held_against_the_data():
    def refused(*arguments):
        with pytest.raises(UserError) as caught:
            corruption.check(*arguments)
        return str(caught.value)

    assert refused(0.0004, 0, 1000, 10, False) == (
        "noise=0.0004: selects none of the 1000 training images; must be 0, or at least 0.0005"
    )
    corruption.check(0.0005, 0, 1000, 10, False)
    assert corrupt(np.arange(1000) % 10, 0.0005, "symmetric")[1].sum() == 1
    assert refused(0.4, 1000, 1000, 10, False) == "train.validation=1000: must be less than the 1000 training images"
    assert refused(0.4, 991, 1000, 10, False).startswith("train.validation=991: must be at most 990, so that")
    corruption.check(0.4, 990, 1000, 10, False)
    assert refused(0.4, 0, 1000, 10, True) == "noise=0.4: must be 0, the data brings noisy labels of its own"
    corruption.check(0, 0, 1000, 10, True)


def test_noise_that_came_with_the_data_is_permuted_where_it_is_wrong_and_spares_validation():
    original, noisy = np.array([0, 1, 2, 0, 1, 2]), np.array([0, 2, 2, 1, 1, 0])
    available = np.array([True, True, True, True, True, False])
    given_labels, permuted = corruption.brought(original, available, noisy)
    assert given_labels.tolist() == [0, 2, 2, 1, 1, 2]
    assert permuted.tolist() == [False, True, False, True, False, False]


def test_frequent_confusions_are_named():
    data = make_images(n_train=8)
    data = replace(data, classes=("cat", "dog", "fox", "owl"))
    original, wrong = np.array([0, 0, 0, 1, 2, 3, 3, 2]), np.array([1, 1, 0, 1, 2, 2, 2, 0])
    assert describe.confusions(original, wrong, data) == "cat as dog (2), owl as fox (2), fox as cat (1)"
    assert describe.confusions(original, original, data) == ""
