"""Tickets of features: what the user has goes in, and what the study stored comes out; by hand and on tiny runs."""

import csv
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pyarrow import csv as arrow_csv
from pyarrow import parquet
from tickets_by_hand import predicted, random_ticket, raw, refused

from prunelab import tickets
from prunelab.commands import main
from prunelab.comparison import speed as of_rounds
from prunelab.comparison import tickets as of_runs
from prunelab.core import artifacts, images
from prunelab.core import given as given_labels
from prunelab.tickets import file, onnx_file
from stages import corrupt, dense, fetch, prune
from tests.golden import pipeline

NAMES = ["seconds", "tiny, or not", "same", "x"]
SMALL = {"seeds": [3], "n_rounds": 1, "model.width": 0.1, "train.epochs": 20, "train.batch_size": 10, "train.lr": 0.1}
SMALL |= {"subset.train": 0, "subset.test": 0, "noise": 0.2, "train.validation": 8, "prune.fraction": 0.7}
SMALL |= {"device": "cpu", "redense.every": 9, "landscape.every": 0}
N, M = 80, 40


def numbers():
    """N + M examples of features as people have them: a time in seconds, a small one, one that never varies."""
    rng = np.random.default_rng(4)
    x = rng.normal(size=(N + M, 4))
    x[:, 0] = np.round(1.6e9 + 300 * x[:, 0], 3)
    x[:, 1] *= 1e-7
    x[:, 2] = 7.1
    return x, np.array(["a", "b", "c"])[np.digitize(x[:, 3] + 2e6 * x[:, 1], [-0.4, 0.4])]


def write_table(path):
    x, y = numbers()
    with open(path, "w", newline="") as opened:
        writer = csv.writer(opened)
        writer.writerow(["label", *NAMES, "split"])
        writer.writerows([y[i], *map(repr, x[i].tolist()), "train" if i < N else "test"] for i in range(N + M))
    return path


def write_npz(path):
    x, y = numbers()
    np.savez(path, x_train=x[:N], y_train=y[:N], x_test=x[N:], y_test=y[N:])
    return path


@pytest.fixture(scope="module", params=["table", "npz"])
def run(request, tmp_path_factory):
    """A study of features that ran, in the current folder, as `opened` gives one of its replicates; and its data."""
    folder = tmp_path_factory.mktemp("mine")
    root = write_table(folder / "a.csv") if request.param == "table" else write_npz(folder / "a.npz")
    with pipeline.study(SMALL | {"dataset": request.param, "data_root": str(root)}) as params:
        for module, arguments in ((fetch, ()), (corrupt, ()), (dense, ()), (prune, ("--round", "r01"))):
            pipeline.stage(module, *arguments)
        data = images.read(artifacts.RAW)
        labels = given_labels.labels(3, N, 3)
        one = SimpleNamespace(name="one", commit="", params=params.model_dump())
        yield of_runs.Stored(one, "c0ffee", 3, data, labels), root


@pytest.fixture
def made(run, tmp_path, monkeypatch):
    """Its last round as a ticket's file, in a folder where nothing else is."""
    ticket = run[0].ticket("r01")
    monkeypatch.chdir(tmp_path)
    file.write(tmp_path / "t.safetensors", ticket)
    return run[0].run.params["dataset"], run[1]


