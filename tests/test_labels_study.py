"""The study labels under DVC, tiny, on a user's own pictures: from a folder to a list, and to data without them."""

import csv
import json
import re

import numpy as np
import pytest
from conftest import clone, ran, run
from PIL import Image
from sklearn.datasets import load_digits

from prunelab.commands import main
from prunelab.core import artifacts
from prunelab.datasets import npz
from prunelab.studies.labels import places, tables
from prunelab.studies.labels.figures import FIGURES

TINY = (
    *("setting=labels", "dataset=folder", "seeds=[0,1]", "train.epochs=30", "train.lr=0.3", "train.batch_size=32"),
    *("early.networks=3", "early.share=0.6", "suspects.folds=2", "suspects.shown=12", "model.width=0.2"),
)
NAMES = {0: "007", 1: "=one", 2: "<script>alert(1)<script>", 3: "drei"}  # of folders


@pytest.fixture(scope="module")
def pictures(tmp_path_factory):
    """Digits 0 to 3 as files in folders; every tenth training picture lies in another class's folder."""
    root = tmp_path_factory.mktemp("mine")
    x, y = load_digits(n_class=4, return_X_y=True)
    moved = set()
    for i, (pixels, label) in enumerate(zip(x[:560], y[:560], strict=True)):
        part, given = ("train", label) if i < 360 else ("test", label)
        if part == "train" and i % 10 == 3:
            given = (label + 1 + i % 3) % 4
            moved.add(f"picture {i:03d}.png")
        folder = root / part / NAMES[int(given)]
        folder.mkdir(parents=True, exist_ok=True)
        Image.fromarray((pixels.reshape(8, 8) * 15).astype(np.uint8)).save(folder / f"picture {i:03d}.png")
    return root, moved


def tiny(where, name, root, *changes):
    options = [part for change in (*TINY, f"data_root={root}", *changes) for part in ("-S", change)]
    return run("dvc", "exp", "run", "-n", name, *options, cwd=where).stdout


@pytest.fixture(scope="module")
def done(tmp_path_factory, pictures):
    where = clone(tmp_path_factory.mktemp("labels"))
    return where, tiny(where, "one", pictures[0])


def suspects(where):
    return list(csv.DictReader((where / places.SUSPECTS).read_text().splitlines()))


def test_from_a_folder_of_pictures_to_a_list(done, pictures):
    where, printed = done
    assert ran(printed) == ["fetch", "corrupt", "early@ensemble", "crossfit@labels", "labels_draw@labels"]
    assert "2 replicates with the same labels, together" in printed
    assert "lenet on folder, labels as they came" in printed
    rows, moved = suspects(where), pictures[1]
    assert len(rows) == 360
    assert {row["given"] for row in rows} == {*NAMES.values()}
    found = {row["name"].rpartition("/")[2] for row in rows[: len(moved)]}
    assert len(found & moved) / len(moved) > 0.85
    for row in rows[:3]:
        assert (pictures[0] / row["name"]).is_file()
        assert row["name"].split("/")[1] == row["given"] != row["suggested"]
    metrics = artifacts.read_json(where / places.METRICS)
    assert metrics["estimated_wrong"]["low"] <= len(moved) <= metrics["estimated_wrong"]["high"]
    assert "wrong" not in metrics  # nobody knows
    kept = {path.name for path in (where / places.PLOTS).iterdir()}
    assert kept == {*(f"{name}.csv" for name in tables.COLUMNS), places.FIGURES, "sha256sums.txt"}
    assert {path.stem for path in (where / places.PLOTS / places.FIGURES).glob("*.png")} == {*FIGURES}


def test_a_finished_chain_adds_its_ranking_and_trains_no_ensemble(done, pictures):
    where, _ = done
    few = ("n_rounds=1", "redense.every=9", "landscape.every=0", "reinit.every=0", "redense.epochs=1")
    chain = tiny(where, "chain", pictures[0], "studies=[sdd]", *few)
    assert "dense@r00" in ran(chain)
    again = ran(tiny(where, "both", pictures[0], "studies=[sdd,labels]", *few))
    assert again == ["analyze@sdd", "draw@sdd", "labels_draw@labels"]  # no training
    rows = suspects(where)
    assert sorted(int(row["chain_rank"]) for row in rows) == [*range(1, 361)]


