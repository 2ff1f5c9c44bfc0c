"""Single examples: scores, groups and parts against closed forms, brute force and the dense run itself."""

from dataclasses import replace

import numpy as np
import pytest
import torch
from conftest import make_split, same
from hypothesis import given
from hypothesis import strategies as st
from test_rounds import settings_for, task

from prunelab.core import artifacts, streams
from prunelab.core.rounds import kinds, trained
from prunelab.core.training import evaluate
from prunelab.errors import UserError
from prunelab.studies.lens import gallery, groups, optimum, scores, stored
from prunelab.studies.lens.parameters import LeaveOut, leave_out_runs
from prunelab.studies.lens.parts import choice, keeping
from prunelab.studies.lens.parts.choice import PARTS, Seen
from prunelab.studies.lens.parts.retrain import retrain

DEFAULT = {"every": 2, "which": ["again"], "share": 0.2, "draws": 2, "keep": 0.5, "worst": 0.1}
SCORES = st.lists(st.floats(0, 1.5, width=16), min_size=1, max_size=60).map(np.array)


def leave_out(**changes):
    return LeaveOut.model_validate(DEFAULT | changes)


def seen(of, seed=0):
    """What a random network makes of a split's examples."""
    rng = np.random.default_rng(seed)
    count, given_N = len(of.given_N), of.given_N.numpy()
    loss, dense = (rng.random(count).astype(np.float32) for _ in range(2))
    return Seen(given_N, rng.integers(0, of.num_classes, count), loss, dense)


def chosen(which, of, settings, stream=0):
    return PARTS[which](of, settings, streams.numpy_generator(0, choice.STREAMS.get(which, "leave out"), stream))


# ---- scores --------------------------------------------------------------------------------------------------------


def test_how_good_scores_are():
    of = make_split(permuted=range(8))
    each = np.random.default_rng(0).random((4, 40)).astype(np.float32)
    wrong = (of.given_N != of.original_N).numpy()
    mean = each.mean(axis=0)
    pairs = [(a > b) + 0.5 * (a == b) for a in mean[wrong] for b in mean[~wrong]]
    assert scores.auc(mean, wrong) == pytest.approx(np.mean(pairs))
    assert scores.auc(each[0], np.zeros(40, dtype=bool)) is None
    assert scores.agreement(each[:1]) is None
    assert scores.agreement(np.stack([each[0], each[0] * 2])) == pytest.approx(1)
    assert scores.agreement(np.stack([each[0], -each[0]])) == pytest.approx(-1)


# ---- groups --------------------------------------------------------------------------------------------------------


@given(SCORES, st.integers(1, 20))
def test_groups_differ_by_one_at_most_and_rise_with_the_score(score, count):
    of = groups.groups(score, count)
    sizes = np.bincount(of, minlength=count)
    assert sizes.sum() == len(score)
    assert len(sizes) == count
    assert sizes.max() - sizes.min() <= 1
    for i in range(len(score)):
        for j in range(len(score)):
            if score[i] < score[j] or (score[i] == score[j] and i < j):  # ties by position
                assert of[i] <= of[j]


@given(st.lists(st.integers(0, 1000), min_size=1, max_size=60, unique=True), st.integers(1, 20), st.randoms())
def test_a_permutation_of_examples_permutes_their_groups(score, count, random):
    order = random.sample(range(len(score)), len(score))
    shuffled = groups.groups(np.array(score)[order], count)
    assert shuffled.tolist() == groups.groups(np.array(score), count)[order].tolist()


def test_means_and_concentration_by_hand():
    score = np.array([0.1, 0.9, 0.2, 0.3, 0.8])
    assert groups.groups(score, 2).tolist() == [0, 1, 0, 0, 1]
    values = np.array([1.0, 10.0, 2.0, 3.0, 20.0])
    assert groups.by_group(values, groups.groups(score, 2), 2).tolist() == [2, 15]
    assert groups.hard(score).tolist() == [False, True, False, False, False]  # a fifth of five
    assert groups.concentration(np.array([1.0, -10.0, 1.0, -1.0, 1.0]), groups.hard(score)) == 10
    assert groups.concentration(np.zeros(5), groups.hard(score)) == 0


@given(SCORES, st.floats(0.01, 0.99), st.sampled_from(["changed", "worsened", "improved"]))
def test_the_affected_are_as_many_as_asked_and_none_other_is_more_so(difference, share, how):
    difference = difference - 0.7
    some = groups.affected(difference, share, how)
    size = {"changed": np.abs(difference), "worsened": difference, "improved": -difference}[how]
    assert some.sum() == int(share * len(difference) + 0.5)
    if some.any() and not some.all():
        assert size[some].min() >= size[~some].max()


