"""What `prunelab queue` hands to DVC, which is not asked here; tests/test_sweep.py does it for real."""

import contextlib
from types import SimpleNamespace

import pytest

from prunelab.commands import main, queue
from prunelab.sweeps import plan

GRID = ["setting=digits_quick", "noise=0.2,0.4", "prune.criterion=magnitude,random"]


@pytest.fixture
def commands(monkeypatch):
    """The commands that were run."""
    seen = []
    monkeypatch.setattr(queue, "output", lambda *command: seen.append(command) or "")
    monkeypatch.setattr(queue.checks, "in_git", lambda params: None)
    monkeypatch.setattr(queue.checks, "path", lambda root: None)
    monkeypatch.setattr(queue.checks, "identity", lambda: {})
    return seen


def test_what_all_that_are_left_share_is_computed_with_their_parameters(commands, monkeypatch, capsys):
    monkeypatch.setattr(queue, "to_queue", lambda points: [p for p in points if p.params["noise"] == 0.4])
    main(["queue", *GRID])
    assert "first what all 2 share: up to dense\n" in capsys.readouterr().out
    first = [command for command in commands if "--temp" in command]
    assert [command[-1] for command in first] == ["dense"]
    assert all("noise=0.4" in command for command in first)
    queued = [command for command in commands if "--queue" in command]
    assert len(queued) == 2
    assert all("noise=0.4" in command for command in queued)


def test_where_nothing_is_left_nobody_is_told_to_start_anything(commands, monkeypatch, capsys):
    monkeypatch.setattr(queue, "to_queue", lambda points: [])
    main(["queue", *GRID])
    assert not commands
    printed = capsys.readouterr().out
    assert "dvc queue start" not in printed
    assert "dvc queue status" in printed


def test_what_is_queued_or_being_computed_is_not_queued_again(monkeypatch, capsys):
    points = {point.name: point for point in plan.points(["noise=0.1,0.2,0.3"])}

    def entries(name):
        return lambda: [SimpleNamespace(name=name, stash_rev=name)]

    celery = SimpleNamespace(iter_queued=entries("noise-0.1"), iter_active=entries("noise-0.2"))
    repo = SimpleNamespace(experiments=SimpleNamespace(ls=dict, celery_queue=celery))
    monkeypatch.setattr("dvc.repo.Repo", lambda: contextlib.nullcontext(repo))
    monkeypatch.setattr(plan, "recorded", lambda commit: points[commit].params)
    assert queue.to_queue([*points.values()]) == [points["noise-0.3"]]
    assert capsys.readouterr().out == (
        "noise-0.1: queued already\nnoise-0.2: being computed; if its worker was killed, `prunelab doctor` first\n"
    )
