"""Tables of records in which every field differs: each column is the one field that it should be."""

import json
from itertools import count

import numpy as np
import pytest
from test_stages import SMALL

from prunelab.core import artifacts, digests
from prunelab.core.artifacts import replicate
from prunelab.errors import UserError
from prunelab.studies.sdd import answers, evidence, forms, places, tables
from prunelab.studies.sdd.landscape import LAYERS, LINES, PATH, PLANES, SPECTRUM
from stages.sdd import analyze
from tests.golden import pipeline


def numbers():
    """No two alike."""
    return (round(0.001 + 0.0001 * i, 4) for i in count())


SUBSETS = ("train", "permuted", "unpermuted", "restored", "test", "validation")


@pytest.fixture(scope="module")
def made_up():
    """Analysis of records in which every field differs: (records, histories, landscapes, answers, tables, summary)."""
    keys, seeds, value = ["r00", "r01", "r02"], [3, 8], numbers()
    folders = {"sparse": artifacts.ROUNDS, "redense": places.REDENSE, "reinit": places.REINIT}
    records, histories, answers, around = {}, {}, {}, {}
    rng = np.random.default_rng(0)
    changes = {"seeds": seeds, "landscape.plane": True}
    with pipeline.study(SMALL | changes):
        artifacts.write_json(artifacts.RAW / "facts.json", {"num_classes": 10})
        for kind, folder in folders.items():
            for number, key in enumerate(keys):
                for seed in seeds:
                    if kind == "reinit" and number == 0:
                        continue
                    at, place = (kind, key, seed), replicate(artifacts.of_round(folder, key), seed)
                    last = {f"{s}_{m}": next(value) for s in SUBSETS for m in ("accuracy", "loss")} | {"epoch": 4}
                    distances = {name: next(value) for name in ("from_start", "from_dense_init")}
                    layers = {layer: {name: next(value) for name in distances} for layer in ("1", "3")}
                    remaining = 0.4**number  # a round's, whatever is trained from it
                    records[at] = {
                        "round": key,
                        "seed": seed,
                        "sparsity": 1 - remaining,
                        "remaining": remaining,
                        "last": last,
                        "best": {name: next(value) for name in ("test_accuracy", "fitted_test_accuracy")},
                        "distance": distances | {"layers": layers},
                    }
                    histories[at] = [
                        last | {"epoch": e} | {c: next(value) for c in last if c != "epoch"} for e in (1, 4)
                    ]
                    answers[at] = {n: rng.random(50) < 0.5 for n in ("test_right", "test_best_right")}
                    artifacts.write_json(place / artifacts.RECORD, records[at])
                    artifacts.write_table(place / artifacts.HISTORY, histories[at])
                    artifacts.write_arrays(place / artifacts.EXAMPLES, answers[at])
        for key in keys:
            for seed in seeds:
                around[key, seed] = landscape_of(key, seed, records["sparse", key, seed], value)
        for folder in (
            artifacts.RAW,
            *(parent for at in {*folders.values(), places.LANDSCAPE} for parent in at.glob("r??")),
        ):
            digests.seal(folder)
        pipeline.stage(analyze)
        found = {path.stem: artifacts.read_table(path) for path in places.ANALYSIS.glob("*.csv")}
        examples = artifacts.read_arrays(places.ANALYSIS / places.TEST_EXAMPLES)
        summary = json.loads((places.ANALYSIS / places.SUMMARY).read_text())
    return records, histories, around, answers, found, examples, summary


