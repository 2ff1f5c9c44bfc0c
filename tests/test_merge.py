"""Replicates computed apart and put together, against the same computed at once."""

import shutil
from pathlib import Path

import pytest

from prunelab import config
from prunelab.core import artifacts, digests
from prunelab.errors import UserError
from prunelab.sweeps import merge, replicates
from stages import corrupt, dense, fetch, prune
from stages.sdd import redense
from tests.golden import pipeline

SEEDS = [4, 1]
SMALL = {
    "subset.train": 200,
    "n_rounds": 1,
    "train.epochs": 2,
    "redense.epochs": 1,
    "redense.every": 2,
    "reinit.every": 0,
    "landscape.every": 0,
    "model.width": 0.1,
    "device": "cpu",
    "data_root": ".",
}


def computed(params):
    """The stages of a short study, and their outputs that hold replicates."""
    for module, arguments in (
        (fetch, ()),
        (corrupt, ()),
        (dense, ()),
        (prune, ("--round", "r01")),
        (redense, ("--round", "r00")),
    ):
        pipeline.stage(module, *arguments)
    values = params.model_dump() | config.derived(params)
    outs = [Path(out) for stage in replicates.stages(values) for out in stage.outs]
    assert len(outs) == 4  # two rounds, their origin, a re-dense round
    return outs


def content(root):
    """Every file of a folder, by name."""
    return {str(path.relative_to(root)): path.read_bytes() for path in sorted(root.rglob("*")) if path.is_file()}


@pytest.fixture(scope="module")
def apart(tmp_path_factory):
    """A folder for each of two runs, of one replicate each."""
    folders = []
    for seed in SEEDS:
        with pipeline.study({**SMALL, "seeds": [seed]}) as params:
            computed(params)
            folders.append(shutil.copytree("data", tmp_path_factory.mktemp("part") / "data").parent)
    return folders


def test_replicates_put_together_are_those_of_one_run_byte_by_byte(apart, tmp_path, monkeypatch):
    parts = [shutil.copytree(part, tmp_path / part.name) for part in apart]
    with pipeline.study({**SMALL, "seeds": SEEDS}) as params:
        outs = computed(params)
        expected = {out: content(out) for out in outs}
        for out in outs:
            shutil.rmtree(out)
        monkeypatch.setattr("sys.argv", ["merge", "union", *map(str, parts)])
        merge.main()
        assert {out: content(out) for out in outs} == expected
        for out in outs:
            assert {name.partition("/")[0] for name in expected[out]} >= {"seed1", "seed4", digests.SUMS}
        # What parts and study have not in common: the study's own parameters, and digests of all.
        assert artifacts.read_json(artifacts.ORIGIN / artifacts.GIVEN)["params"]["seeds"] == SEEDS
        assert not artifacts.UNFINISHED.exists()


def twice(part, out):
    shutil.copytree(part / out / "seed4", part / out / "seed1")
    digests.seal(part / out)
    return "another part has too"


def missing(part, out):
    shutil.rmtree(part / out / "seed4")
    digests.seal(part / out)
    return "must have seed4"


def foreign(part, out):
    (part / out / "seed4").rename(part / out / "seed40")
    digests.seal(part / out)
    return "must have seed4"


@pytest.mark.parametrize("harm", [twice, missing, foreign])
def test_what_is_not_all_of_a_study_becomes_no_output(harm, apart, tmp_path, monkeypatch):
    parts = [shutil.copytree(part, tmp_path / part.name) for part in apart]
    out = artifacts.of_round(artifacts.ROUNDS, "r01")
    said = harm(parts[0], out)
    monkeypatch.chdir(tmp_path)
    with pytest.raises(UserError, match=said):
        merge.union(out, parts, SEEDS)
    assert not out.exists()


def damaged(out):
    file = out / "seed4" / artifacts.HISTORY
    file.write_bytes(file.read_bytes()[:-1])
    return "seed4/history.csv"


def more(out):
    (out / "seed4" / "more.txt").write_text("")
    return "seed4/more.txt"


def fewer(out):
    (out / "seed4" / artifacts.HISTORY).unlink()
    return "seed4/history.csv"


def unvouched(out):
    (out / digests.SUMS).unlink()
    return f"seed4/{artifacts.EXAMPLES}"


def nothing(out):
    shutil.rmtree(out)
    return digests.SUMS


@pytest.mark.parametrize("harm", [damaged, more, fewer, unvouched, nothing])
def test_a_damaged_part_is_named_with_what_to_remove(harm, apart, tmp_path, monkeypatch):
    monkeypatch.chdir(shutil.copytree(apart[0], tmp_path / "part"))
    out = artifacts.of_round(artifacts.ROUNDS, "r01")
    monkeypatch.setattr(merge, "_kept_as", lambda folder, name: f"OBJECT of {folder.name}/{name}")
    merge.check("a_part-4", out)
    harmed = harm(out)
    with pytest.raises(UserError) as said:
        merge.check("a_part-4", out)
    assert str(said.value).startswith(
        f"a_part-4: {out}/{harmed}: damaged (not what sha256sums.txt says); remove OBJECT"
    )
    assert f"of replicates/{harmed} from DVC's cache and remote, `dvc exp remove -g origin a_part-4`" in str(said.value)
