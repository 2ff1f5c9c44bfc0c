"""The claims of Lens that compare runs: each on runs that support it, that contradict it, and on too few."""

import numpy as np
import pytest
from lens_worlds import CLEAN, NOISY, SEEDS, world
from test_config import DEFAULT, changed

from prunelab.comparison import lens_across, similarity
from prunelab.comparison.lens_across import Setting
from prunelab.comparison.runs import Run
from prunelab.core import artifacts
from prunelab.errors import UserError
from prunelab.judging.claim import CONTRADICTED, SUPPORTED, UNDECIDED
from prunelab.studies.lens import places

LOW, HIGH = [0.6] * 9, [0.95] * 9
LR = {"prune.retrain": "lr_rewind"}


def setting(name, changes, **of_world):
    """A run with these parameters, and what it left."""
    noise = changes.get("noise", 0.4)
    fraction = changes.get("prune.fraction", 0.2)
    params = changed(DEFAULT, {"seeds": list(range(SEEDS)), **LR, "noise": noise, **changes})
    return Setting(name, name, [Run(name, "", params, [])], world(noise=noise, fraction=fraction, **of_world))


def pruned(noise=0.4, **of_world):
    return setting("pruned", {"noise": noise}, **of_world)


def edt(noise=0.4, **of_world):
    return setting("edt", {"noise": noise, "prune.fraction": 0.0, "n_rounds": 3}, **of_world)


def narrow(width, noise=0.4, test=None, **of_world):
    """A narrower network trained for two cycles."""
    test = [test or 0.6] * 2
    changes = {"noise": noise, "model.width": width, "prune.fraction": 0.0, "n_rounds": 1}
    return setting(f"width {width}", changes, test=test, **of_world)


def similar(a, b, **values):
    """Rows of similarity.csv."""
    rng = np.random.default_rng(0)
    base = {"jaccard": 0.5, "between_dense": 0.3, "chance": 0.0526, "jaccard_permuted": 0.3, "groups_correlation": 0.9}
    return [
        {"a": a, "b": b, "how": "changed", "rounds": kind, "seed": seed}
        | {
            name: value if value is None or name == "chance" else value + 0.01 * rng.standard_normal()
            for name, value in (base | values).items()
        }
        for kind in ("optimum", "matched")
        for seed in range(SEEDS)
    ]


WIDTHS = [0.1, 0.2]
CASES = {
    "L1": (
        lambda: ([pruned(0), edt(0, test=CLEAN)], []),
        lambda: ([pruned(0, test=HIGH), edt(0, test=LOW)], []),
        lambda: ([pruned(0)], []),
    ),
    "L13": (
        lambda: ([pruned(), edt(test=LOW)], []),
        lambda: ([pruned(test=LOW), edt(test=HIGH)], []),
        lambda: ([pruned(0), edt(0)], []),
    ),
    "L14": (
        lambda: ([pruned(test=NOISY), *(narrow(w, test=0.84) for w in WIDTHS)], []),
        lambda: ([pruned(test=[0.6, *HIGH[1:]]), *(narrow(w, test=0.6) for w in WIDTHS)], []),
        lambda: ([pruned(), narrow(0.1)], []),
    ),
    "L15": (
        lambda: ([pruned(), narrow(0.1)], similar("pruned", "width 0.1")),
        lambda: ([pruned(), narrow(0.1)], similar("pruned", "width 0.1", jaccard_permuted=0.06)),
        lambda: ([pruned(0), narrow(0.1, 0)], similar("pruned", "width 0.1", jaccard=None)),
    ),
    "L16": (
        lambda: ([pruned(0), narrow(0.1, 0)], similar("pruned", "width 0.1")),
        lambda: ([pruned(0), narrow(0.1, 0)], similar("pruned", "width 0.1", groups_correlation=-0.5)),
        lambda: ([pruned(), edt()], similar("pruned", "edt")),
    ),
    "L17": (
        lambda: ([setting("w", {"prune.retrain": "rewind"}, test=HIGH), pruned(test=NOISY)], []),
        lambda: ([setting("w", {"prune.retrain": "rewind"}, test=LOW), pruned(test=NOISY)], []),
        lambda: ([setting("w", {"prune.retrain": "rewind", "noise": 0}), pruned(0)], []),
    ),
    "L18": (
        lambda: ([setting("r", {"prune.criterion": "random"}, test=HIGH), pruned(test=NOISY)], []),
        lambda: ([setting("r", {"prune.criterion": "random"}, test=LOW), pruned(test=NOISY)], []),
        lambda: ([setting("r", {"prune.criterion": "snip"}, test=HIGH), pruned(test=NOISY)], []),
    ),
    "L22": (
        lambda: (
            [pruned(), edt(level=-0.5 * (np.arange(9) > 0)), narrow(0.1, group_loss_RGS=np.full((2, 10, SEEDS), 3.0))],
            [],
        ),
        lambda: (
            [pruned(), edt(level=0.5 * (np.arange(9) > 0)), narrow(0.1, group_loss_RGS=np.full((2, 10, SEEDS), 3.0))],
            [],
        ),
        lambda: ([pruned(), edt()], []),
    ),
}