def landscape_of(key, seed, sparse, value):
    """Write one round's landscape; returns its record and tables."""
    place = replicate(artifacts.of_round(places.LANDSCAPE, key), seed)
    names = ("train_loss", "trace", "trace_error", "gradient_covariance")
    record = {n: sparse[n] for n in ("round", "seed", "sparsity", "remaining")}
    for training in ("sparse", "redense"):
        largest = next(value)
        record[training] = {n: next(value) for n in names} | {"eigenvalues": [largest + 1, largest, largest - 1]}
        record[training] |= {"parameters": 12}
    measured = [f"{s}_{m}" for s in ("train", "test") for m in ("loss", "accuracy")]
    path = [{"alpha": alpha} | {n: next(value) for n in measured} for alpha in (0, 0.5, 1)]
    lines = [
        {"solution": s, "direction": d, "radius": r, "train_loss": next(value), "train_accuracy": next(value)}
        for s in ("sparse", "redense")
        for d in (0, 1)
        for r in (-1, 1)
    ]
    planes = [
        {"solution": s, "x": x, "y": 2, "train_loss": next(value), "train_accuracy": next(value)}
        for s in ("sparse", "redense")
        for x in (0, 1)
    ]
    spectrum = [
        {"solution": s, "node": n, "eigenvalue": next(value), "weight": w}
        for s in ("sparse", "redense")
        for n, w in enumerate((1, 5 + next(value), 6))
    ]
    for rows in (spectrum[:3], spectrum[3:]):
        rows[2]["weight"] = 11 - rows[1]["weight"]
    layers = [
        {"solution": s, "layer": layer, "parameters": 6} | {n: next(value) for n in ("eigenvalue", "trace")}
        for s in ("sparse", "redense")
        for layer in (1, 3)
    ]
    artifacts.write_json(place / artifacts.RECORD, record)
    for name, rows in ((PATH, path), (LINES, lines), (PLANES, planes), (SPECTRUM, spectrum), (LAYERS, layers)):
        artifacts.write_table(place / name, rows)
    return record, path, lines, planes, spectrum, layers


def by(rows, *names):
    result = {tuple(row[name] for name in names): row for row in rows}
    assert len(result) == len(rows)
    return result


def test_every_column_of_the_curve_is_its_own_field(made_up):
    records, *_, found, _, _ = made_up
    rows = by(found["double_descent"], "round", "seed")
    sparse = {at[1:]: r for at, r in records.items() if at[0] == "sparse"}
    assert list(rows) == list(sparse)
    for at, r in sparse.items():
        last, best = r["last"], r["best"]
        expected = {
            "train": last["train_accuracy"],
            "test_last": last["test_accuracy"],
            "test_best": best["test_accuracy"],
            "test_best_fitted": best["fitted_test_accuracy"],
            "validation": last["validation_accuracy"],
            "sparsity": pytest.approx(r["sparsity"]),
            "remaining": pytest.approx(r["remaining"]),
        }
        assert {name: rows[at][name] for name in expected} == expected


def test_every_column_of_what_is_trained_beside_it_is_its_own_field(made_up):
    records, *_, found, _, _ = made_up
    for other in ("redense", "reinit"):
        rows = by(found[other], "training", "round", "seed")
        beside = {at for at in records if at[0] == other}
        assert set(rows) == beside | {("sparse", *at[1:]) for at in beside}
        for at, row in rows.items():
            last = records[at]["last"]
            assert row["train"] == last["train_accuracy"]
            assert row["test_last"] == last["test_accuracy"]
            assert row["test_best"] == records[at]["best"]["test_accuracy"]
            assert (row["permuted"], row["restored"]) == (last["permuted_accuracy"], last["restored_accuracy"])
    for row in found["memorization"]:
        last = records["sparse", row["round"], row["seed"]]["last"]
        assert row["accuracy"] == last[f"{row['subset']}_accuracy"]
    assert len(by(found["memorization"], "subset", "round", "seed")) == 4 * 6


def test_every_distance_is_its_own_field(made_up):
    records, *_, found, _, _ = made_up
    rows = by(found["distance"], "training", "round", "seed")
    assert set(rows) == {at for at in records if at[0] != "reinit"}
    for at, row in rows.items():
        distance = records[at]["distance"]
        assert {name: row[name] for name in ("from_start", "from_dense_init")} == {
            name: distance[name] for name in ("from_start", "from_dense_init")
        }
        assert row["test_last"] == records[at]["last"]["test_accuracy"]
    layers = by(found["distance_by_layer"], "training", "round", "seed", "layer")
    assert len(layers) == 2 * len(rows)
    for (*at, layer), row in layers.items():
        expected = records[tuple(at)]["distance"]["layers"][str(layer)]
        assert {name: row[name] for name in expected} == expected


