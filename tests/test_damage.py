"""Some bits flipped and some files replaced: each is named in one line, or not read; benchmarks/flips.py tries many."""

import random
import tempfile
from pathlib import Path

import damage
import pytest
import replaced

SEED = 0


@pytest.fixture(scope="module")
def study():
    with damage.study() as found:
        yield found


def bad(trials):
    return [trial for trial in trials if trial.outcome not in (damage.HARMLESS, damage.NAMED)]


def test_every_file_that_a_stage_reads_is_among_the_kinds_that_are_damaged(study):
    read = {path for path in study.openers if path.startswith(("data/", "plots/", "metrics/"))}
    read = {path for path in read if not path.endswith(".partial") and not path.startswith("data/unfinished/")}
    assert read <= {*study.files}
    assert {"labels.npz", "weights.safetensors", "history.csv", "record.json", "facts.json", "sha256sums.txt"} <= {
        Path(path).name for path in read
    }


def test_a_flipped_bit_is_named_or_not_read(study):
    trials = list(damage.flips(study, 130, random.Random(SEED)))
    assert bad(trials) == []
    assert sum(trial.outcome == damage.NAMED for trial in trials) > 60


def test_another_thing_in_a_files_place_is_named_or_not_read(study):
    trials = list(replaced.trials(study, 110, random.Random(SEED)))
    assert bad(trials) == []
    assert sum(trial.outcome == damage.NAMED for trial in trials) > 60


def test_another_rounds_or_replicates_file_is_named(study):
    trials = list(replaced.anothers(study, random.Random(SEED)))
    chosen = random.Random(SEED).sample(trials, 40)
    assert bad(chosen) == []


@pytest.mark.parametrize("sabotage", ["check", "read"])
def test_the_campaign_sees_damage_that_is_used(study, monkeypatch, sabotage):
    """Without the digests, or with a reader that swallows what is wrong, it must fail: else it could not."""
    path = "data/rounds/r00/replicates/seed0/weights.safetensors"
    content = damage.flipped(study.files[path], 8 * len(study.files[path]) - 12)
    step = next(step for step in study.readers(path) if step.stage == "redense")
    assert study.outcome({path: content}, step)[0] == damage.NAMED
    if sabotage == "check":
        monkeypatch.setattr("prunelab.core.digests.check", lambda *some: None)
        assert study.outcome({path: content}, step)[0] == damage.SILENT
    else:
        monkeypatch.setattr("prunelab.core.artifacts.reading", lambda path: tempfile.TemporaryDirectory())
        assert study.outcome(study.sealed(path, b""), step)[0] == damage.OTHER
    assert damage.tree() == study.files
