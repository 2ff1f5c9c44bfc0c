"""How far a run got, on small graphs whose answer is known; and what is said of it."""

import copy
import hashlib
import json

import pytest
import yaml
from fsspec.implementations.dirfs import DirFileSystem
from fsspec.implementations.local import LocalFileSystem

from prunelab.comparison import provenance
from prunelab.errors import UserError

PIPELINE = yaml.safe_load("""
stages:
  fetch: {deps: ["src/${dataset}.py", "${root}"], params: [dataset], outs: [data/raw]}
  dense: {deps: [data/raw], params: [train], outs: [data/rounds/r00]}
  prune:
    foreach: ${rounds}
    do:
      deps: [data/raw, "data/rounds/${item}", "src/${prune.criterion}.py"]
      params: [prune.criterion, train]
      outs: ["data/rounds/${key}"]
  again:
    foreach: ${chosen}
    do: {deps: ["data/rounds/${item}"], params: [train], outs: ["data/rounds/again/${item}"]}
  analyze:
    deps: [data/raw/facts.json, data/rounds]
    params: [noise, prune, train]
    metrics: [{m.json: {cache: false}}]
    outs: [{t.csv: {cache: false}}]
  draw: {deps: [t.csv], params: [noise], outs: [{figures: {cache: false}}, data/report.txt]}
""")
PARAMS = {
    "dataset": "digits",
    "root": "data/source",
    "noise": 0.4,
    "prune": {"criterion": "magnitude", "schedule": "iterative"},
    "train": {"lr": 0.1, "epochs": 2},
    "rounds": {"r01": "r00", "r02": "r01"},
    "chosen": ["r02"],
}
FILES = {"m.json": "{}", "t.csv": "round,seed\n", "figures/b.png": "B", "figures/a.png": "A"}


def md5(text):
    return hashlib.md5(text.encode()).hexdigest()


def entry(params, deps, outs):
    """As DVC writes it."""

    def files(some):
        return [{"path": p, "md5": h, **({"size": size, "nfiles": 2} if size else {"size": 1})} for p, h, size in some]

    return {"params": {"params.yaml": params}, "deps": files(deps), "outs": files(outs)}


def lock():
    """Of PARAMS; data/raw is 7 bytes long, the rounds are 5, 10, 20 and 30, two files each."""
    code = [("src/digits.py", "code", 0)]
    raw, again = ("data/raw", "d", 7), ("data/rounds/again/r02", "d3", 30)
    r0, r1, r2 = (("data/rounds/r00", "d0", 5), ("data/rounds/r01", "d1", 10), ("data/rounds/r02", "d2", 20))
    pruned = {"prune.criterion": "magnitude", "train": {"lr": 0.1, "epochs": 2}}
    everything = {"noise": 0.4, "prune": dict(PARAMS["prune"]), "train": {"lr": 0.1, "epochs": 2}}
    listed = json.dumps([{"md5": md5(FILES[f"figures/{n}"]), "relpath": n} for n in ("a.png", "b.png")])
    tables = [(name, md5(FILES[name]), 0) for name in ("m.json", "t.csv")]
    rounds = {"path": "data/rounds", "md5": "dd", "size": 65, "nfiles": 8}
    stages = {
        "fetch": entry({"dataset": "digits"}, [*code, ("data/source", "s", 9)], [raw]),
        "dense": entry({"train": pruned["train"]}, [raw], [r0]),
        "prune@r01": entry(pruned, [raw, r0], [r1]),
        "prune@r02": entry(pruned, [raw, r1], [r2]),
        "again@r02": entry({"train": pruned["train"]}, [r2], [again]),
        "analyze": entry(everything, [("data/raw/facts.json", "f", 0)], tables),
        "draw": entry({"noise": 0.4}, [("t.csv", md5(FILES["t.csv"]), 0)], [("figures", f"{md5(listed)}.dir", 0)]),
    }
    stages["analyze"]["deps"].append(rounds)
    return {"schema": "2.0", "stages": stages}


def reached(lock, params=PARAMS, pipeline=PIPELINE):
    return provenance.unfinished(pipeline, lock, params)


def changed(params, **values):
    return copy.deepcopy(params) | values


def test_a_whole_run_lacks_nothing():
    assert reached(lock()) is None


@pytest.mark.parametrize("missing", ["dense", "prune@r01", "prune@r02", "again@r02", "analyze", "draw"])
def test_a_stage_that_never_ran(missing):
    some = lock()
    before = list(some["stages"])[list(some["stages"]).index(missing) - 1]
    del some["stages"][missing]
    assert reached(some) == f"ran only up to {before}"