@pytest.mark.parametrize("number", CASES)
@pytest.mark.parametrize(("which", "verdict"), [*enumerate([SUPPORTED, CONTRADICTED, UNDECIDED])])
def test_each_claim_on_runs_that_support_it_that_contradict_it_and_on_too_few(number, which, verdict):
    found, rows = CASES[number][which]()
    claim = lens_across.all_of(found, rows)[number]
    assert claim.verdict == verdict, (claim.why, [(e.what, e.value, e.both, e.most) for e in claim.effects])
    assert (claim.needs is not None) == (verdict == UNDECIDED)


def test_runs_that_differ_in_anything_else_are_not_held_against_each_other():
    found = [pruned(), edt(test=LOW)]
    assert lens_across.all_of(found, [])["L13"].verdict == SUPPORTED
    other = setting("edt", {"prune.fraction": 0.0, "n_rounds": 3, "train.lr": 0.5}, test=LOW)
    assert lens_across.all_of([pruned(), other], [])["L13"].verdict == UNDECIDED
    # What moves no curve may differ.
    same = setting("edt", {"prune.fraction": 0.0, "n_rounds": 3, "redense.every": 7, "leave_out.every": 2}, test=LOW)
    assert lens_across.all_of([pruned(), same], [])["L13"].verdict == SUPPORTED


def test_replicates_are_paired_by_seed():
    a, b = lens_across.paired(world(), world(seeds=[4, 3, 2, 1, 0]))
    assert a.seeds == b.seeds == [0, 1, 2, 3, 4]
    few, many = lens_across.paired(world().of_seeds([0, 1]), world(seeds=[5, 6, 7, 8, 9]))
    assert (few.seeds, many.seeds) == ([0, 1], [5, 6])


def test_one_shot_pruning_is_what_widths_are_held_against_where_there_is_such_a_run():
    once = setting("once", {"prune.schedule": "one_shot"})
    rows = similar("once", "width 0.1") + similar("pruned", "width 0.1", jaccard_permuted=0.06)
    claim = lens_across.all_of([pruned(), once, narrow(0.1)], rows)["L15"]
    assert [effect.what.rpartition(": ")[2] for effect in claim.effects] == ["once and width 0.1"]
    assert claim.verdict == SUPPORTED


# ---- similarity ----------------------------------------------------------------------------------------------------


class Files:
    """A run's files on disk, as DVC hands them out."""

    def __init__(self, root):
        self.root = root

    def read_bytes(self, path):
        return (self.root / path).read_bytes()


def left(root, name, losses, again=(), **changes):
    """A run of one replicate with these losses of 40 examples by round; the first twelve are permuted."""
    params = changed(DEFAULT, {"seeds": [0], "studies": ["lens"], **changes})
    params["leave_out_runs"] = {f"again-{draw}": "r00" for draw in range(len(again))}

    def put(path, **arrays):
        (root / name / path).parent.mkdir(parents=True, exist_ok=True)
        artifacts.write_arrays(root / name / path, arrays)

    def examples(folder, key, loss):
        found = {
            "predicted": np.zeros(40, np.uint8),
            "loss": np.asarray(loss, np.float16),
            "test_right": np.ones(9, bool),
        }
        put(artifacts.of_round(folder, key) / "seed0" / artifacts.EXAMPLES, **found)

    for number, loss in enumerate(losses):
        examples(artifacts.ROUNDS, f"r{number:02d}", loss)
    for draw, loss in enumerate(again):
        examples(places.LEAVE_OUT, f"again-{draw}", loss)
    permuted, nothing = np.arange(41) < 12, np.arange(41) == 40  # the last is held out
    labels = {"given": np.zeros(41, int), "permuted": permuted, "validation": nothing}
    put(artifacts.CORRUPTED / "seed0" / artifacts.LABELS, **labels)
    put(artifacts.EARLY / "seed0" / artifacts.SCORES, el2n=np.arange(41.0)[None])
    run = Run(name, "", params, [], Files(root / name))
    return name, run, world(test=[0.7, 0.8], permuted=[0.1, 2.0], seeds=[0, 1, 2, 3, 4])