def test_every_column_of_an_epoch_is_its_own_field(made_up):
    _, histories, *_, found, _, summary = made_up
    for row in found["redense_dynamics"]:
        history = by(histories[row["training"], row["round"], row["seed"]], "epoch")
        for subset in ("train", "permuted", "unpermuted", "restored", "test"):
            assert row[f"{subset}_accuracy"] == history[(row["epoch"],)][f"{subset}_accuracy"]
    assert {row["training"] for row in found["redense_dynamics"]} == {"sparse", "redense"}
    for row in found["dynamics"]:
        history = by(histories["sparse", row["round"], row["seed"]], "epoch")
        assert summary.get(row["model"], {"round": row["round"]})["round"] == row["round"]
        for column in (f"{s}_{m}" for s in SUBSETS[:5] for m in ("accuracy", "loss")):
            assert row[column] == history[(row["epoch"],)][column]


def test_every_column_of_the_landscape_is_its_own_field(made_up):
    _, _, around, *_, found, _, _ = made_up
    curvature = by(found["curvature"], "training", "round", "seed")
    spread = by(found["lines"], "training", "round", "seed", "radius")
    for (key, seed), (record, path, lines, planes, *_) in around.items():
        for training in ("sparse", "redense"):
            row, one = curvature[training, key, seed], record[training]
            for name in ("train_loss", "trace", "trace_error", "gradient_covariance"):
                assert row[name] == one[name]
            assert row["eigenvalue"] == pytest.approx(max(one["eigenvalues"]))
            for radius in (-1, 1):
                a, b = (r["train_loss"] for r in lines if (r["solution"], r["radius"]) == (training, radius))
                line = spread[training, key, seed, radius]
                assert line["train_loss"] == pytest.approx((a + b) / 2)
                assert line["train_loss_std"] == pytest.approx(abs(a - b) / 2**0.5, rel=1e-5)
        here = [row for row in found["interpolation"] if (row["round"], row["seed"]) == (key, seed)]
        assert [{name: row[name] for name in path[0]} for row in here] == path
        flat = [row for row in found["planes"] if (row["round"], row["seed"]) == (key, seed)]
        assert [(r["training"], r["x"], r["y"], r["train_loss"]) for r in flat] == [
            (p["solution"], p["x"], p["y"], p["train_loss"]) for p in planes
        ]


def test_every_column_of_the_spectrum_is_its_own_field(made_up):
    _, _, around, *_, found, _, _ = made_up
    dimension = by(found["effective_dimension"], "training", "round", "seed", "alpha")
    blocks = by(found["curvature_by_layer"], "training", "round", "seed", "layer")
    assert len(dimension) == 3 * 2 * len(around)
    assert len(blocks) == 2 * 2 * len(around)
    for (key, seed), (*_, spectrum, layers) in around.items():
        for training in ("sparse", "redense"):
            nodes = [(row["eigenvalue"], row["weight"]) for row in spectrum if row["solution"] == training]
            for alpha in (0.1, 1, 10):
                row = dimension[training, key, seed, alpha]
                assert row["dimension"] == pytest.approx(sum(w * v / (v + alpha) for v, w in nodes), rel=1e-5)
                assert row["sparsity"] == pytest.approx(1 - 0.4 ** int(key[1:]))
            rows = [r for r in found["spectrum"] if (r["training"], r["round"], r["seed"]) == (training, key, seed)]
            at, density = np.array([(row["at"], row["density"]) for row in rows]).T
            u = np.arcsinh(at / 1e-3)
            assert (density[1:] + density[:-1]) @ np.diff(u) / 2 == pytest.approx(1, abs=1e-3)
            mean = sum(w * np.arcsinh(v / 1e-3) for v, w in nodes) / 12
            assert density @ u / density.sum() == pytest.approx(mean, abs=1e-3)
        for row in layers:
            block = blocks[row["solution"], key, seed, row["layer"]]
            assert {n: block[n] for n in ("parameters", "eigenvalue", "trace")} == {
                n: row[n] for n in ("parameters", "eigenvalue", "trace")
            }
    assert len({row["at"] for row in found["spectrum"]}) * 2 * len(around) == len(found["spectrum"])


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        (lambda rows: rows[:-1], r"weight, redense, in all is not 12, the number of parameters"),
        (lambda rows: rows[:3], r"weight, redense, in all is not 12, the number of parameters"),
        (lambda rows: [rows[0] | {"weight": -1.0}, *rows[1:]], r"weight, sparse, is not 0 or more"),
        (lambda rows: [rows[0], rows[0], *rows[2:]], r"two rows of sparse, 0"),
        (lambda rows: [rows[0] | {"eigenvalue": "x"}, *rows[1:]], r"row 1: eigenvalue is 'x', not a number"),
        (lambda rows: [rows[0] | {"solution": "dense"}, *rows[1:]], r"row 1: solution is 'dense', not one of sparse"),
    ],
)
def test_a_damaged_spectrum_is_named(made_up, tmp_path, change, reason):
    record, *_, spectrum, _ = made_up[2]["r00", 3]
    path = tmp_path / SPECTRUM
    artifacts.write_table(path, change(spectrum))
    digests.seal(tmp_path)
    with pytest.raises(UserError, match=rf"spectrum\.csv: damaged \({reason}"):
        forms.spectrum(path, record)


