"""`export`, `predict` and `speed` on a tiny run by real DVC: what the study stored is what a ticket says, anywhere."""

import contextlib
import csv
import json
import re
import shutil
import subprocess
import sys

import numpy as np
import pytest
import torch
import yaml
from conftest import ROOT, clone, run
from tickets_by_hand import predicted, refused

from prunelab import tickets
from prunelab.commands import main
from prunelab.comparison import runs
from prunelab.comparison import tickets as of_runs
from prunelab.core import artifacts, images
from prunelab.errors import UserError
from prunelab.tickets import file, onnx_file

TINY = (
    *("setting=digits_quick", "n_rounds=2", "seeds=[0,3]", "model.width=0.2", "train.epochs=15", "prune.fraction=0.8"),
    *("subset.train=200", "subset.test=100", "train.validation=20", "redense.every=9", "redense.epochs=1"),
    "landscape.every=0",
)


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    """A clone with one whole experiment, which is in its working tree too."""
    here = clone(tmp_path_factory.mktemp("tickets"))
    options = [part for change in TINY for part in ("-S", change)]
    run("dvc", "exp", "run", "-n", "one", *options, cwd=here)
    return here


@pytest.fixture(scope="module")
def found(where):
    with contextlib.chdir(where):
        return runs.read(["one"])[0][0]


@pytest.fixture
def _inside(where, monkeypatch):
    monkeypatch.chdir(where)


def exported(tmp_path, *options, name="t.safetensors"):
    main(["export", *options, "--to", str(tmp_path / name)])
    return tickets.read(tmp_path / name)


@pytest.mark.usefixtures("_inside")
@pytest.mark.parametrize("seed", [0, 3])
@pytest.mark.parametrize("key", ["r00", "r01", "r02"])
def test_every_image_is_predicted_as_the_study_stored_it(key, seed, tmp_path, found):
    with of_runs.opened(found, seed, [key]) as stored:
        file.write(tmp_path / "t.safetensors", stored.ticket(key))
    ticket = tickets.read(tmp_path / "t.safetensors")
    place = artifacts.replicate(artifacts.of_round(artifacts.ROUNDS, key), seed)
    data, examples = images.read(artifacts.RAW), artifacts.read_arrays(place / artifacts.EXAMPLES)
    record = artifacts.read_json(place / artifacts.RECORD)
    labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
    trained, given = ~labels["validation"], torch.from_numpy(labels["given"][~labels["validation"]]).long()
    with torch.inference_mode():
        outputs = ticket.network()(torch.from_numpy(data.x_train[trained]))
        tested = ticket.network()(torch.from_numpy(data.x_test))
    assert len(outputs) == 180
    assert len({*examples["predicted"].tolist()}) > 3  # not one answer to everything
    assert outputs.argmax(dim=1).tolist() == examples["predicted"].tolist()
    assert (tested.argmax(dim=1).numpy() == data.y_test).tolist() == examples["test_right"].tolist()
    losses = torch.nn.functional.cross_entropy(outputs, given, reduction="none").numpy()
    # Stored with three digits each, and their mean with all.
    assert losses == pytest.approx(examples["loss"].astype(float), rel=1e-3, abs=1e-3)
    assert losses.mean() == pytest.approx(record["last"]["train_loss"], abs=1e-5)
    test_loss = torch.nn.functional.cross_entropy(tested, torch.from_numpy(data.y_test)).item()
    assert test_loss == pytest.approx(record["last"]["test_loss"], abs=1e-5)
    with torch.inference_mode():
        compact = ticket.compact().network()(torch.from_numpy(data.x_test))
    assert torch.allclose(compact, tested, rtol=1e-4, atol=1e-4)
    said = ticket.description
    assert (said.source.round, said.source.seed, said.source.dataset) == (key, seed, "digits")
    assert (said.labels.origin, said.labels.validation) == ("simulated", 20)
    assert said.labels.permuted == int(labels["permuted"][trained].sum()) > 0
    assert said.metrics["last"] == record["last"]
    assert sum(int(mask.sum()) for mask in ticket.masks.values()) == record["survivors"] == said.survivors