@given(st.integers(0, 2**30 - 1), st.integers(0, 2**30 - 1))
def test_jaccard_is_that_of_sets(a, b):
    sets = [{i for i in range(30) if number >> i & 1} for number in (a, b)]
    found = groups.jaccard(*(np.array([i in some for i in range(30)]) for some in sets))
    assert found == (len(sets[0] & sets[1]) / len(sets[0] | sets[1]) if sets[0] | sets[1] else 1)


def test_two_random_tenths_have_in_common_what_chance_says():
    rng = np.random.default_rng(0)
    tenths = [groups.affected(rng.random(10_000), 0.1, "changed") for _ in range(2)]
    assert groups.jaccard(*tenths) == pytest.approx(groups.jaccard_of_chance(0.1), abs=0.01)
    assert groups.jaccard_of_chance(0.1) == pytest.approx(0.0526, abs=1e-4)


# ---- parts ---------------------------------------------------------------------------------------------------------


def test_parts_by_brute_force():
    of = seen(make_split(permuted=range(8)))
    settings = leave_out()
    assert chosen("again", of, settings).tolist() == [*range(40)]
    assert chosen("misclassified", of, settings).tolist() == [
        i for i in range(40) if of.predicted_N[i] == of.given_N[i]
    ]
    by_gain = sorted(range(40), key=lambda i: of.loss_N[i] - of.dense_loss_N[i])
    assert chosen("improved", of, settings).tolist() == sorted(by_gain[8:])
    first, second = (chosen("random", of, settings, draw) for draw in (0, 1))
    assert len(first) == len(second) == 32
    assert first.tolist() != second.tolist()
    assert [*first] == sorted({*first})


@given(st.integers(0, 1000), st.sampled_from([0.05, 0.1, 0.2]), st.sampled_from([0.3, 0.5]))
def test_the_two_small_parts_share_all_but_the_worst(number, worst, keep):
    of, settings = seen(make_split(permuted=range(8)), number), leave_out(worst=worst, keep=keep)
    a, b = ({*chosen(which, of, settings, number).tolist()} for which in ("worsened", "beside_worsened"))
    top = {*np.argsort(-(of.loss_N - of.dense_loss_N), kind="stable")[: int(40 * worst + 0.5)].tolist()}
    assert len(a) == len(b) == int(40 * keep + 0.5)
    assert len(a ^ b) == 2 * len(top)
    assert a & top == top
    assert not b & top


def test_a_part_that_leaves_nothing_out_is_the_dense_run_to_the_bit():
    """As `misclassified` of a round that gets everything right: same initialisation, order and steps."""
    of = task()
    dense = kinds.dense(of)
    all_right = replace(seen(of.split), predicted_N=of.split.given_N.numpy())
    found = retrain(of, "misclassified", 3, all_right, leave_out())
    assert same(found.outcome.weights, dense.weights)
    assert found.outcome.history == dense.history
    assert torch.equal(found.predicted_N, dense.predicted_N)
    assert torch.equal(found.loss_N, dense.loss_N)
    again = retrain(of, "again", 0, all_right, leave_out())
    assert not same(again.outcome.start, dense.start)
    assert not same(again.outcome.weights, retrain(of, "again", 1, all_right, leave_out()).outcome.weights)


