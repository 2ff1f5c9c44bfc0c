"""What a user brings, from pictures and arrays to the curve: real DVC in a clone."""

import json

import numpy as np
import pytest
import yaml
from conftest import TINY, clone, edit_params, exp_run, ran, run
from written import write_folder, write_npz

from prunelab.core import artifacts, byname, sources

SMALL = ["noise=0", "seeds=[0]", "n_rounds=1", "redense.every=9", "train.batch_size=4"]


@pytest.fixture(scope="module")
def where(tmp_path_factory):
    return clone(tmp_path_factory.mktemp("own"))


def test_a_users_folder_goes_from_pictures_to_a_trained_network(where, tmp_path):
    """The rest of the way is the same as for arrays, below."""
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


def test_a_users_arrays_are_watched_and_validation_one_shot_and_reinit_arrive_in_the_tables(where, tmp_path):
    root, _ = write_npz(tmp_path, y_train_clean=(np.arange(12) + (np.arange(12) % 2)) % 3)
    changes = ["n_rounds=2", "prune.schedule=one_shot", "reinit.every=2", "train.validation=3"]
    output = exp_run(where, *SMALL, *changes, "dataset=npz", f"data_root={root}")
    assert ran(output)[-5:] == ["prune@r02", "redense@r00", "reinit@r02", "analyze@sdd", "draw@sdd"]
    lock = yaml.safe_load((where / "dvc.lock").read_text())["stages"]
    assert "data/rounds/r00/replicates" in [dep["path"] for dep in lock["prune@r02"]["deps"]]
    # The labels that came with the data are its noise.
    assert "6 of 12 training labels are not the true ones" in output
    assert {row["subset"] for row in artifacts.read_table(where / "plots/sdd/memorization.csv")} >= {
        "permuted",
        "restored",
    }
    assert "lenet on npz, noise of its own, magnitude pruning" in output
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
    # DVC sees that the file is another one now.
    write_npz(tmp_path, x_train=np.zeros((12, 6, 5), dtype=np.uint8))
    assert ran(run("dvc", "repro", "fetch", cwd=where).stdout) == ["fetch"]
    # How many images there are is known now only, and held against the parameters.
    edit_params(where, train=yaml.safe_load((where / "params.yaml").read_text())["train"] | {"validation": 12})
    refused = run("dvc", "repro", "corrupt", cwd=where, check=False).stdout
    assert "error: train.validation=12: must be less than the 12 training images" in refused
    refused = exp_run(where, "dataset=npz", "data_root=nowhere", check=False)
    assert "error: data_root='nowhere': must be" in refused
    assert not ran(refused)