@pytest.mark.usefixtures("_inside")
def test_an_experiment_by_a_models_name_is_the_same_network_and_the_same_bytes(tmp_path, capsys):
    rows = {row["model"]: row["round"] for row in artifacts.read_table(of_runs.NAMED)}
    sweet = exported(tmp_path, "one", "sweet spot", "--seed", "3", name="a.safetensors")
    printed = capsys.readouterr().out.splitlines()
    assert printed[1] == "as the study stored it: 180 of 180 training and 100 of 100 test images"
    assert re.fullmatch(r"a.safetensors: [\d,]+ bytes; dense [\d,]+ bytes( \(\S+ times as much\))?", printed[2])
    assert re.fullmatch(r"1,000 images: [\d.]+ ms; dense [\d.]+ ms( \(\S+ times as much\))?", printed[3])
    assert sweet.description.source.round == rows["sweet_spot"]
    exported(tmp_path, "one", rows["sweet_spot"], "--seed", "3", name="b.safetensors")
    assert (tmp_path / "a.safetensors").read_bytes() == (tmp_path / "b.safetensors").read_bytes()
    other = exported(tmp_path, "workspace", "sweet_spot", "--seed", "3", name="c.safetensors")
    assert not sweet.description.source.workspace
    assert other.description.source.workspace
    assert all(torch.equal(other.tensors[name], value) for name, value in sweet.tensors.items())


@pytest.mark.usefixtures("_inside")
def test_compact_and_onnx_at_once(tmp_path, capsys):
    main(["export", "one", "r02", "--compact", "--to", f"{tmp_path}/t.safetensors", "--onnx", f"{tmp_path}/t.onnx"])
    printed = capsys.readouterr().out
    assert "units left" in printed
    assert re.search(r"t.onnx: [\d,]+ bytes; ONNX Runtime agrees to ", printed)
    assert tickets.read(tmp_path / "t.safetensors").is_compact
    assert {path.name for path in tmp_path.iterdir()} == {"t.onnx", "t.safetensors"}


@pytest.mark.usefixtures("_inside")
def test_an_onnx_model_that_disagrees_leaves_no_ticket_either(tmp_path, monkeypatch):
    monkeypatch.setattr(onnx_file, "run", lambda path, pixels: np.zeros((len(pixels), 10), np.float32))
    line = refused("export", "one", "r02", "--to", tmp_path / "t.safetensors", "--onnx", tmp_path / "t.onnx")
    assert line.startswith(f"{tmp_path}/t.onnx: not written, ")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_inside")
def test_wrong_options_end_in_one_line_and_nothing_is_written(tmp_path, where):
    to = tmp_path / "t.safetensors"
    rounds = "must be r00 to r02, or dense, valley, sweet_spot"
    for command, line in (
        (("one", "r03", "--to", to), f"r03: one has no such round; {rounds}"),
        (("one", "lucky", "--to", to), f"lucky: one has no such round; {rounds}"),
        (("one", "r01", "--seed", "1", "--to", to), "--seed 1: must be one of 0, 3"),
        (("nope", "r01", "--to", to), "nope: no such experiment, branch, tag or commit; "),
        (("one", "r01"), "export: must be told where to"),
        (("one", "r01", "--to", tmp_path / "t.pt"), f"--to {tmp_path}/t.pt: must end in .safetensors"),
        (("one", "r01", "--onnx", tmp_path / "t.pt"), f"--onnx {tmp_path}/t.pt: must end in .onnx"),
        (
            ("one", "r01", "--to", tmp_path / "no" / "t.safetensors"),
            f"--to {tmp_path}/no/t.safetensors: there is no folder",
        ),
        (("one", "r01", "--to", "data/t.safetensors"), "--to data/t.safetensors: must not lie in data, plots, metrics"),
    ):
        assert refused("export", *command).startswith(line)
    assert refused("speed", "--out", "plots/speed").startswith("--out plots/speed: must not lie in data")
    assert refused("speed", "--out", "dvc.yaml") == "--out dvc.yaml: must be a folder"
    assert refused("speed", "one", "--seed", "77", "--out", tmp_path / "s").startswith("--seed 77: must be one of")
    assert not list(tmp_path.iterdir())