@pytest.mark.parametrize(
    ("values", "last"),
    [
        ({"dataset": "mnist"}, None),
        ({"train": {"lr": 0.1, "epochs": 3}}, "fetch"),
        ({"prune": {"criterion": "random", "schedule": "iterative"}}, "dense"),
        ({"prune": {"criterion": "magnitude", "schedule": "one_shot"}}, "again@r02"),  # read by none before analyze
        ({"noise": 0.2}, "again@r02"),
        ({"rounds": {"r01": "r00", "r02": "r00"}}, "prune@r01"),  # the same parameters, another parent
        ({"rounds": {"r01": "r00", "r02": "r01", "r03": "r02"}}, "prune@r02"),
        ({"chosen": ["r01"]}, "prune@r02"),
    ],
)
def test_parameters_of_another_run(values, last):
    said = f"ran only up to {last}" if last else "ran no stage with its parameters"
    assert reached(lock(), changed(PARAMS, **values)) == said


def test_values_are_compared_not_text():
    assert reached(lock(), changed(PARAMS, noise=0.4, train={"epochs": 2.0, "lr": 1e-1})) is None
    without = lock()
    del without["stages"]["analyze"]["params"]["params.yaml"]["noise"]  # of a run whose dvc.yaml did not declare it
    assert reached(without) == "ran only up to again@r02"


def test_the_chain_of_bytes():
    broken = lock()
    broken["stages"]["prune@r01"]["outs"][0]["md5"] = "other"  # run anew, with what follows still to run
    assert reached(broken) == "ran only up to prune@r01"
    code = lock()
    code["stages"]["fetch"]["deps"][0]["md5"] = "other"
    assert reached(code) is None


def test_a_folder_of_parts_is_told_by_its_size():
    """All training ran anew (other code), analyze did not; then with another run's rounds in the same folder."""
    anew = lock()
    anew["stages"]["prune@r02"]["outs"][0] |= {"md5": "new", "size": 21}
    anew["stages"]["again@r02"]["deps"][0]["md5"] = "new"
    assert reached(anew) == "ran only up to again@r02"
    longer = lock()
    longer["stages"]["analyze"]["deps"][-1] |= {"size": 99, "nfiles": 10}
    assert reached(longer) is None
    longer["stages"]["analyze"]["deps"][-1] |= {"nfiles": 7}
    assert reached(longer) == "ran only up to again@r02"


def test_no_stage_is_not_a_whole_run():
    assert provenance.unfinished({}, {}, {}) == "ran no stage with its parameters"
    assert reached({}) == "ran no stage with its parameters"


@pytest.fixture
def tree(tmp_path):
    """The files of a whole run."""
    (tmp_path / "figures").mkdir()
    written = {"dvc.yaml": PIPELINE, "dvc.lock": lock(), "params.yaml": PARAMS}
    for name, text in (
        FILES | {name: yaml.safe_dump(values, sort_keys=False) for name, values in written.items()}
    ).items():
        (tmp_path / name).write_text(text)
    return tmp_path


def lacks(tree):
    return provenance.lacks(DirFileSystem(str(tree), LocalFileSystem()))


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("t.csv", "lacks t.csv as analyze made it"),
        ("m.json", "lacks m.json as analyze made it"),
        ("figures/a.png", "lacks figures as draw made it"),
    ],
)
def test_a_table_or_figure_of_another_run(tree, name, said):
    assert lacks(tree) is None
    (tree / name).write_text("of another run")
    assert lacks(tree) == said
    (tree / name).unlink()
    assert lacks(tree) == said


def test_files_that_are_missing_or_no_yaml(tree):
    (tree / "dvc.lock").write_text("stages:\n<<<<<<< HEAD\n  fetch: {}\n")
    assert lacks(tree) == "has a dvc.lock that is not YAML"
    (tree / "dvc.lock").unlink()
    assert lacks(tree) == "ran no stage with its parameters"
    (tree / "params.yaml").write_text("dataset: digits\n")
    assert lacks(tree) == "has no root in params.yaml"


def test_small_numbers_are_numbers(tree):
    """DVC writes 1e-05 to dvc.lock, which YAML 1.1 takes for text."""
    params, made = copy.deepcopy(PARAMS), lock()
    params["train"]["lr"] = 1e-05
    (tree / "params.yaml").write_text(yaml.safe_dump(params))
    for stage in ("dense", "prune@r01", "prune@r02", "again@r02", "analyze"):
        made["stages"][stage]["params"]["params.yaml"]["train"]["lr"] = 1e-05
    (tree / "dvc.lock").write_text(yaml.safe_dump(made, sort_keys=False).replace("1.0e-05", "1e-05"))
    assert lacks(tree) is None


def test_what_is_said_of_them():
    lacking = {"k1": "ran only up to corrupt", "k2": "ran no stage with its parameters"}
    assert provenance.told(lacking, 1) == [
        "k1 ran only up to corrupt: left out",
        "k2 ran no stage with its parameters: left out",
    ]
    assert provenance.told({}, 0) == []
    with pytest.raises(UserError) as caught:
        provenance.told(lacking, 0)
    assert str(caught.value) == "k1 ran only up to corrupt, k2 ran no stage with its parameters: nothing left to show"
