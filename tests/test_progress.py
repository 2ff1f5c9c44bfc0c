"""What DVCLive is told: few enough steps, the last one always, the same bytes each time."""

from pathlib import Path

import pytest

from prunelab import progress


def watch(folder, epochs):
    with progress.Watch(
        "x",
        folder,
        [0, 1],
    ) as bar:
        for epoch in range(1, epochs + 1):
            for seed in (0, 1):
                row = {
                    "epoch": epoch,
                    "test_accuracy": epoch / 1000,
                    "train_loss": 1 / epoch,
                    "permuted_accuracy": None,
                }
                bar.epoch(seed, row, epochs)
    return (folder / "seed1/live/plots/metrics/test/accuracy.tsv").read_text().splitlines()


@pytest.mark.parametrize(("epochs", "steps"), [(3, [1, 2, 3]), (130, [*range(3, 130, 3), 130])])
def test_dvclive_gets_at_most_about_fifty_steps_and_the_last(tmp_path, monkeypatch, epochs, steps):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("DVC_ROOT", str(tmp_path))
    lines = watch(tmp_path / "a", epochs)
    assert [int(line.split("\t")[0]) for line in lines[1:]] == steps
    assert lines[-1] == f"{epochs}\t{epochs / 1000}"
    assert not (tmp_path / "a/seed0/live/plots/metrics/permuted").exists()
    watch(tmp_path / "b", epochs)
    for file in (tmp_path / "a").rglob("*.*"):
        assert file.read_bytes() == (tmp_path / "b" / file.relative_to(tmp_path / "a")).read_bytes()
    assert not list(tmp_path.rglob("dvc.yaml"))


def test_where_there_is_no_dvclive_stages_still_train(tmp_path, monkeypatch):
    monkeypatch.setattr(progress, "find_spec", lambda name: None)
    with progress.Watch("x", tmp_path, [0]) as bar:
        bar.epoch(0, {"epoch": 1, "test_accuracy": 0.5}, 1)
    assert not list(tmp_path.iterdir())


def test_the_last_round_is_shown_if_it_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert progress.of_all("r07") == "r07"
    Path("params.yaml").write_text("rounds: {r01: r00, r12: r11}\n")
    assert progress.of_all("r07") == "r07 of r12"