@pytest.mark.usefixtures("_inside")
def test_weights_that_are_another_rounds_are_not_exported(found):
    """Each file whole and sealed, but the examples' predictions another round's."""
    with of_runs.opened(found, 0, ["r00", "r02"]) as stored:
        ticket = stored.ticket("r02")
        of_runs.check(stored, "r02", ticket)
        with pytest.raises(UserError, match=r"^one: r00 of seed 0 says what the study stored for \d+ of 180"):
            of_runs.check(stored, "r00", ticket)


@pytest.mark.usefixtures("_inside")
def test_what_is_not_in_the_cache_is_one_line(tmp_path, where):
    listed = yaml.safe_load((where / "dvc.lock").read_text())["stages"]["prune@r02"]["outs"][0]["md5"]
    cache = where / ".dvc/cache/files/md5"
    files = json.loads((cache / listed[:2] / listed[2:]).read_text())
    md5 = {one["relpath"]: one["md5"] for one in files}["seed0/weights.safetensors"]
    cached = cache / md5[:2] / md5[2:]
    cached.rename(tmp_path / "aside")
    try:
        line = refused("export", "one", "r02", "--to", tmp_path / "t.safetensors")
    finally:
        (tmp_path / "aside").rename(cached)
    assert re.match(
        r"one: data/rounds/r02/replicates/\S+ is not in DVC's cache; `dvc exp pull REMOTE one` fetches it", line
    )
    assert not list(tmp_path.iterdir())


def test_a_clone_without_its_data_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(clone(tmp_path, lock=True))
    missing = "workspace: data/common/raw is not in DVC's cache; `dvc pull` fetches it, or run it again"
    assert refused("export", "workspace", "r28", "--to", "t.safetensors") == missing
    assert refused("speed") == missing
    assert refused("export", "HEAD", "r28", "--to", "t.safetensors") == (
        "HEAD: data/common/raw is not in DVC's cache; `git checkout HEAD` and `dvc pull` fetch it, or run it again"
    )
    assert run("git", "status", "--short", cwd=tmp_path).stdout == ""


@pytest.mark.usefixtures("_inside")
def test_what_another_run_left_in_the_working_tree_is_not_exported(tmp_path, where):
    """As after `git checkout` without `dvc checkout`; each file is whole."""
    here, aside = where / "data/rounds/r02/replicates", tmp_path / "aside"
    here.rename(aside)
    try:
        shutil.copytree(where / "data/rounds/r01/replicates", here)
        line = refused("export", "workspace", "r02", "--to", tmp_path / "t.safetensors")
        exported(tmp_path, "one", "r02", name="u.safetensors")  # from the cache
    finally:
        shutil.rmtree(here)
        aside.rename(here)
    assert line == (
        "workspace: data/rounds/r02/replicates is not as dvc.lock has it; `dvc checkout` puts it back, or `dvc pull`"
    )
    assert [path.name for path in tmp_path.iterdir()] == ["u.safetensors"]


