"""Claims that compare runs, on curves whose answer is known."""

import numpy as np
from test_claims import curve

from prunelab.analysis.claims import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.experiments import claims
from prunelab.experiments.curves import Curves
from prunelab.experiments.runs import Run

ROUNDS, SEEDS = 9, (0, 1, 2)


def made(interpolates, sweet, best=0.9):
    """Train accuracy 1 up to one round, test accuracy highest at another."""
    train = np.array([[1.0 if r <= interpolates else 0.8] * 3 for r in range(ROUNDS)])
    test = curve([0.8 - 0.05 * abs(r - sweet) for r in range(ROUNDS)], 0.001)
    return Curves(SEEDS, 1 - 0.5 ** np.arange(ROUNDS), train, test, np.full((ROUNDS, 3), best))


def test_more_noise_interpolates_earlier_and_is_robust_later():
    runs = {0.0: made(8, 0), 0.2: made(5, 5), 0.4: made(4, 6), 0.6: made(3, 7)}
    claim = claims.noise_levels(runs)
    assert claim.verdict == SUPPORTED
    assert [effect.value for effect in claim.effects] == [2.0, 2.0]
    assert claims.noise_levels({0.2: made(3, 7), 0.6: made(5, 5)}).verdict == CONTRADICTED
    assert claims.noise_levels({0.0: made(8, 0), 0.6: made(5, 5)}).verdict == UNDECIDED


def test_criteria_in_the_papers_order_and_not():
    runs = {"magnitude": made(5, 6, 0.85), "gradient": made(3, 6, 0.9), "random": made(1, 6, 0.8)}
    assert claims.criteria({0.4: runs}).verdict == SUPPORTED
    assert claims.criteria({0.2: runs, 0.4: runs | {"random": made(4, 6, 0.8)}}).verdict == CONTRADICTED
    assert claims.criteria({0.2: runs, 0.4: runs | {"gradient": made(3, 6, 0.7)}}).verdict == CONTRADICTED
    missing = claims.criteria({0.4: {"magnitude": runs["magnitude"]}})
    assert missing.verdict == UNDECIDED
    assert claims.criteria({}).verdict == UNDECIDED
    assert "prune.criterion=magnitude,gradient,random" in missing.decide_with


def test_more_training_is_not_more_pruning():
    """Under noise pruning must win by a point; without, EDT may lose by one."""
    dense, better, same = made(8, 0), made(8, 6, 0.9), made(8, 0)
    lifted = Curves(better.seeds, better.sparsity_R, better.train, better.test_last + 0.05, better.test_best)
    assert claims.extended({0.4: {0.0: dense, 0.2: lifted}}).verdict == SUPPORTED
    assert claims.extended({0.4: {0.0: lifted, 0.2: dense}}).verdict == CONTRADICTED
    assert claims.extended({0.0: {0.0: dense, 0.2: same}}).verdict == SUPPORTED
    assert claims.extended({0.0: {0.0: dense, 0.2: lifted}}).verdict == CONTRADICTED
    alone = claims.extended({0.4: {0.2: dense}})
    assert alone.verdict == UNDECIDED
    assert "prune.fraction=0" in alone.decide_with


def test_narrower_networks_against_the_pruned_wide_one():
    """Best of the dense widths: 0.8; pruning reaches 0.8 plus a lift."""

    def lifted(by):
        run = made(8, 6)
        return Curves(run.seeds, run.sparsity_R, run.train, run.test_last + by, run.test_best)

    def short(run):
        return Curves(run.seeds, run.sparsity_R[:2], run.train[:2], run.test_last[:2], run.test_best[:2])

    narrow = {0.1: short(made(8, 0)), 0.5: short(made(8, 4))}  # n_rounds=1 is enough
    assert claims.width({0.4: narrow | {1.0: lifted(0.01)}}).verdict == SUPPORTED
    assert claims.width({0.4: narrow | {1.0: lifted(0.05)}}).verdict == CONTRADICTED
    assert claims.width({0.0: narrow | {1.0: lifted(0.05)}}).verdict == SUPPORTED
    assert claims.width({0.0: narrow | {1.0: lifted(-0.05)}}).verdict == CONTRADICTED
    assert claims.width({0.4: {1.0: lifted(0)}}).verdict == UNDECIDED


def test_only_runs_that_differ_in_one_parameter_are_compared():
    def run(name, noise, lr=0.1, setting="digits", lift=0.0):
        params = {"noise": noise, "train": {"lr": lr}, "setting": setting, "rounds": {"r01": "r00"}}
        row = {"round": "r00", "seed": "0", "sparsity": "0", "train": "1", "test_best": "1", "test_last": str(lift)}
        return Run(name, "", params, [row])

    some = [run("a", 0.2), run("b", 0.4), run("c", 0.6, lr=0.5), run("d", 0.4, lift=1), run("e", 0.8, setting="mine")]
    found = claims.alike(some, "noise")
    assert list(found) == [0.2, 0.4, 0.8]
    assert found[0.4].test_last.item() == 0
    assert claims.alike([], "noise") == {}
    more = Run("f", "", {**some[0].params, "seeds": [7]}, [{**some[0].rows[0], "seed": "7"}])
    assert claims.alike([*some, more], "noise")[0.2].seeds == (0, 7)


def test_curves_are_paired_by_seed_and_cut_to_the_shorter():
    a, b = made(3, 5), made(3, 5)
    b = Curves((1, 2, 5), b.sparsity_R[:4], b.train[:4], b.test_last[:4], b.test_best[:4])
    ours, theirs = claims.paired(a, b)
    assert ours.seeds == theirs.seeds == (1, 2)
    assert ours.test_last.shape == theirs.test_last.shape == (4, 2)
    assert ours.test_last.tolist() == a.test_last[:4, 1:].tolist()
    assert theirs.test_last.tolist() == b.test_last[:, :2].tolist()
