"""What DVCLive is told: few enough steps, the last one always, the same bytes each time."""

from pathlib import Path

import pytest

from prunelab.core.artifacts import LIVE
from prunelab.core.rounds import live


def log(folder, epochs):
    with live.Log(Path("data", folder)) as log:
        for epoch in range(1, epochs + 1):
            for seed in (0, 1):
                row = {"epoch": epoch, "test_accuracy": epoch / 1000, "train_accuracy": 0.5, "train_loss": 1 / epoch}
                log.epoch(seed, row, epochs)
    return (LIVE / folder / "seed1/plots/metrics/test/accuracy.tsv").read_text().splitlines()


@pytest.mark.parametrize(("epochs", "steps"), [(3, [1, 2, 3]), (130, [*range(6, 130, 6), 130])])
def test_dvclive_gets_at_most_about_25_steps_and_the_last(tmp_path, monkeypatch, epochs, steps):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    lines = log("a", epochs)
    assert [int(line.split("\t")[0]) for line in lines[1:]] == steps
    assert lines[-1] == f"{epochs}\t{epochs / 1000}"
    log("b", epochs)
    files = [path for path in (LIVE / "a").rglob("*") if path.is_file()]
    assert len(files) == 2 * 3
    for file in files:
        assert file.read_bytes() == (LIVE / "b" / file.relative_to(LIVE / "a")).read_bytes()
    assert not list(tmp_path.rglob("dvc.yaml"))


def test_where_there_is_no_dvclive_stages_still_train(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "find_spec", lambda name: None)
    monkeypatch.chdir(tmp_path)
    with live.Log(Path("data/a")) as log:
        log.epoch(0, {"epoch": 1, "test_accuracy": 0.5}, 1)
    assert not list(tmp_path.iterdir())
