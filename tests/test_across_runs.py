"""Claims that compare runs, on curves whose answer is known."""

from dataclasses import replace

import numpy as np
import pytest
from test_claims import answers, curve, run

from prunelab.comparison import across
from prunelab.comparison.runs import Run
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED

ROUNDS, SEEDS = 9, 5


def made(interpolates, sweet, best=0.9, lift=0.0, validation=None):
    """Train accuracy 1 up to one round, test accuracy highest at another."""
    train = np.array([[1.0 if r <= interpolates else 0.8] * SEEDS for r in range(ROUNDS)])
    test = curve([0.8 + lift - 0.05 * abs(r - sweet) for r in range(ROUNDS)], 0.001)
    chosen = np.full(test.shape, np.nan) if validation is None else curve(validation, 0.001)
    sparse = {"train": train, "test_last": test, "validation": chosen}
    right = {"last": answers(test), "best": answers(curve([best] * ROUNDS, 0.001)), "reinit": answers(test)}
    return replace(run(), sparse=sparse, right=right)


def test_more_noise_interpolates_earlier_and_is_robust_later():
    runs = {0.0: made(8, 0), 0.2: made(5, 5), 0.4: made(4, 6), 0.6: made(3, 7)}
    claim = across.noise_levels(runs)
    assert claim.verdict == SUPPORTED
    assert [effect.value for effect in claim.effects] == [2.0, 2.0]
    assert across.noise_levels({0.2: made(3, 7), 0.6: made(5, 5)}).verdict == CONTRADICTED
    assert across.noise_levels({0.0: made(8, 0), 0.6: made(5, 5)}).needs == {"noise": [0.2, 0.4]}
    # Whole numbers that agree by chance: a half round of doubt is left, and one round is not three.
    one = across.noise_levels({0.2: made(5, 5).cut(None, [0, 1, 2]), 0.6: made(4, 6).cut(None, [0, 1, 2])})
    assert one.verdict == UNDECIDED
    assert one.needs["noise"] == [0.2, 0.6]


def test_criteria_in_the_papers_order_and_not():
    runs = {"magnitude": made(5, 6, 0.85), "gradient": made(3, 6, 0.9), "random": made(1, 6, 0.8)}
    assert across.criteria(runs).verdict == SUPPORTED
    assert across.criteria(runs | {"random": made(4, 6, 0.8)}).verdict == CONTRADICTED
    assert across.criteria(runs | {"gradient": made(3, 6, 0.7)}).verdict == CONTRADICTED
    missing = across.criteria({"magnitude": runs["magnitude"]})
    assert missing.needs == {"prune.criterion": ["gradient", "random"]}
    assert across.criteria({}).verdict == UNDECIDED


def test_more_training_is_not_more_pruning():
    """Under noise pruning must win by a point; without, EDT may lose by one."""
    dense, lifted, same = made(8, 0), made(8, 6, lift=0.05), made(8, 0)
    assert across.extended({0.4: {0.0: dense, 0.2: lifted}}).verdict == SUPPORTED
    assert across.extended({0.4: {0.0: lifted, 0.2: dense}}).verdict == CONTRADICTED
    assert across.extended({0.0: {0.0: dense, 0.2: same}}).verdict == SUPPORTED
    assert across.extended({0.0: {0.0: dense, 0.2: lifted}}).verdict == CONTRADICTED
    alone = across.extended({0.4: {0.2: dense}})
    assert alone.verdict == UNDECIDED
    assert alone.needs["prune.fraction"] == [0, 0.2]


def test_best_against_best_is_chosen_on_validation_where_there_is_a_split():
    """A validation curve that is highest elsewhere: what is measured is the test accuracy there."""
    dense = made(8, 0)
    misled = made(8, 6, lift=0.05, validation=[0.9 if r == 2 else 0.5 for r in range(ROUNDS)])
    (effect,) = across.extended({0.4: {0.0: dense, 0.2: misled}}).effects
    assert effect.value == pytest.approx(100 * (0.85 - 0.20 - 0.80), abs=0.3)


def test_narrower_networks_against_the_pruned_wide_one():
    """Best of the dense widths: 0.8; pruning reaches 0.8 plus a lift."""
    narrow = {0.1: made(8, 0).cut(2, range(SEEDS)), 0.5: made(8, 4).cut(2, range(SEEDS))}  # n_rounds=1 is enough
    assert across.width({0.4: narrow | {1.0: made(8, 6, lift=0.01)}}).verdict == SUPPORTED
    assert across.width({0.4: narrow | {1.0: made(8, 6, lift=0.05)}}).verdict == CONTRADICTED
    assert across.width({0.0: narrow | {1.0: made(8, 6, lift=0.05)}}).verdict == SUPPORTED
    assert across.width({0.0: narrow | {1.0: made(8, 6, lift=-0.05)}}).verdict == CONTRADICTED
    assert across.width({0.4: {1.0: made(8, 6)}}).verdict == UNDECIDED


def named(name, noise, lr=0.1, setting="digits", **more):
    params = {"noise": noise, "train": {"lr": lr}, "setting": setting, "rounds": {"r01": "r00"}, **more}
    return Run(name, "", params, [])


def test_every_group_of_runs_that_differ_in_one_parameter_is_judged(monkeypatch):
    some = [named("a", 0.2), named("b", 0.4), named("c", 0.2, lr=0.5), named("d", 0.6, lr=0.5), named("e", 0.8, lr=1.0)]
    found = across.groups(some, ("noise",))
    assert {label: [run.name for run in group] for label, group in found.items()} == {
        "train.lr=0.1": ["a", "b"],
        "train.lr=0.5": ["c", "d"],
        "train.lr=1.0": ["e"],
    }
    assert list(across.groups([*some[:2], named("f", 0.4, setting="mine", seeds=[7])], ("noise",))) == [""]
    evidence = {"a": made(5, 5), "b": made(3, 7), "c": made(3, 7), "d": made(5, 5), "e": made(5, 5)}
    monkeypatch.setattr(across, "pooled", lambda runs: evidence[runs[0].name])
    judged = across.all_of(some)
    assert {name: claim.verdict for name, claim in judged.items() if name.startswith("4")} == {
        "4 (train.lr=0.1)": SUPPORTED,
        "4 (train.lr=0.5)": CONTRADICTED,
    }
    assert across.all_of(some[:2])["4"].verdict == SUPPORTED
    assert across.all_of(some[-1:])["4"].needs == {"noise": [0.2, 0.4, 0.6]}
    assert across.all_of([])["5"].verdict == UNDECIDED


def test_runs_are_paired_by_seed_and_cut_to_the_shorter():
    a = made(3, 5)
    b = replace(made(3, 5), seeds=[1, 2, 5, 6, 7]).cut(4, [1, 2, 5])
    ours, theirs = across.paired(a, b)
    assert ours.seeds == theirs.seeds == [1, 2]
    assert ours.rounds == theirs.rounds == ["r00", "r01", "r02", "r03"]
    assert ours.sparse["test_last"].tolist() == a.sparse["test_last"][:4, 1:3].tolist()
    assert theirs.sparse["test_last"].tolist() == b.sparse["test_last"][:, :2].tolist()
    assert (theirs.right["last"] == b.right["last"][:, :2]).all()
    strangers = across.paired(a, replace(made(3, 5), seeds=[10, 11, 12, 13, 14]).cut(None, [12, 13]))
    assert [run.seeds for run in strangers] == [[0, 1], [12, 13]]