def test_the_list_and_the_data_without_it(done, pictures, tmp_path, monkeypatch, capsys):
    where, _ = done
    root, moved = pictures
    monkeypatch.chdir(where)
    main(["suspects", "one", "--top", "4"])
    printed = capsys.readouterr().out.splitlines()
    assert printed[0].split() == ["rank", "index", "given", "suggested", "score", "name"]
    assert [line.split()[0] for line in printed[1:5]] == ["1", "2", "3", "4"]
    main(["suspects", "one", "--top", "4", "--csv", str(tmp_path / "few.csv")])
    few = list(csv.DictReader((tmp_path / "few.csv").read_text().splitlines()))
    assert [row["rank"] for row in few] == ["1", "2", "3", "4"]
    assert {row["given"] for row in few} <= {*NAMES.values()}  # 007 is no 7
    said = run(
        "prunelab", "suspects", "one", "--top", len(moved), "--write", tmp_path / "cleaned.npz", cwd=where
    ).stdout
    assert f"{360 - len(moved)} of 360 training examples" in said
    cleaned = npz.load(tmp_path / "cleaned.npz")
    assert len(cleaned.y_train) == 360 - len(moved)
    assert set(cleaned.classes) == {*NAMES.values()}
    assert cleaned.given_train is None
    dropped = {row["name"] for row in few}
    assert dropped == {line[line.index("train/") :] for line in printed[1:5]}
    assert all((root / name).is_file() for name in dropped)  # nothing of the user's own was touched
    again = tiny(where, "cleaned", tmp_path / "cleaned.npz", "dataset=npz")
    assert "labels estimated to be wrong" in again
    # What is left of wrong labels shows in the ranking of what is left.
    assert artifacts.read_json(where / places.METRICS)["estimated_wrong"]["count"] < len(moved) / 2


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--top", "0"), "--top 0: must be from 1 to 360"),
        (("--top", "361"), "--top 361: must be from 1 to 360"),
        (("--top", "360", "--write", "x.npz"), "--top 360: must be from 1 to 359"),
        (("--csv", "{root}/x.csv"), "--csv {root}/x.csv: must not be the run's own data"),
        (("--csv", "conf"), "--csv conf: is a folder, must be a file"),
        (("--write", "x.csv"), "--write x.csv: must end in .npz (or, for dataset=table, in .csv)"),
        (("--write", "nowhere/x.npz"), "--write nowhere/x.npz: there is no folder nowhere"),
        (("--write", "{root}/x.npz"), "--write {root}/x.npz: must not be the run's own data"),
        (("--write", "{old}"), "--write {old}: exists already; remove it, or name another file"),
        (("--seed", "9"), "--seed 9: must be one of 0, 1"),
    ],
)
def test_wrong_options_end_in_one_line(done, pictures, tmp_path, monkeypatch, options, line):
    (tmp_path / "old.npz").touch()
    named = {"root": pictures[0], "old": tmp_path / "old.npz"}
    monkeypatch.chdir(done[0])
    with pytest.raises(SystemExit) as found:
        main(["suspects", "one", *(option.format(**named) for option in options)])
    assert str(found.value).startswith(f"error: {line.format(**named)}")
    assert "\n" not in str(found.value)


def test_a_run_without_suspects_is_one_line(done, monkeypatch):
    monkeypatch.chdir(done[0])
    for name, line in (("nope", "nope: no such experiment"), ("HEAD", "HEAD ")):
        with pytest.raises(SystemExit, match=f"^error: {line}") as found:
            main(["suspects", name])
        assert "\n" not in str(found.value)


def test_the_page_takes_no_name_for_markup(done, tmp_path, monkeypatch):
    monkeypatch.chdir(done[0])
    main(["report", "one", "--out", str(tmp_path / "page.html")])
    page = (tmp_path / "page.html").read_text().split("</head>\n<body>")[1]
    assert "Which labels are probably wrong?" in page
    assert "<script>alert" not in page
    rows = json.loads(re.search(r"of (\[\{.*?\}\])\.entries\(\)", page)[1])[0]["rows"]
    assert len(rows) == 360
    assert {row["given"] for row in rows} == {*NAMES.values()}
    assert "data:image/png;base64," in page
    assert not re.search(r"""(?:src|href)\s*=\s*["']?(?!data:)[a-z./]|@import|url\((?!\$|data:)""", page)


def test_two_runs_side_by_side(done, tmp_path, monkeypatch, capsys):
    where, _ = done
    plots = json.loads(run("dvc", "plots", "diff", "one", "cleaned", "--json", cwd=where).stdout.splitlines()[-1])[
        "data"
    ]
    shown = [name for name, some in plots.items() if name.startswith("labels")]
    assert len(shown) == 2
    monkeypatch.chdir(where)
    main(["compare", "one", "cleaned", "--out", str(tmp_path / "out")])
    assert "estimated to be wrong" in capsys.readouterr().out
    assert (tmp_path / "out/labels.png").is_file()


TABLE_ROWS = 160


def test_a_table_is_written_without_their_lines(tmp_path, monkeypatch, pictures, done):
    """A csv: the user's own lines, with their columns and in their order."""
    where, _ = done
    x, y = load_digits(n_class=3, return_X_y=True)
    lines = ["label,clean_label,comment_length,split," + ",".join(f"p{i}" for i in range(64))]
    for i in range(TABLE_ROWS):
        given = (y[i] + 1) % 3 if i % 10 == 0 and i < 120 else y[i]
        part = "train" if i < 120 else "test"
        lines.append(f"class {given},class {y[i]},{i % 7},{part}," + ",".join(str(int(v)) for v in x[i]))
    (tmp_path / "mine.csv").write_text("\n".join(lines) + "\n")
    printed = tiny(where, "table", tmp_path / "mine.csv", "dataset=table", "seeds=[0]")
    assert "12 are" in printed
    monkeypatch.chdir(where)
    main(["suspects", "table", "--top", "10", "--write", str(tmp_path / "cleaned.csv")])
    kept = (tmp_path / "cleaned.csv").read_text().splitlines()
    assert len(kept) == len(lines) - 10
    assert kept[0] == lines[0]
    assert [line for line in lines if line in {*kept}] == kept
    (tmp_path / "mine.csv").write_text("\n".join(lines[:-1]) + "\n")  # another table by now
    with pytest.raises(SystemExit, match=r"is not the table that table read") as found:
        main(["suspects", "table", "--top", "10", "--write", str(tmp_path / "again.csv")])
    assert "\n" not in str(found.value)
    assert not (tmp_path / "again.csv").exists()