def test_a_part_is_trained_for_as_many_updates_and_measured_on_everything():
    of = task(**{"train.epochs": 8, "train.milestones": [4]})
    found = retrain(of, "improved", 2, seen(of.split), leave_out(share=0.6))
    rows, steps = found.outcome.history, -(-16 // 16)
    assert len(found.rows) == 16
    assert abs(len(rows) * steps - 8 * trained.steps(of)) <= steps / 2
    rates = trained.original_schedule(of)
    assert [row["learning_rate"] for row in rows] == [rates[(i + 1) * steps - 1] for i in range(len(rows))]
    network = of.network(found.outcome.weights).eval()
    log_p = network(of.split.x_N[:]).detach().log_softmax(dim=1).T
    assert torch.allclose(found.loss_N, evaluate.outcomes(log_p, of.split.given_N)[0], atol=1e-5)
    assert len(found.predicted_N) == 40


def test_an_empty_part_is_refused_in_one_line():
    of = task()
    all_wrong = replace(seen(of.split), predicted_N=(of.split.given_N.numpy() + 1) % 4)
    with pytest.raises(UserError, match="leave_out misclassified of round 9, seed 0: leaves no example to train on"):
        retrain(of, "misclassified", 9, all_wrong, leave_out())


def test_what_is_kept_of_a_part_is_read_back(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    of = task(make_split(permuted=range(8), validation=10))
    found = retrain(of, "random", 1, seen(of.split), leave_out())
    folder = artifacts.replicate(artifacts.of_round(stored.places.LEAVE_OUT, "random-1"), 0)
    with artifacts.writing(artifacts.of_round(stored.places.LEAVE_OUT, "random-1")) as unfinished:
        keeping.part(artifacts.replicate(unfinished, 0), "random-1", found, of.split)
    record = stored.part_record("random-1", 0)
    assert record["trained_on"] == len(found.rows) == 24
    assert record["last"]["validation_accuracy"] == found.outcome.history[-1]["validation_accuracy"]
    left_out = np.setdiff1d(np.arange(30), found.rows)
    assert record["left_out_permuted_share"] == pytest.approx((left_out < 8).mean())
    bits = artifacts.read_arrays(folder / stored.places.PART)["part"]
    assert np.flatnonzero(np.unpackbits(bits, count=30)).tolist() == found.rows.tolist()
    answers = stored.answers(stored.places.LEAVE_OUT, "random-1", 0, 30)
    assert np.allclose(answers.loss_N, found.loss_N, rtol=1e-3)
    with pytest.raises(UserError, match="damaged"):
        stored.answers(stored.places.LEAVE_OUT, "random-1", 0, 31)


@pytest.mark.parametrize(
    ("changes", "must"),
    [
        ({"every": 0}, {}),
        ({"which": []}, {}),
        ({"which": ["again"]}, {"again-0": "r00", "again-1": "r00"}),
        (
            {"which": ["misclassified"]},
            {"misclassified-r00": "r00", "misclassified-r02": "r02", "misclassified-r04": "r04"},
        ),
        ({"which": ["improved"], "every": 4}, {"improved-r04": "r04"}),
        ({"which": ["worsened"], "every": 5}, {}),
        ({"which": ["worsened"], "every": 4}, {"worsened-r04": "r04", "beside_worsened-r04": "r04"}),
    ],
)
def test_which_parts_there_are(changes, must):
    given_ = {f"leave_out.{name}": value for name, value in changes.items()}
    assert leave_out_runs(settings_for(**{"n_rounds": 4, "leave_out.every": 2, "leave_out.draws": 2} | given_)) == must


# ---- rounds --------------------------------------------------------------------------------------------------------


def test_the_optimum_and_the_rounds_that_improve():
    test, nothing = np.array([0.7, 0.72, 0.6, 0.8, 0.71, 0.5]), np.full(6, np.nan)
    found = optimum.choose(test, np.array([0.7, 0.6, 0.6, 0.9, 0.9, 0.1]))
    assert (found.best, found.validated, found.improving, found.highest) == (3, True, [1, 3, 4], 4)
    assert optimum.choose(test, nothing).how == "found on test accuracy"
    assert optimum.choose(-test, np.zeros(6)).best == 0  # of equal rounds the least sparse
    # Equal up to a rounding of the mean is equal.
    assert optimum.choose(test, np.array([0.7133333333333333, 0.7133333333333334, 0.1, 0.1, 0.1, 0.1])).best == 0
    assert optimum.choose(np.array([1.0, 0.9]), nothing).highest is None
    assert optimum.choose(np.array([0.7, 0.7, 0.8]), nothing[:3]).improving == [2]  # as good is no better
    assert optimum.spread(36) == [1, 10, 18, 26, 35]
    assert optimum.spread(3) == [1, 2]


def test_the_gallery_is_chosen_over_the_rounds_it_says():
    loss, test = np.array([1.0, 0.5, 2.0, 3.0]), np.array([0.9, 0.95, 0.93, 0.5])
    assert gallery.rounds(loss, test, [1, 2]) == {"worsened": [2], "improved": [1], "least": [1, 2]}
    assert gallery.rounds(loss, test, []) == {"worsened": [2], "improved": [1], "least": [1, 2]}
    assert gallery.rounds(loss, np.array([0.9, 0.5, 0.5, 0.5]), []) == {"worsened": [], "improved": [], "least": []}


def test_gallery_scores_are_geometric_means():
    difference = np.array([[1.0, -4.0, 0.0], [4.0, -1.0, 0.0]])
    assert gallery.scores(difference, "worsened").tolist() == pytest.approx([2, 1e-5, 1e-5])
    assert gallery.scores(difference, "improved").tolist() == pytest.approx([1e-5, 2, 1e-5])
    assert gallery.scores(difference, "least").tolist() == pytest.approx([2, 2, 1e-12])
