"""Killed at random file operations, the doctor, the same command again: as unbroken. Hundreds: benchmarks/kills.py."""

import shutil

import pytest
from killed_pipelines import quick, quick_steps
from kills import Campaign
from watched import copied, through

WAYS = [("python", 2, 6), pytest.param("libc", 5, 6, marks=pytest.mark.skipif(not shutil.which("cc"), reason="no cc"))]


@pytest.mark.parametrize(("how", "seed", "kills"), WAYS)
def test_whatever_is_killed_ends_as_unbroken(tmp_path, how, seed, kills):
    mine = quick(tmp_path / "template")
    steps = quick_steps()[:2] if how == "python" else quick_steps()[:1]
    campaign = Campaign(steps, mine, seed, lambda: None)
    campaign.reference(copied(tmp_path / "template", tmp_path / "unbroken", through(how, tmp_path)))
    done = 0
    while done < kills:
        case = copied(tmp_path / "template", tmp_path / f"after {done}", through(how, tmp_path))
        done += campaign.chain(case, kills - done)
    tallies = campaign.tallies.values()
    assert [text for tally in tallies for text in tally.failures] == []
    assert sum(tally.kills for tally in tallies) == kills
    assert sum(tally.operations for tally in tallies) > 300
