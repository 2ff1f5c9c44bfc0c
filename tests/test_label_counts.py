"""How many labels are wrong: the estimate against closed forms and in simulated worlds."""

import numpy as np
import pytest

from prunelab.studies.labels import estimate


def test_counts_are_of_labels_by_predictions():
    assert estimate.counts(np.array([0, 0, 1]), np.array([0, 1, 1]), 3).tolist() == [[1, 1, 0], [0, 1, 0], [0, 0, 0]]


def test_with_networks_that_are_never_wrong_disagreement_is_the_count():
    train, test = np.array([[80, 20], [10, 90]]), np.array([[5000, 0], [0, 5000]])
    found = estimate.estimate(train, test, np.random.default_rng(0))
    assert found.share == pytest.approx(0.15, abs=2e-3)
    assert found.accuracy == 1
    # The interval is that of a share of 30 in 200, as a binomial has it: 0.15 +- 1.96 * 0.025.
    assert (found.low, found.high) == pytest.approx((0.15 - 0.049, 0.15 + 0.049), abs=0.015)


def test_two_classes_in_closed_form():
    """Labels flipped with probability w, a network right with probability A: a = (1 - w) A + w (1 - A)."""
    accuracy, wrong, size = 0.8, 0.1, 1_000_000
    agree = (1 - wrong) * accuracy + wrong * (1 - accuracy)
    train = np.round(size * np.array([[agree, 1 - agree], [1 - agree, agree]])).astype(int)
    test = np.round(size * np.array([[accuracy, 1 - accuracy], [1 - accuracy, accuracy]])).astype(int)
    assert float(estimate.shares(train[None], test[None])[0][0]) == pytest.approx(wrong, abs=1e-3)


def test_wrong_labels_of_classes_that_the_network_confuses_too():
    """Class 0 is often taken for class 1, and was often labelled so: agreement with wrong labels is no accident."""
    confusion = np.array([[0.6, 0.4, 0.0], [0.05, 0.9, 0.05], [0.05, 0.05, 0.9]])
    joint = 100_000 * np.array([[7, 0, 0], [3, 10, 0], [0, 0, 10]])  # given, true
    train, test = np.round(joint @ confusion).astype(int), np.round(1_000_000 * confusion).astype(int)
    assert float(estimate.shares(train[None], test[None])[0][0]) == pytest.approx(0.1, abs=0.003)


def world(rng, classes, size, tests, accuracy, wrong, *, by_pairs):
    """Confusions of a network with uneven errors; and the share of wrong labels."""
    confusion = rng.uniform(0.3, 1.7, (classes, classes)) * (1 - np.eye(classes))
    confusion *= (1 - accuracy) / confusion.sum(axis=1, keepdims=True)
    confusion += accuracy * np.eye(classes)
    steps = confusion.cumsum(axis=1)

    def predicted(labels):
        return (rng.random((len(labels), 1)) > steps[labels]).sum(axis=1).clip(max=classes - 1)

    true, of_test = rng.integers(0, classes, size), rng.integers(0, classes, tests)
    given_N, flipped = true.copy(), rng.random(size) < wrong
    step = 1 if by_pairs else rng.integers(1, classes, size)
    given_N[flipped] = ((true + step) % classes)[flipped]
    train = estimate.counts(given_N, predicted(true), classes)
    return train, estimate.counts(of_test, predicted(of_test), classes), float((given_N != true).mean())


@pytest.mark.parametrize(
    ("accuracy", "wrong", "by_pairs"), [(0.95, 0, False), (0.95, 0.2, False), (0.9, 0.4, True), (0.6, 0.2, True)]
)
def test_intervals_cover_the_share(accuracy, wrong, by_pairs, monkeypatch):
    """Of 60 worlds, 95% promised: less than 52 would happen once in two thousand times."""
    monkeypatch.setattr(estimate, "DRAWS", 100)
    rng, inside, errors = np.random.default_rng(0), 0, []
    for _ in range(60):
        train, test, true = world(rng, 10, 1000, 800, accuracy, wrong, by_pairs=by_pairs)
        found = estimate.estimate(train, test, rng)
        inside += found.low <= true <= found.high
        errors.append(found.share - true)
    assert inside >= 52
    assert abs(np.mean(errors)) < 0.02


def test_a_network_that_knows_nothing_decides_nothing():
    guess = np.full((4, 4), 25)
    found = estimate.estimate(guess, guess, np.random.default_rng(0))
    assert (found.share, found.low, found.high) == (None, None, None)
    assert found.accuracy == 0.25


def test_the_order_of_classes_does_not_matter():
    rng = np.random.default_rng(1)
    train, test, _ = world(rng, 5, 500, 400, 0.8, 0.2, by_pairs=True)
    order = rng.permutation(5)
    moved = [some[np.ix_(order, order)][None] for some in (train, test)]
    assert np.allclose(estimate.shares(train[None], test[None])[0], estimate.shares(*moved)[0])


def test_a_class_without_test_examples_and_many_classes():
    train, test = np.diag([50, 50, 50]), np.diag([40, 40, 0])
    train[2] = [0, 0, 50]
    found = estimate.estimate(train, test, np.random.default_rng(0))
    assert found.share is not None
    assert 0 <= found.low <= found.high <= 1
    many = estimate.MANY + 1
    train = np.diag(np.full(many, 8)) + np.eye(many, k=1, dtype=int) * 2
    found = estimate.estimate(train, np.diag(np.full(many, 5)), np.random.default_rng(0))
    assert found.share == pytest.approx(2 * (many - 1) / (10 * many - 2), abs=0.02)