def test_raw_numbers_give_what_fetch_stored_to_the_bit_and_the_study_s_predictions(run, tmp_path):
    stored, _ = run
    x, y = numbers()
    trained = ~stored.labels["validation"]
    for key in ("r00", "r01"):
        file.write(tmp_path / "t.safetensors", stored.ticket(key))
        network = tickets.read(tmp_path / "t.safetensors").network()
        assert torch.equal(network.first(raw(x[:N])), torch.from_numpy(stored.data.x_train))
        assert torch.equal(network.first(raw(x[N:])), torch.from_numpy(stored.data.x_test))
        place = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), 3)
        examples = artifacts.read_arrays(place / artifacts.EXAMPLES)
        record = artifacts.read_json(place / artifacts.RECORD)
        with torch.inference_mode():
            outputs, tested = network(raw(x[:N][trained])), network(raw(x[N:]))
        assert len(outputs) == N - 8
        assert {*examples["predicted"].tolist()} == {0, 1, 2}
        assert outputs.argmax(dim=1).tolist() == examples["predicted"].tolist()
        assert (np.array(["a", "b", "c"])[tested.argmax(dim=1)] == y[N:]).tolist() == examples["test_right"].tolist()
        wanted = torch.from_numpy(stored.labels["given"][trained])
        loss = torch.nn.functional.cross_entropy(outputs, wanted).item()
        assert loss == pytest.approx(record["last"]["train_loss"], abs=1e-5)
        # Export has no raw numbers, and makes them of what is stored.
        assert of_runs.check(stored, key, stored.ticket(key)) == (N - 8, N - 8, M, M)
    # Why in float64: as float32 the seconds are others.
    assert (network.first(raw(x.astype(np.float32)))[:, 0] - network.first(raw(x))[:, 0]).abs().max() > 0.1


def test_compact_and_onnx_say_the_same_of_raw_numbers(run, tmp_path):
    import onnx

    whole, x = run[0].ticket("r01"), raw(numbers()[0])
    small = whole.compact()
    file.write(tmp_path / "c.safetensors", small)
    with torch.inference_mode():
        expected = whole.network()(x).numpy()
        found = tickets.read(tmp_path / "c.safetensors").network()(x).numpy()
    most = np.abs(expected).max()
    assert np.abs(found - expected).max() <= 1e-5 * most
    for ticket in (whole, small):
        assert onnx_file.write(tmp_path / "t.onnx", ticket, x.numpy()) <= onnx_file.AGREE_TO
        for count in (1, 7, N):
            assert np.abs(onnx_file.run(tmp_path / "t.onnx", x[:count].numpy()) - expected[:count]).max() <= 1e-5 * most
        (given_,) = onnx.load(tmp_path / "t.onnx").graph.input
        assert (given_.name, given_.type.tensor_type.elem_type) == ("features", onnx.TensorProto.DOUBLE)


def test_every_round_is_measured(run, monkeypatch):
    monkeypatch.setattr(of_rounds.speed, "SECONDS", 0.05)
    rows = of_rounds.measure(run[0], ["r00", "r01"])
    assert {row["flops_dense"] for row in rows} == {2 * (4 * 30 + 30 * 10 + 10 * 3)}
    assert rows[1]["flops"] < rows[0]["flops"]


def test_rows_of_a_table_are_predicted_by_the_names_of_their_columns(made, capsys, tmp_path):
    dataset, root = made
    with torch.inference_mode():
        wanted = tickets.read("t.safetensors").network()(raw(numbers()[0])).softmax(dim=1)
    if dataset == "npz":
        np.savez("b.npz", x=numbers()[0], y=numbers()[1])
        rows, said = predicted(capsys, "t.safetensors", "b.npz")
        assert sum(int(row.pop("right")) for row in rows) == int(said.err.split()[2])
        assert [row.pop("label") for row in rows] == numbers()[1].tolist()
        assert len(predicted(capsys, "t.safetensors", root, "--part", "train")[0]) == N
    else:
        lines = list(csv.DictReader(root.read_text().splitlines()))
        with open("b.csv", "w", newline="") as target:  # in another order, without labels, with a column of words
            writer = csv.DictWriter(target, ["x", "note", *NAMES[:3]], extrasaction="ignore")
            writer.writeheader()
            writer.writerows(line | {"note": "" if i else "ü"} for i, line in enumerate(lines))
        rows, said = predicted(capsys, "t.safetensors", "b.csv")
        assert said.err == f"{N + M} samples\n"
        parquet.write_table(arrow_csv.read_csv(root), "b.parquet")
        for other in (root, "b.parquet"):
            assert predicted(capsys, "t.safetensors", other)[0] == rows
        main(["predict", "t.safetensors", "b.csv", "--csv", "out.csv"])
        assert list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines())) == rows
    assert list(rows[0]) == ["index", "predicted", "probability", "p_a", "p_b", "p_c"]
    assert [row["index"] for row in rows] == [str(i) for i in range(N + M)]
    assert [row["predicted"] for row in rows] == ["abc"[i] for i in wanted.argmax(dim=1)]
    found = np.array([[float(row[f"p_{name}"]) for name in "abc"] for row in rows])
    assert found == pytest.approx(wanted.numpy(), rel=1e-5, abs=1e-9)


