"""The progress bar counts and says how far the replicates are."""

import re
from pathlib import Path

from prunelab import progress


def test_the_bar_counts_all_replicates_and_shows_their_mean_test_accuracy(capsys):
    with progress.Bar("prune r01", [4, 7]) as bar:
        for seed, accuracy in ((4, 0.5), (7, 0.25), (4, 0.75)):
            bar.step(seed, {"test_accuracy": accuracy}, 2)
    last = re.split(r"[\r\n]+", capsys.readouterr().err.strip())[-1]
    assert "prune r01:  75%" in last
    assert "3/4" in last
    assert "test 0.500" in last


def test_steps_without_an_accuracy_are_counted_only(capsys):
    with progress.Bar("landscape r00", [0], "part") as bar:
        bar.step(0, {}, 5)
    last = capsys.readouterr().err
    assert "1/5" in last
    assert "part" in last
    assert "test" not in last


def test_the_last_round_is_shown_if_it_is_known(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    assert progress.of_all("r07") == "r07"
    Path("params.yaml").write_text("rounds: {r01: r00, r12: r11}\n")
    assert progress.of_all("r07") == "r07 of r12"
