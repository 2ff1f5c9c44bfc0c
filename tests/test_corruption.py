"""Label noise: exact counts, and the distribution each type promises."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_images
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.linear_model import LogisticRegression
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from prunelab import corruption
from prunelab.core import describe, sources
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


ALL_DIGITS = {0: 6, 1: 7, 2: 7, 3: 8, 4: 9, 5: 6, 6: 5, 7: 1, 8: 3, 9: 4}


def test_look_alikes_of_all_classes_change_every_class_by_its_map():
    original = np.arange(1000, dtype=np.int64) % 10
    given_labels, permuted = corrupt(original, 0.2, "look_alike", ALL_DIGITS)
    assert permuted.sum() == 200
    assert all(given_labels[i] == ALL_DIGITS[original[i]] for i in np.flatnonzero(permuted))
    assert set(original[permuted]) == set(range(10))


@pytest.mark.parametrize("name", ["mnist", "digits", "cifar10"])
def test_maps_of_all_classes_hold_the_paper_map_or_more_and_never_map_to_themselves(name):
    of = sources.source(name)
    assert set(of.LOOK_ALIKES) == set(range(10))
    assert all(a != b and 0 <= b < 10 for a, b in of.LOOK_ALIKES.items())
    assert corruption.look_alikes(of, "look_alike") == of.LOOK_ALIKES
    assert corruption.look_alikes(of, "asymmetric") == of.LOOK_ALIKE
    assert corruption.look_alikes(of, "symmetric") == {}


def blobs(n=400, seed=0):
    """Four classes on a line, neighbours overlapping; the last feature says nothing."""
    rng = np.random.default_rng(seed)
    original = rng.integers(0, 4, n)
    return original, np.stack([original + rng.normal(0, 0.4, n), rng.normal(0, 1, n)], axis=1)


def of_instance(original, x, noise, available=None, seed=0):
    available = np.ones(len(original), bool) if available is None else available
    rng = np.random.default_rng(seed)
    return corruption.corrupt(original, available, 4, noise, "instance", {}, rng, lambda: x)


@pytest.mark.parametrize("noise", [0.05, 0.2, 0.6])
def test_instance_noise_selects_what_looks_like_another_class(noise):
    original, x = blobs()
    available = np.arange(400) >= 50
    given_labels, permuted = of_instance(original, x, noise, available)
    assert permuted.sum() == int(noise * 350 + 0.5)
    assert not permuted[:50].any()
    assert (given_labels != original).sum() == permuted.sum()  # always another class
    # The most mistaken lie nearest to their new class: by hand, of the first feature.
    nearer = np.abs(x[:, 0] - original)
    assert nearer[permuted].mean() > 1.3 * nearer[available & ~permuted].mean()
    assert (np.abs(given_labels - original)[permuted] == 1).mean() > 0.9


def test_instance_noise_by_a_rewrite():
    """The classifier is shown the first 15 of each class's worth of a permutation; margins by hand."""
    original, x = blobs()
    given_labels, permuted = of_instance(original, x, 0.1, seed=3)
    shown = np.random.default_rng(3).permutation(400)[:60]
    weak = make_pipeline(StandardScaler(), LogisticRegression(max_iter=1000)).fit(x[shown], original[shown])
    p = weak.predict_proba(x)
    margins = []
    for i in range(400):
        others = [(p[i, c], c) for c in range(4) if c != original[i]]
        best, c = max(others)
        margins.append((p[i, original[i]] - best, i, c))
    must = {i: c for _, i, c in sorted(margins)[:40]}
    assert {int(i): int(given_labels[i]) for i in np.flatnonzero(permuted)} == must


def test_no_noise_of_instances_is_none():
    original, x = blobs()
    given_labels, permuted = of_instance(original, x, 0.0)
    assert not permuted.any()
    assert (given_labels == original).all()