@pytest.mark.usefixtures("_inside")
def test_speed_of_every_round_as_table_and_figure(tmp_path, capsys):
    main(["speed", "one", "--seed", "3", "--out", str(tmp_path / "out")])
    printed = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in printed[1:5]] == ["dense", "r00", "r01", "r02"]
    assert len({line.index("%") for line in printed[1:5]}) == 1  # lines up
    assert {path.name for path in (tmp_path / "out").iterdir()} == {"speed.csv", "speed.png", "speed.svg"}
    rows = artifacts.read_table(tmp_path / "out" / "speed.csv")
    assert [row["sparsity"] for row in rows] == pytest.approx([0, 0.8, 0.96], abs=1e-3)
    assert {row["flops_dense"] for row in rows} == {2 * (64 * 60 + 60 * 20 + 20 * 10)}
    assert rows[0]["flops"] == rows[0]["flops_dense"]
    for row in rows:
        for name in ("milliseconds", "flops", "bytes"):
            assert row[f"{name}_ratio"] == pytest.approx(row[f"{name}_dense"] / row[name], rel=1e-5)
    assert rows[2]["flops"] < rows[1]["flops"] < rows[0]["flops"]
    assert rows[2]["bytes"] < rows[1]["bytes"] < rows[0]["bytes"]
    assert rows[2]["bytes"] == len(file.content(exported(tmp_path, "one", "r02", "--seed", "3").compact()))
    svg = (tmp_path / "out" / "speed.svg").read_text()
    for said in ("ms per 1,000 samples", "FLOPs per sample", "bytes of the file", "last test accuracy (%)", "sparsity"):
        assert said in svg
    assert subprocess.run(["git", "check-ignore", "-q", "speed/speed.csv"], check=False).returncode == 0


@pytest.fixture
def ticket(where, tmp_path, monkeypatch):
    """A ticket of the run in a folder that is no repository."""
    monkeypatch.chdir(where)
    exported(tmp_path, "one", "r01")
    monkeypatch.chdir(tmp_path)
    assert not any((folder / "dvc.yaml").exists() for folder in (tmp_path, *tmp_path.parents))
    return tmp_path / "t.safetensors"


def test_predictions_of_arrays_anywhere(ticket, where, capsys, tmp_path):
    x = np.load(where / artifacts.RAW / "x_test.npy")
    y = np.load(where / artifacts.RAW / "y_test.npy")
    capsys.readouterr()
    np.savez("a.npz", x_test=x[:, 0], y_test=y, x_train=x[:3, 0], y_train=y[:3])
    rows, said = predicted(capsys, ticket, "a.npz")
    right = artifacts.read_arrays(where / "data/rounds/r01/replicates/seed0/examples.npz")["test_right"]
    assert [row["right"] for row in rows] == [str(int(one)) for one in right]
    assert said.err == f"100 samples, {right.sum()} predicted as labelled ({right.mean():.1%})\n"
    for row in rows:
        p = {name: float(row[f"p_{name}"]) for name in "0123456789"}
        assert sum(p.values()) == pytest.approx(1, abs=1e-5)
        assert (row["predicted"], float(row["probability"])) == max(p.items(), key=lambda pair: pair[1])
    assert len(predicted(capsys, ticket, "a.npz", "--part", "train")[0]) == 3
    main(["predict", str(ticket), "a.npz", "--csv", "out.csv"])
    assert list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines())) == rows
    capsys.readouterr()
    np.savez("b.npz", x=x[:2, 0])
    assert list(predicted(capsys, ticket, "b.npz")[0][0])[:3] == ["index", "predicted", "probability"]


def test_the_readmes_snippet_runs_where_nothing_but_the_package_is(ticket, tmp_path):
    """Outside of any repository, and without DVC, matplotlib or scikit-learn."""
    section = (ROOT / "README.md").read_text().split("## Use the pruned network")[1].split("\n## ")[0]
    snippet = re.search(r"```python\n(.*?)```", section, re.S)[1]
    (tmp_path / "ticket.safetensors").write_bytes(ticket.read_bytes())
    ends = "\nimport sys\nprint(sorted({'dvc', 'dvclive', 'matplotlib', 'sklearn', 'onnx'} & {*sys.modules}))\n"
    done = subprocess.run(
        [sys.executable, "-c", snippet + ends],
        cwd=tmp_path,
        env={"PYTHONPATH": str(ROOT / "src"), "PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    *printed, imported = done.stdout.splitlines()
    assert imported == "[]"
    classes = yaml.safe_load(printed[-1])
    assert classes
    assert {*classes} <= {*"0123456789"}