TABLE = "must be a table (.csv or .parquet) with the ticket's columns, seconds, tiny, or not, same, x"
ARRAY = "must be an npz file with x, 4 features of each sample"
LINE = "1,2,3,4"
WRONG = {
    "table": {
        "pictures": f"pictures: is a folder, {TABLE}",
        "a.npz": f"a.npz: is no table, {TABLE}",
        "nope.csv": f"nope.csv: is not there, {TABLE}",
        "few.csv": "few.csv: has no column tiny, or not, same, which the ticket needs; it has seconds, x",
        "words.csv": "words.csv: line 3: x is 'high', must be a number",
        "empty.csv": "empty.csv: line 2: same is empty; fill it in",
        "nan.csv": "nan.csv: line 2: x is 'nan', must be a number",
        "far.csv": "far.csv: x of line 3 is 1e+300, must be a number of the size of the others",
        "none.csv": "none.csv: has no rows",
    },
    "npz": {
        "pictures": f"pictures: is a folder, {ARRAY}",
        "few.csv": f"few.csv: is a table, {ARRAY}",
        "nope": f"nope: is not there, {ARRAY}",
        "three.npz": "three.npz: x is float64 (2, 3), must be [N, 4], numbers, and not empty",
        "one.npz": "one.npz: x is float64 (4,), must be [N, 4], numbers, and not empty",
        "none.npz": "none.npz: x is float64 (0, 4), must be [N, 4], numbers, and not empty",
        "words.npz": "words.npz: x is <U1 (2, 4), must be [N, 4], numbers, and not empty",
        "nan.npz": "nan.npz: x: feature 1 of index 1 is nan, must be a number of the size of the others",
        "label.npz": "label.npz: index 0 has the label 'd', the ticket has a, b, c",
        "other.npz": "other.npz: has none of the arrays x, x_test, test_images; it has z",
    },
}


def write_wrong(folder):
    (folder / "pictures").mkdir()
    x = np.ones((2, 4))
    arrays = {"a": {"x": x}, "three": {"x": x[:, :3]}, "one": {"x": x[0]}, "none": {"x": x[:0]}, "other": {"z": x}}
    arrays |= {"words": {"x": np.full((2, 4), "a")}, "label": {"x": x, "y": np.array(["d", "a"])}}
    arrays["nan"] = {"x": np.where(np.arange(8).reshape(2, 4) == 5, np.nan, x)}
    for name, content in arrays.items():
        np.savez(folder / f"{name}.npz", **content)
    head = 'seconds,"tiny, or not",same,x\n'
    rows = {
        "words": f"{LINE}\n1,2,3,high",
        "empty": "1,2,,4",
        "nan": "1,2,3,nan",
        "far": f"{LINE}\n1,2,3,1e300",
        "none": "",
    }
    for name, content in rows.items():
        (folder / f"{name}.csv").write_text(head + content + "\n")
    (folder / "few.csv").write_text("seconds,x\n1,2\n")


def test_what_does_not_fit_is_one_line_and_nothing_is_written(made, tmp_path):
    write_wrong(tmp_path)
    for place, line in WRONG[made[0]].items():
        assert refused("predict", "t.safetensors", place, "--csv", "out.csv").startswith(line)
        assert not (tmp_path / "out.csv").exists()


def test_a_ticket_of_pictures_takes_no_table(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    write_wrong(tmp_path)
    file.write(tmp_path / "t.safetensors", random_ticket()[0])
    line = "few.csv: is a table, must be a folder of pictures or an npz file"
    assert refused("predict", "t.safetensors", "few.csv") == line
