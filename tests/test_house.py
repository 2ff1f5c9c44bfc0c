"""A study is a folder: one that is added runs without another file being touched, and without the others."""

import json

import yaml
from conftest import clone, ran, run

PARAMETERS = '''
"""How often the toy counts."""

from prunelab.fields import Section, whole

ROUNDS = False


class Toy(Section):
    """`toy.*`."""

    times: int = whole(1, 9)


PARAMETERS = {"toy": Toy}
DERIVED = {}
'''
COUNTING = '''
"""The toy's science."""


def wrong(given, original):
    """How many labels are not the true ones."""
    return int((given != original).sum())
'''
PAGE = '''
"""Count wrong labels."""

from prunelab import config
from prunelab.core import artifacts, images
from prunelab.studies.toy import counting
from stages import run


def main() -> None:
    """Write metrics/toy.json and plots/toy."""
    params = config.read("toy")
    original = images.read(artifacts.RAW).y_train
    rows = []
    for seed in params.seeds:
        labels = artifacts.read_arrays(artifacts.replicate(artifacts.CORRUPTED, seed) / artifacts.LABELS)
        rows.append({"seed": seed, "wrong": counting.wrong(labels["given"], original) * params.toy.times})
    with artifacts.writing(artifacts.Path("plots/toy")) as folder:
        artifacts.write_table(folder / "wrong.csv", rows)
    artifacts.write_json(artifacts.Path("metrics/toy.json"), {"wrong": sum(row["wrong"] for row in rows)})


if __name__ == "__main__":
    run(main)
'''
BANNER = """
  # ---- toy ---------------------------------------------------------------------------------------------------------
  toy:
    foreach: ${chosen.toy}
    do:
      cmd: python -m stages.toy.toy
      deps:
        - data/common/raw
        - data/common/corrupted
        - stages/toy/toy.py
        - src/prunelab/studies/toy
        - src/prunelab/core
      params: [seeds, toy]
      metrics:
        - metrics/toy.json:
            cache: false
      outs:
        - plots/toy:
            cache: false

"""
SECTION = "# @package _global_\ntoy:\n  times: 2    # multiplies the count; from 1 to 9\n"


def with_toy(tmp_path):
    where = clone(tmp_path)
    for name, text in {
        "stages/toy/__init__.py": '"""The stage of the toy."""\n',
        "stages/toy/toy.py": PAGE.lstrip(),
        "src/prunelab/studies/toy/__init__.py": '"""A toy."""\n',
        "src/prunelab/studies/toy/parameters.py": PARAMETERS.lstrip(),
        "src/prunelab/studies/toy/counting.py": COUNTING.lstrip(),
        "conf/study/toy.yaml": SECTION,
    }.items():
        (where / name).parent.mkdir(exist_ok=True)
        (where / name).write_text(text)
    graph = (where / "dvc.yaml").read_text()
    end = graph.index("# What `dvc plots show`")
    (where / "dvc.yaml").write_text(graph[:end].rstrip() + "\n" + BANNER + graph[end:])
    run("git", "add", "-A", cwd=where)
    run("git", "commit", "-q", "-m", "a toy", cwd=where)
    return where


def test_a_study_is_added_without_touching_another_file(tmp_path):
    where = with_toy(tmp_path)
    changes = ["-S", "studies=[toy]", "-S", "toy.times=3", "-S", "seeds=[0,1]", "-S", "noise=0.5"]
    output = run("dvc", "exp", "run", "-n", "first", *changes, cwd=where).stdout
    assert ran(output) == ["fetch", "corrupt", "toy@toy"]
    tables = (where / "plots" / "toy" / "wrong.csv").read_text().splitlines()[1:]
    wrong = [int(line.split(",")[1]) for line in tables]
    # Half of 1,000 labels, of which a tenth draws the true one again.
    assert all(count % 3 == 0 and 400 < count / 3 < 500 for count in wrong)
    assert json.loads((where / "metrics" / "toy.json").read_text()) == {"wrong": sum(wrong)}
    # What the other study left in the tree is not shown as this run's.
    shown = json.loads(run("dvc", "metrics", "show", "--json", cwd=where).stdout)
    assert list(shown[""]["data"]) == ["metrics/toy.json"]
    row = json.loads(run("dvc", "exp", "show", "--json", cwd=where).stdout)[0]
    assert list(row["data"]["metrics"]) == ["metrics/toy.json"]
    for command in ("compare", "report"):
        done = run("prunelab", command, "first", cwd=where, check=False)
        assert done.stdout == "error: first did not run the study sdd: nothing left to show\n"
        assert done.returncode == 1
    all_ = "labels, lens, sdd, stability, theory, toy"
    # A wrong parameter of its own is one line before anything runs; the other study's are still checked.
    for change, line in (
        ("toy.times=10", "error: toy.times=10: must be a whole number from 1 to 9"),
        ("toy.time=3", "error: toy.time=3: unknown parameter; did you mean toy.times?"),
        ("redense.every=0", "error: redense.every=0: must be a whole number from 1 to 99"),
        ("studies=[toys]", f"error: studies='toys': must be a list, empty or of {all_}, none twice"),
    ):
        done = run("dvc", "exp", "run", "-S", change, cwd=where, check=False)
        assert done.returncode
        assert line in done.stdout.splitlines()


def test_without_any_study_there_are_data_and_labels(tmp_path):
    where = clone(tmp_path)
    before = (where / "plots" / "sdd" / "claims.md").read_bytes()
    assert ran(run("dvc", "exp", "run", "-S", "studies=[]", "-n", "none", cwd=where).stdout) == ["fetch", "corrupt"]
    assert ran(run("dvc", "exp", "run", "-S", "studies=[]", "-S", "seeds=[0]", cwd=where).stdout) == ["corrupt"]
    assert yaml.safe_load((where / "params.yaml").read_text())["rounds"] == {}
    assert (where / "plots" / "sdd" / "claims.md").read_bytes() == before
    assert json.loads(run("dvc", "metrics", "show", "--json", cwd=where).stdout) in ({}, {"": {}}, {"": {"data": {}}})
    plots = json.loads(run("dvc", "plots", "diff", "HEAD", "none", "--json", cwd=where).stdout.splitlines()[-1])
    revisions = [one["revisions"] for some in plots["data"].values() for one in some]
    assert revisions == [["HEAD"]] * 5