DENSE = np.full(40, 0.5)


def bumped(*positions, by=1.0):
    """The dense network's losses, these examples' larger or smaller."""
    loss = DENSE.copy()
    loss[list(positions)] += by
    return loss


def pair_of(tmp_path, a, b, **again):
    first = left(tmp_path, "a", [DENSE, a], **again)
    return similarity.pairs([first, left(tmp_path, "b", [DENSE, b], **{"prune.criterion": "random"})])


def test_similarity_by_hand(tmp_path):
    """A tenth of forty is four, of the twelve permuted one."""
    again = [bumped(0, 1, 2, 3, by=-2), bumped(2, 3, 4, 5, by=3)]
    (pair,) = pair_of(tmp_path, bumped(0, 1, 20, 21), bumped(0, 20, 22, 23, by=2), again=again)
    assert pair.rounds == {"optimum": (1, 1), "matched": (1, 1)}
    rows = similarity.rows(pair)
    assert [*rows[0]] != []
    assert {*rows[0]} == {*similarity.COLUMNS}
    row = next(row for row in rows if row["how"] == "changed" and row["rounds"] == "optimum")
    assert row["jaccard"] == 2 / 6  # 0 and 20 of 0, 1, 20, 21, 22, 23
    assert row["jaccard_permuted"] == 1  # 0 in both
    assert row["between_dense"] == 2 / 6
    assert row["change_a"] == pytest.approx(0.1)
    assert row["change_b"] == pytest.approx(0.2)
    assert row["change_between_dense"] == pytest.approx((0.2 + 0.3) / 2)
    assert row["by_forgetting"] == pytest.approx(0.1 / (2 * 0.3 - 0.1))
    assert row["chance"] == pytest.approx(0.1 / 1.9)
    assert row["baseline"] == "a r00"


def test_a_network_that_is_the_dense_one_changes_nothing(tmp_path):
    (pair,) = pair_of(tmp_path, bumped(0), DENSE)
    row = similarity.rows(pair)[0]
    assert (row["jaccard"], row["jaccard_permuted"], row["groups_correlation"], row["between_dense"]) == (None,) * 4


def test_groups_are_correlated_by_how_hard_they_are(tmp_path):
    rising = DENSE + np.arange(40) / 40
    (pair,) = pair_of(tmp_path, rising, DENSE + np.arange(40) / 20)
    assert similarity.rows(pair)[0]["groups_correlation"] == pytest.approx(1)
    (pair,) = pair_of(tmp_path, rising, DENSE - np.arange(40) / 80)
    assert similarity.rows(pair)[0]["groups_correlation"] == pytest.approx(-1)


def test_runs_whose_examples_differ_are_no_pair(tmp_path):
    first = left(tmp_path, "a", [DENSE, DENSE])
    for change in ({"noise": 0.2}, {"noise_type": "pairflip"}, {"train.validation": 7}, {"seeds": [1]}):
        assert similarity.pairs([first, left(tmp_path, "b", [DENSE, DENSE], **change)]) == []


def test_what_two_dense_networks_share_may_be_anothers_where_the_dense_network_is_the_same(tmp_path):
    again = [bumped(0, 1, 2, 3), bumped(0, 1, 2, 3)]
    first = left(tmp_path, "a", [DENSE, bumped(0)])
    second = left(tmp_path, "b", [DENSE, bumped(1)], again=again, **{"prune.criterion": "random"})
    (pair,) = similarity.pairs([first, second])
    assert similarity.rows(pair)[0]["between_dense"] == 1
    other = left(tmp_path, "c", [DENSE, bumped(1)], again=again, **{"train.lr": 0.7})
    (pair,) = similarity.pairs([first, other])
    assert similarity.rows(pair)[0]["between_dense"] is None


def test_a_missing_file_is_named_with_its_run(tmp_path):
    (pair,) = pair_of(tmp_path, bumped(0), bumped(1))
    (tmp_path / "b/data/rounds/r01/replicates/seed0/examples.npz").unlink()
    with pytest.raises(UserError, match=r"^b: has no data/rounds/r01/replicates/seed0/examples.npz; `dvc pull`"):
        similarity.rows(pair)
