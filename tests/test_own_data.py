"""What a user brings, from pictures and tables to the curve and to a network in use: real DVC in a clone."""

import contextlib
import csv
import json
import re
from dataclasses import replace

import numpy as np
import pytest
import yaml
from conftest import TINY, clone, edit_params, exp_run, ran, run
from tickets_by_hand import refused
from written import write_folder, write_npz

from prunelab.core import artifacts, byname, images, sources

SMALL = ["noise=0", "seeds=[0]", "n_rounds=1", "redense.every=9", "train.batch_size=4"]


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("own"))


def test_a_users_folder_goes_from_pictures_to_a_trained_network(where, tmp_path):
    """The rest of the way is the same as for a table, below."""
    write_folder(tmp_path)
    changes = [*TINY, *SMALL, "dataset=folder", f"data_root={tmp_path}"]
    output = run("dvc", "exp", "run", *(part for c in changes for part in ("-S", c)), "dense", cwd=where).stdout
    assert ran(output) == ["fetch", "corrupt", "dense@r00"]
    record = json.loads((where / "data/rounds/r00/replicates/seed0/record.json").read_text())
    assert record["last"]["permuted_accuracy"] is None
    assert record["last"]["test_accuracy"] in (0, 0.25, 0.5, 0.75, 1)


def test_what_is_published_is_not_watched_and_whatever_else_lies_in_data_source_is(where):
    source = where / "data" / "source"

    def status():
        return run("dvc", "status", "fetch", cwd=where).stdout

    run("git", "stash", "-q", cwd=where)  # what an experiment left
    run("dvc", "repro", "-q", "fetch", cwd=where)
    for data in byname.names("datasets"):
        for name in getattr(sources.source(data), "VERIFIED", ()):
            path = source / name / "inside" if name.endswith("/") else source / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(name)
    assert "up to date" in status()
    write_npz(source)
    assert "data/source" in status()
    (source / "mine.npz").unlink()
    assert "up to date" in status()


def write_table(path, rows=18):
    """Twelve training rows, every second of which has a label that is not the true one, and test rows."""
    lines = ["seconds,label,clean_label,split,size"]
    for i in range(rows):
        given, true = i % 3, (i + (i % 2 if i < 12 else 0)) % 3
        lines.append(f"{1.6e9 + 700 * given + 13 * i},{given},{true},{'train' if i < 12 else 'test'},{i**0.5}")
    path.write_text("\n".join(lines) + "\n")


def test_a_users_table_is_watched_and_validation_one_shot_and_reinit_arrive_in_the_tables(where, tmp_path):
    root = tmp_path / "mine.csv"
    write_table(root)
    changes = ["n_rounds=2", "prune.schedule=one_shot", "reinit.every=2", "train.validation=3"]
    output = exp_run(where, *SMALL, *changes, "dataset=table", f"data_root={root}")
    assert ran(output)[-5:] == ["prune@r02", "redense@r00", "reinit@r02", "analyze@sdd", "draw@sdd"]
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    assert "data/rounds/r00/replicates" in [dep["path"] for dep in lock["prune@r02"]["deps"]]
    # The labels that came with the data are its noise.
    assert "6 of 12 training labels are not the true ones" in output
    assert {row["subset"] for row in artifacts.read_table(where / "plots/sdd/memorization.csv")} >= {
        "permuted",
        "restored",
    }
    assert "lenet on table, noise of its own, magnitude pruning" in output
    assert "without label noise" not in (where / "plots/sdd/claims.md").read_text()
    page = tmp_path / "report.html"
    run("prunelab", "report", "workspace", "--out", str(page), cwd=where)
    assert "with the wrong labels that the data brought?" in page.read_text()
    assert "best valid." in output
    summary = json.loads((where / "metrics/sdd.json").read_text())
    assert summary["best_validation"]["validation"] in (0, pytest.approx(1 / 3), pytest.approx(2 / 3), 1)
    rows = artifacts.read_table(where / "plots/sdd/reinit.csv")
    assert {(row["training"], row["round"]) for row in rows} == {("sparse", "r02"), ("reinit", "r02")}
    assert (where / "plots/sdd/figures/reinit.png").read_bytes().startswith(b"\x89PNG")
    its_networks_are_exported_and_used(where, root, tmp_path)
    # DVC sees that the file is another one now.
    write_table(root, rows=19)
    assert ran(run("dvc", "repro", "fetch", cwd=where).stdout) == ["fetch"]
    # How many images there are is known now only, and held against the parameters.
    edit_params(where, train=yaml.safe_load((where / "params.yaml").read_text())["train"] | {"validation": 12})
    refused = run("dvc", "repro", "corrupt", cwd=where, check=False).stdout
    assert "error: train.validation=12: must be less than the 12 training images" in refused
    refused = exp_run(where, "dataset=npz", "data_root=nowhere", check=False)
    assert "error: data_root='nowhere': must be" in refused
    assert not ran(refused)


def its_networks_are_exported_and_used(where, root, tmp_path):
    """Of raw rows they say what the study stored."""
    ticket = tmp_path / "t.safetensors"
    output = run("prunelab", "export", "workspace", "r02", "--compact", "--to", ticket, cwd=where).stdout
    assert output.startswith("r02 of seed 0: lenet on table (2 features, 3 classes), ")
    assert "\nas the study stored it: 9 of 9 training and 6 of 6 test examples\n" in output
    assert re.search(r" features and \[\d+, \d+\] units left\)", output)
    out = tmp_path / "out.csv"
    run("prunelab", "predict", ticket, root, "--csv", out, cwd=tmp_path)
    predicted = [int(row["predicted"]) for row in csv.DictReader(out.read_text().splitlines())]
    examples = artifacts.read_arrays(where / "data/rounds/r02/replicates/seed0" / artifacts.EXAMPLES)
    held = artifacts.read_arrays(where / artifacts.replicate(artifacts.CORRUPTED, 0) / artifacts.LABELS)["validation"]
    assert np.array(predicted[:12])[~held].tolist() == examples["predicted"].tolist()
    assert [i % 3 == k for i, k in enumerate(predicted[12:])] == examples["test_right"].tolist()
    run("prunelab", "speed", "--out", tmp_path / "speed", cwd=where)
    assert [row["round"] for row in artifacts.read_table(tmp_path / "speed" / "speed.csv")] == ["r00", "r01", "r02"]
    # What an older revision stored has no standardisation.
    read = images.read
    with contextlib.chdir(where), pytest.MonkeyPatch.context() as patch:
        patch.setattr(images, "read", lambda folder: replace(read(folder), standardisation=None))
        line = refused("export", "workspace", "r02", "--to", tmp_path / "u.safetensors")
    assert line == (
        "workspace: its features were stored by an older revision, without how it standardised them; run it again "
        "(`dvc repro`)"
    )
    assert not (tmp_path / "u.safetensors").exists()
