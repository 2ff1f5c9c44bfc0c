"""What DVCLive is told: few enough steps, the last one always, the same bytes each time."""

import pytest

from prunelab.core.study import live


def log(folder, epochs):
    with live.Log(folder) as log:
        for epoch in range(1, epochs + 1):
            for seed in (0, 1):
                row = {"epoch": epoch, "test_accuracy": epoch / 1000, "train_accuracy": 0.5, "train_loss": 1 / epoch}
                log.epoch(seed, row, epochs)
    return (folder / "seed1/live/plots/metrics/test/accuracy.tsv").read_text().splitlines()


@pytest.mark.parametrize(("epochs", "steps"), [(3, [1, 2, 3]), (130, [*range(6, 130, 6), 130])])
def test_dvclive_gets_at_most_about_25_steps_and_the_last(tmp_path, monkeypatch, epochs, steps):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    lines = log(tmp_path / "a", epochs)
    assert [int(line.split("\t")[0]) for line in lines[1:]] == steps
    assert lines[-1] == f"{epochs}\t{epochs / 1000}"
    log(tmp_path / "b", epochs)
    files = [path for path in (tmp_path / "a").rglob("*") if path.is_file()]
    assert len(files) == 2 * 3  # each is one more for DVC to hash and copy, for every replicate of every round
    for file in files:
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    assert not list(tmp_path.rglob("dvc.yaml"))


def test_where_there_is_no_dvclive_stages_still_train(tmp_path, monkeypatch):
    monkeypatch.setattr(live, "find_spec", lambda name: None)
    with live.Log(tmp_path) as log:
        log.epoch(0, {"epoch": 1, "test_accuracy": 0.5}, 1)
    assert not list(tmp_path.iterdir())
