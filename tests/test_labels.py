"""Suspects: rankings, the count of wrong labels and the tables, against closed forms, brute force and simulation."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import make_images, make_split
from hypothesis import given
from hypothesis import strategies as st
from test_rounds import task
from written import write_folder

from prunelab.core import artifacts, digests, sources
from prunelab.core.images import read, store
from prunelab.core.rounds import early
from prunelab.datasets import folder, table
from prunelab.errors import UserError
from prunelab.studies.labels import crossfit, evaluation, places, ranking, sheet, summary, tables
from prunelab.studies.labels.gather import Found, Group, gather
from prunelab.studies.labels.parameters import Suspects

SCORES = st.lists(st.floats(0, 1.5, width=16), min_size=1, max_size=40).map(np.array)


# ---- the ranking ---------------------------------------------------------------------------------------------------


@given(SCORES)
def test_ranks_by_brute_force(score):
    found = ranking.ranks(score)
    for i, rank in enumerate(found):
        before = sum(other > score[i] or (other == score[i] and j < i) for j, other in enumerate(score))
        assert rank == before + 1


def test_what_has_no_score_has_no_rank():
    assert ranking.ranks(np.array([0.1, np.nan, 0.9])).tolist() == [2, 0, 1]


def test_the_suggested_class_is_the_most_probable_other_one():
    probability = np.array([[0.7, 0.1, 0.5], [0.2, 0.3, 0.5], [0.1, 0.6, 0.0]])
    assert ranking.suggested(probability, np.array([0, 2, 0])).tolist() == [1, 1, 1]
    assert ranking.suggested(probability, np.array([1, 0, 1])).tolist() == [0, 2, 0]


def test_measures_of_hand_made_rankings():
    wrong = np.array([True, True, False, False])
    perfect = evaluation.of_score(np.array([4.0, 3.0, 2.0, 1.0]), wrong)
    assert perfect == {"auroc": 1, "average_precision": 1, "precision": 1, "missed": 0}
    reverse = evaluation.of_score(np.array([1.0, 2.0, 3.0, 4.0]), wrong)
    # Wrong ones come third and fourth: precision 1/3 and 2/4 when they are found.
    assert reverse == {"auroc": 0, "average_precision": pytest.approx((1 / 3 + 1 / 2) / 2), "precision": 0, "missed": 1}
    mixed = evaluation.of_score(np.array([4.0, 1.0, 3.0, 2.0]), wrong)
    assert (mixed["auroc"], mixed["precision"], mixed["missed"]) == (0.5, 0.5, 0.5)
    assert evaluation.of_score(np.ones(4), wrong)["auroc"] == 0.5
    assert evaluation.of_score(np.ones(4), np.zeros(4, dtype=bool)) is None
    assert evaluation.of_score(np.array([4.0, np.nan, 2.0, 1.0]), wrong)["auroc"] == 1


@given(st.data(), st.integers(2, 30))
def test_the_curve_by_brute_force(data, size):
    wrong = np.array(data.draw(st.lists(st.booleans(), min_size=size, max_size=size)))
    order = np.array(data.draw(st.permutations(range(size))))
    rank = np.argsort(order) + 1
    precision, found = evaluation.curve(rank, wrong)
    for k in range(1, size + 1):
        hits = sum(wrong[i] for i in range(size) if rank[i] <= k)
        assert precision[k - 1] == pytest.approx(hits / k)
        assert found[k - 1] == pytest.approx(hits / max(1, wrong.sum()))


# ---- networks that have not seen an example ---------------------------------------------------------------------


def test_answers_are_of_networks_that_have_not_seen_the_example():
    """Labels drawn at random: learnt by heart where an example was seen, guessed where it was not."""
    given_N = np.random.default_rng(0).integers(0, 4, 40)
    images = replace(make_images(), y_train=given_N)
    changes = {"train.epochs": 80, "train.lr": 0.5, "train.batch_size": 8, "model.width": 0.3}
    of = task(make_split(images), **changes)
    found = crossfit.answers(of, 4, 80)
    assert found.train_KN.shape == (4, 40)
    assert found.test_KT.shape == (4, 20)
    assert np.allclose(found.train_KN.sum(axis=0), 1, atol=1e-5)
    guessed = (found.train_KN.argmax(axis=0) == given_N).mean()
    assert guessed < 0.6
    assert early.ensemble(of, 1, 80).accuracy_M[0] > 0.85


def test_more_folds_than_examples_are_as_many_as_there_are():
    found = crossfit.answers(task(make_split(make_images(n_train=6))), 50, 1)
    assert found.train_KN.shape == (4, 6)


# ---- tables --------------------------------------------------------------------------------------------------------


def group(seeds, images, given_N, error_N, chain_N=None):
    """Probabilities of networks that find the true class."""
    probability = np.full((4, len(given_N)), 0.1)
    probability[images.y_train, np.arange(len(given_N))] = 0.7
    return Group(seeds, given_N, images.y_train, error_N, -error_N, probability, chain_N, images.y_train, images.y_test)


def found_of(images, *, truth=True, chain=None, given_N=None):
    given_N = images.y_train.copy() if given_N is None else given_N
    error = np.where(given_N != images.y_train, 1.2, 0.1) + np.linspace(0, 0.01, len(given_N))
    return Found([group([3], images, given_N, error, chain)], truth, [], images)


def noisy(images, count=8):
    given_N = images.y_train.copy()
    given_N[:count] = (given_N[:count] + 1) % 4
    return given_N


def test_a_record_in_which_exactly_wrong_labels_are_refused_finds_them_all():
    images = make_images()
    found = tables.every(found_of(images, given_N=noisy(images)))
    (score, _) = found["scores"]
    assert (score["auroc"], score["missed"]) == (1, 0)
    rows = found["suspects"]
    assert [row["rank"] for row in rows] == [*range(1, 41)]
    assert {row["index"] for row in rows[:8]} == {*range(8)}
    assert all(row["wrong"] == (row["index"] < 8) for row in rows)
    assert all(row["suggested"] == row["original"] for row in rows[:8])
    (counts,) = found["counts"]
    assert (counts["wrong"], counts["disagreeing"], counts["suggestion_accuracy"]) == (8, 8, 1)
    assert counts["low"] <= 8 <= counts["high"]
    assert sum(row["count"] for row in found["confusions"]) == 8
    pairs = {(row["given"], row["suggested"]) for row in found["confusions"]}
    assert pairs == {("1", "0"), ("2", "1"), ("3", "2"), ("0", "3")}
    metrics = summary.metrics(found)
    assert metrics["early"]["auroc"] == 1
    assert "chain" not in metrics


def test_without_truth_nothing_is_said_of_it():
    images = make_images()
    found = tables.every(found_of(images, truth=False))
    assert found["scores"] == []
    assert {row["wrong"] for row in found["suspects"]} == {None}
    assert {row["precision"] for row in found["ranking"]} == {None}
    metrics = summary.metrics(found)
    assert not {"wrong", "early", "suggestion_accuracy"} & {*metrics}
    assert metrics["estimated_wrong"]["count"] == 0
    assert "AUROC" not in summary.text(found, "", [])


def test_the_chain_ranks_what_it_was_trained_on():
    images = make_images()
    given_N = noisy(images)
    chain = np.where(given_N != images.y_train, 1.0, 0.0)
    chain[30:] = np.nan
    found = tables.every(found_of(images, chain=chain, given_N=given_N))
    by_index = {row["index"]: row for row in found["suspects"]}
    assert all((by_index[i]["chain_rank"] is None) == (i >= 30) for i in range(40))
    assert {row["score"] for row in found["scores"]} == {"early", "early_margin", "chain", "both"}
    assert all(row["auroc"] == 1 for row in found["scores"])


def test_suspects_line_up():
    names = ("rank", "index", "given", "suggested", "score", "chain_rank", "name")
    cells = [(1, 12, "a", "long name", 1.25, 3, "x"), (10, 3, "bb", "c", 0.5, None, "")]
    rows = [dict(zip(names, row, strict=True)) for row in cells]
    first, second, third = summary.listed(rows).splitlines()
    assert first == "rank  index  given  suggested  score  rank by chain  name"
    assert second == "   1     12  a      long name  1.250              3  x"
    assert third == "  10      3  bb     c          0.500              -"


def test_the_sheet_has_all_suspects_of_the_group_that_the_page_lists(tmp_path, monkeypatch):
    """However many groups there are: none of the first one's gives way to another's."""
    monkeypatch.setattr(sheet, "MOST", 10)
    images = make_images()
    groups = [group([seed], images, images.y_train, np.roll(np.linspace(1, 0, 40), 13 * seed)) for seed in range(3)]
    rows = tables.every(Found(groups, truth=False, chain=[], pictures=images))["suspects"]
    sheet.keep(tmp_path, rows, images)
    assert artifacts.read_json(tmp_path / places.CELLS)["index"] == [*range(10)]


def test_the_sheet_has_every_suspect_in_its_cell(tmp_path):
    from PIL import Image

    images = make_images(shape=(1, 4, 4))
    rows = tables.every(found_of(images, given_N=noisy(images)))["suspects"]
    sheet.keep(tmp_path, rows, images)
    cells = artifacts.read_json(tmp_path / places.CELLS)
    assert cells["index"] == [row["index"] for row in rows]
    with Image.open(tmp_path / places.SHEET) as whole:
        pixels = np.asarray(whole)
    for place, index in enumerate(cells["index"]):
        x, y = 4 * (place % cells["across"]), 4 * (place // cells["across"])
        must = np.round(images.x_train[index, 0] * (255 / 16))
        assert (pixels[y : y + 4, x : x + 4] == must).all()


# ---- what is read --------------------------------------------------------------------------------------------------


@pytest.fixture
def left(tmp_path, monkeypatch):
    """What a run of two replicates leaves: pictures, labels, ensembles, folds and two rounds."""
    monkeypatch.chdir(tmp_path)
    images, rng = make_images(), np.random.default_rng(0)

    def leave(labels, held_out=(0, 0)):
        for seed, (given_N, held) in enumerate(zip(labels, held_out, strict=True)):
            validation = np.arange(40) < held
            arrays = {"given": given_N, "permuted": given_N != images.y_train, "validation": validation}
            artifacts.write_arrays(artifacts.CORRUPTED / f"seed{seed}" / artifacts.LABELS, arrays)
            scores = {name: rng.random((3, 40)).astype(np.float16) for name in ("el2n", "loss", "margin", "error")}
            scores["probability"] = rng.dirichlet(np.ones(4), 40).T.astype(np.float16)
            artifacts.write_arrays(artifacts.EARLY / f"seed{seed}" / artifacts.SCORES, scores)
            artifacts.write_json(artifacts.EARLY / f"seed{seed}" / artifacts.RECORD, {"seed": seed, "epochs": 2})
            folds = crossfit.Answers(*(rng.dirichlet(np.ones(4), n).T.astype(np.float32) for n in (40, 20)))
            crossfit.keep(places.CROSSFIT / f"seed{seed}", seed, folds)
            for key in ("r00", "r01"):
                place = artifacts.of_round(artifacts.ROUNDS, key) / f"seed{seed}" / artifacts.EXAMPLES
                artifacts.write_arrays(place, {"mean_error": rng.random(40 - held).astype(np.float16)})
        for place in (artifacts.CORRUPTED, artifacts.EARLY, places.CROSSFIT):
            digests.seal(place)
        for key in ("r00", "r01"):
            digests.seal(artifacts.of_round(artifacts.ROUNDS, key))
        return images

    return leave


class Params:
    """Of a run with two replicates."""

    seeds, noise, suspects = (0, 1), 0.0, Suspects(folds=2, shown=1)


def test_replicates_with_the_same_labels_are_one_group_and_others_are_not(left):
    images = left([make_images().y_train] * 2)
    (one,) = gather(Params(), images, []).groups
    assert one.seeds == [0, 1]
    assert one.chain_N is None
    each = [artifacts.read_arrays(artifacts.EARLY / f"seed{seed}" / artifacts.SCORES)["error"] for seed in (0, 1)]
    assert one.error_N == pytest.approx(np.concatenate(each).astype(float).mean(axis=0), abs=1e-6)
    images = left([noisy(images), noisy(images, 9)])
    assert [group.seeds for group in gather(Params(), images, []).groups] == [[0], [1]]


def test_the_chain_is_the_mean_over_rounds_in_any_order_and_over_who_trained_on_an_example(left):
    images = left([make_images().y_train] * 2, held_out=(4, 0))
    (one,) = gather(Params(), images, ["r00", "r01"]).groups
    (other,) = gather(Params(), images, ["r01", "r00"]).groups
    assert np.allclose(one.chain_N, other.chain_N)

    def error(key, seed):
        path = artifacts.of_round(artifacts.ROUNDS, key) / f"seed{seed}" / artifacts.EXAMPLES
        return artifacts.read_arrays(path)["mean_error"]

    rounds = [[error(key, seed) for key in ("r00", "r01")] for seed in (0, 1)]
    first, second = (np.mean(some, axis=0, dtype=float) for some in rounds)
    assert one.chain_N[:4] == pytest.approx(second[:4])
    assert one.chain_N[4:] == pytest.approx((first + second[4:]) / 2)
    assert not np.isnan(one.chain_N).any()


@pytest.mark.parametrize(
    ("file", "name", "change"),
    [
        ("data/early/seed1/scores.npz", "error", lambda a: a[:, :-1]),
        ("data/early/seed1/scores.npz", "margin", None),
        ("data/labels/crossfit/seed1/answers.npz", "train", lambda a: a[:-1]),
        ("data/labels/crossfit/seed1/answers.npz", "test", lambda a: a * np.nan),
        ("data/labels/crossfit/seed1/answers.npz", "test", None),
        ("data/rounds/r01/replicates/seed1/examples.npz", "mean_error", lambda a: a[:-1]),
        ("data/rounds/r01/replicates/seed1/examples.npz", "mean_error", lambda a: a.astype(int)),
        ("data/common/corrupted/seed1/labels.npz", "given", lambda a: a + 9),
    ],
)
def test_damage_is_one_line_that_names_the_file(left, file, name, change):
    images = left([make_images().y_train] * 2)
    path = artifacts.Path(file)
    arrays = artifacts.read_arrays(path)
    arrays = {n: a for n, a in arrays.items() if change or n != name} | ({name: change(arrays[name])} if change else {})
    artifacts.write_arrays(path, arrays)
    digests.seal(path.parents[1])
    with pytest.raises(UserError, match=f"^{file}: damaged") as found:
        gather(Params(), images, ["r00", "r01"])
    assert "\n" not in str(found.value)


# ---- names of examples ---------------------------------------------------------------------------------------------


def test_examples_are_called_by_their_files_lines_or_places(tmp_path):
    write_folder(tmp_path / "pictures")
    found = folder.load(tmp_path / "pictures")
    assert found.names == tuple(f"train/{name}/{i}.png" for name in ("cat", "dog") for i in range(3))
    fewer = sources.sample(found, 2, 0)
    values = [int(x[0, 0, 0]) for x in fewer.x_train]  # 100 * class + number
    assert list(fewer.names) == [f"train/{('cat', 'dog')[v // 100]}/{v % 100}.png" for v in values]
    lines = ["label,a,split", *(f"{'xy'[i % 2]},{i},{'test' if i > 5 else 'train'}" for i in range(8))]
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n")
    assert table.load(tmp_path / "mine.csv").names == tuple(f"line {i + 2}" for i in range(6))
    images = make_images()
    assert images.names == ()
    fewer = sources.sample(images, 8, 0)
    assert all((images.x_train[int(name)] == x).all() for name, x in zip(fewer.names, fewer.x_train, strict=True))


def test_names_are_stored_and_read_again(tmp_path):
    named = replace(make_images(), names=tuple(f"é {i}" for i in range(40)))
    store(tmp_path / "raw", named)
    digests.seal(tmp_path / "raw")
    assert read(tmp_path / "raw").names == named.names
    artifacts.write_json(tmp_path / "raw/names.json", ["a", 1])
    digests.seal(tmp_path / "raw")
    with pytest.raises(UserError, match=r"names\.json: damaged"):
        read(tmp_path / "raw")
    artifacts.write_json(tmp_path / "raw/names.json", ["a"])
    digests.seal(tmp_path / "raw")
    with pytest.raises(UserError, match="has 1 names, must have one each"):
        read(tmp_path / "raw")