def test_answers_to_test_images_are_those_of_their_kind_round_and_replicate(made_up):
    _, _, _, right, _, examples, _ = made_up
    for kind, source, name in (
        ("last", "sparse", "test_right"),
        ("best", "sparse", "test_best_right"),
        ("reinit", "reinit", "test_right"),
    ):
        for key in ("r00", "r01", "r02"):
            for seed in (3, 8):
                found = answers.right(examples, kind, [key], [seed])[0, 0]
                expected = right.get((source, key, seed), {name: np.zeros(50, dtype=bool)})[name]
                assert found.tolist() == expected.tolist()


def test_named_models_and_summary_are_means_over_replicates(made_up):
    records, *_, found, _, summary = made_up
    for row in found["named_models"]:
        some = [records["sparse", row["round"], seed] for seed in (3, 8)]
        columns = {
            "train": [r["last"]["train_accuracy"] for r in some],
            "test_last": [r["last"]["test_accuracy"] for r in some],
            "test_best": [r["best"]["test_accuracy"] for r in some],
            "permuted": [r["last"]["permuted_accuracy"] for r in some],
            "restored": [r["last"]["restored_accuracy"] for r in some],
            "validation": [r["last"]["validation_accuracy"] for r in some],
        }
        for name, values in columns.items():
            assert row[name] == pytest.approx(np.mean(values))
            assert row[f"{name}_std"] == pytest.approx(np.std(values, ddof=1), rel=1e-4)
            if row["model"] in summary:
                assert summary[row["model"]][name] == pytest.approx(row[name], abs=1e-6)
    chosen = {row["model"]: row["round"] for row in found["named_models"]}
    by_round = {k: np.mean([records["sparse", k, s]["last"]["test_accuracy"] for s in (3, 8)]) for k in ("r00", "r02")}
    assert by_round["r02"] > by_round["r00"]  # numbers rise with the round
    assert chosen["sweet_spot"] == chosen["best_validation"] == chosen["end"] == "r02"
    assert chosen["valley"] == chosen["dense"] == "r00"


def test_claims_are_judged_on_the_columns_of_their_names(made_up):
    records, _, around, answers, found, examples, _ = made_up
    run = evidence.of_tables(found, examples, 0.4)
    assert (run.rounds, run.seeds, run.noise) == (["r00", "r01", "r02"], [3, 8], 0.4)
    sparse = {"train": "train", "test_last": "test"} | {s: s for s in ("permuted", "unpermuted", "restored")}
    for r, key in enumerate(run.rounds):
        assert run.sparsity_R[r] == pytest.approx(1 - 0.4**r)
        for s, seed in enumerate(run.seeds):
            one, other = records["sparse", key, seed], records["redense", key, seed]
            for name, subset in sparse.items():
                assert run.sparse[name][r, s] == one["last"][f"{subset}_accuracy"]
            assert run.sparse["test_best"][r, s] == one["best"]["test_accuracy"]
            assert run.sparse["validation"][r, s] == one["last"]["validation_accuracy"]
            assert run.sparse["from_start"][r, s] == one["distance"]["from_start"]
            assert run.redense["from_start"][r, s] == other["distance"]["from_start"]
            assert run.redense["permuted"][r, s] == other["last"]["permuted_accuracy"]
            assert run.right["last"][r, s].tolist() == answers["sparse", key, seed]["test_right"].tolist()
            assert run.right["best"][r, s].tolist() == answers["sparse", key, seed]["test_best_right"].tolist()
            record, path, *_ = around[key, seed]
            for training in ("sparse", "redense"):
                assert run.eigenvalue[training][r, s] == pytest.approx(max(record[training]["eigenvalues"]))
            assert run.climb_RS[r, s] == tables.climb(path)
            if r:
                again = records["reinit", key, seed]["last"]
                assert run.reinit["test_last"][r, s] == again["test_accuracy"]
                assert run.right["reinit"][r, s].tolist() == answers["reinit", key, seed]["test_right"].tolist()
    assert np.isnan(run.reinit["test_last"][0]).all()


def test_regimes_of_claims_go_by_last_accuracy_not_best(made_up):
    """Round 1 has lost a tenth of train accuracy: beyond the critical regime if its test accuracy is above r00's."""
    *_, found, examples, _ = made_up
    curve = {"r00": (1.0, 0.5, 0.9), "r01": (0.9, 0.6, 0.8), "r02": (0.8, 0.4, 0.95)}
    rows = [
        row | dict(zip(("train", "test_last", "test_best"), curve[row["round"]], strict=True))
        for row in found["double_descent"]
    ]
    run = evidence.of_tables(found | {"double_descent": rows}, examples, 0.4)
    assert run.regime_R == ["trivial", "high", "high"]
    assert run.models["sweet_spot"] == 1


def test_regimes_and_models_of_the_curve_go_by_last_accuracy_not_best(made_up):
    records, histories, _, answers, *_ = made_up
    curve = {"r00": (1.0, 0.5, 0.9), "r01": (0.9, 0.6, 0.8), "r02": (0.8, 0.4, 0.95)}
    few = {"seeds": [3], "redense.every": 9, "reinit.every": 0, "landscape.every": 0}
    with pipeline.study(SMALL | few):
        artifacts.write_json(artifacts.RAW / "facts.json", {"num_classes": 10})
        digests.seal(artifacts.RAW)
        kept = [("sparse", artifacts.ROUNDS, key) for key in curve] + [("redense", places.REDENSE, "r00")]
        for kind, folder, key in kept:
            at, place, (train, last, best) = (kind, key, 3), replicate(artifacts.of_round(folder, key), 3), curve[key]
            r = records[at]
            changed = {
                "last": r["last"] | {"train_accuracy": train, "test_accuracy": last},
                "best": r["best"] | {"test_accuracy": best},
            }
            artifacts.write_json(place / artifacts.RECORD, r | changed)
            artifacts.write_table(place / artifacts.HISTORY, histories[at])
            artifacts.write_arrays(place / artifacts.EXAMPLES, answers[at])
            digests.seal(folder / key)
        pipeline.stage(analyze)
        rows = artifacts.read_table(places.ANALYSIS / "double_descent.csv")
        named = artifacts.read_table(places.ANALYSIS / "named_models.csv")
        efficacy = json.loads((places.ANALYSIS / places.SUMMARY).read_text())["pruning_efficacy"]
    assert [row["regime"] for row in rows] == ["trivial", "high", "high"]
    assert {row["model"]: row["round"] for row in named}["sweet_spot"] == "r01"
    assert efficacy == 0
