"""Runs laid out, tabulated and tested: against closed forms, brute force and DVC's own revisions."""

import io
import itertools
import math

import numpy as np
import pytest
import yaml
from conftest import run as shell
from hypothesis import given
from hypothesis import strategies as st

from prunelab.commands import main
from prunelab.comparison import differences, figure, grid, interactive, runs, tabulate
from prunelab.comparison.curves import curves
from prunelab.errors import UserError
from prunelab.studies.sdd import answers, places, tables


def run(name, seeds=(0, 1, 2), lift=0.0, rounds=4, setting="digits", **params):
    """A run whose dense model, valley and sweet spot have 0.7, 0.6, 0.8 of last test accuracy, each plus `lift`."""
    shape = (0.7, 0.6, 0.8, 0.5)[:rounds]
    rows = [
        {
            "round": f"r{r:02d}",
            "seed": seed,
            "sparsity": 1 - 0.5**r,
            "remaining": 0.5**r,
            "train": 1.0,
            "test_last": value + lift + 0.01 * seed,
            "test_best": value + lift + 0.1,
            "validation": None,
        }
        for r, value in enumerate(shape)
        for seed in seeds
    ]
    made = {"noise": 0.4, "dataset": "digits", "prune": {"criterion": "magnitude", "retrain": "rewind"}}
    made["prune"]["fraction"] = 0.5
    made |= {"n_rounds": rounds - 1, "redense": {"every": 3}, "reinit": {"every": 0}, "landscape": {"every": 0}}
    made |= {"train": {"lr": 0.1}, "setting": setting, "seeds": list(seeds), "rounds": {"r01": "r00"}}
    for key, value in params.items():
        section, _, last = key.rpartition("__")
        (made[section] if section else made)[last] = value
    return runs.Run(name, f"commit-{name}", made, rows, Files(rows))


class Files:
    """The tables of such a run, of which only the curve says something; all test images of a row are as right."""

    def __init__(self, rows):
        self._rows = rows

    def read_bytes(self, path):
        if path == str(places.PLOTS / places.TEST_EXAMPLES):
            return self._examples()
        if not path.endswith(".csv"):
            raise FileNotFoundError(path)
        columns = {"memorization": ("round", "seed", "subset", "accuracy"), "double_descent": tuple(self._rows[0])}
        name = path.removeprefix(f"{places.PLOTS}/").removesuffix(".csv")
        shown = columns.get(name, tables.COLUMNS.get(name, tables.BESIDE))
        rows = self._rows if name == "double_descent" else []
        lines = [",".join(shown), *(",".join("" if v is None else str(v) for v in row.values()) for row in rows)]
        return ("\n".join(lines) + "\n").encode()

    def _examples(self):
        count = 1000
        images = (np.arange(count) * 7 % count + 0.5) / count  # every other one about as hard
        right = {}
        for kind, column in (("last", "test_last"), ("best", "test_best")):
            right |= {(kind, row["round"], int(row["seed"])): images < float(row[column]) for row in self._rows}
        keys = list(dict.fromkeys(row["round"] for row in self._rows))
        seeds = list(dict.fromkeys(int(row["seed"]) for row in self._rows))
        buffer = io.BytesIO()
        np.savez_compressed(buffer, **answers.packed(right, keys, seeds, 10))
        return buffer.getvalue()


def test_a_grid_of_noise_and_criteria_with_presets_as_rows():
    some = [
        run(f"{setting}-{noise}-{criterion}", noise=noise, setting=setting, train__lr=lr, prune__criterion=criterion)
        for setting, lr in (("digits", 0.1), ("mnist", 0.2))
        for noise in (0.4, 0.2)
        for criterion in ("magnitude", "random")
    ]
    found = grid.layout(some)
    assert found.axes == {"rows": "setting", "columns": "noise", "colours": "prune.criterion"}
    assert found.values == {"rows": ["digits", "mnist"], "columns": [0.2, 0.4], "colours": ["magnitude", "random"]}
    assert len(found.studies) == 8
    assert found.studies["mnist", 0.2, "random"].names == ["mnist-0.2-random"]


def test_seeds_of_one_study_are_put_together_and_counted_once():
    found = grid.layout([run("a"), run("b", seeds=(2, 3)), run("c", seeds=(7,), rounds=3), run("again")])
    (study,) = found.studies.values()
    assert study.curves.seeds == (0, 1, 2, 3, 7)
    assert study.curves.test_last.shape == (3, 5)  # rounds that all have
    assert study.names == ["a", "b", "c"]
    assert found.notes == [
        "b repeats a (seeds 2): counted once",
        "again repeats a (seeds 0, 1, 2): counted once",
        "a has 3 rounds, b 3, c 2: compared up to r02",
    ]


def test_runs_of_one_study_of_different_length_are_said_to_be_cut():
    found = grid.layout([run("long"), run("short", seeds=(5,), rounds=2)], left_out=["other: left out"])
    assert found.notes == ["other: left out", "long has 3 rounds, short 1: compared up to r01"]
    (study,) = found.studies.values()
    assert len(study.curves.sparsity_R) == 2
    apart = grid.layout([run("long"), run("short", noise=0.2, rounds=2)])  # two studies, each as long as it is
    assert apart.notes == []
    assert grid.layout([run("long"), run("again", rounds=2)]).notes == [
        "again is a shorter run of the same as long (seeds 0, 1, 2): counted once"
    ]


def test_mixed_settings_and_unknown_axes_are_one_line():
    mixed = [run("a"), run("b", noise=0.2, train__lr=0.5, prune__criterion="random", dataset="x"), run("c", noise=0.2)]
    mixed[1].params["dataset"] = "digits"
    mixed[1].params["extra"] = 1
    with pytest.raises(UserError) as caught:
        grid.layout(mixed, {"rows": "noise"})
    assert "mixed settings: a and b differ in" in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(UserError, match=r"^train.rate: no run has such a parameter$"):
        grid.layout(mixed, {"colours": "train.rate"})


def test_what_differs_becomes_an_axis_and_what_moves_no_curve_does_not():
    found = grid.layout([run("a"), run("b", train__lr=0.5, n_rounds=99)])
    assert found.axes == {"rows": None, "columns": None, "colours": "train.lr"}
    chosen = grid.layout([run("a"), run("b", train__lr=0.5)], {"columns": "train.lr"})
    assert chosen.values["columns"] == [0.1, 0.5]
    lists = grid.layout([run("a", engine=[]), run("b", engine=["compile"])])
    assert lists.values["colours"] == ["[]", "['compile']"]


def test_models_are_means_and_deviations_over_replicates():
    rows = tabulate.models(grid.layout([run("a"), run("b", noise=0.2, lift=0.1)]))
    valley = next(row for row in rows if row["model"] == "valley" and row["noise"] == 0.2)
    assert valley["round"] == "r01"
    assert valley["test_last"] == pytest.approx(0.6 + 0.1 + 0.01)
    assert valley["test_last_std"] == pytest.approx(0.01)
    text = tabulate.text(rows, [], {})
    lines = text.splitlines()[2:]
    assert len({len(line) for line in lines}) == 1  # columns line up
    assert "71.0 ± 1.0 at 50.00%" in text


samples = st.lists(st.floats(0, 1, width=32), min_size=3, max_size=8)


@given(samples, st.data())
def test_the_paired_test_is_students_on_the_differences(a, data):
    """Interval and p from the textbook's formula and a numeric integral of Student's density."""
    b = data.draw(st.lists(st.floats(0, 1, width=32), min_size=len(a), max_size=len(a)))
    d = np.array(a) - np.array(b)
    found = differences.between(np.array(a), np.array(b), paired=True)
    assert found.value == pytest.approx(d.mean(), abs=1e-12)
    if d.std() < 1e-6:
        return
    n = len(d)
    error = d.std(ddof=1) / math.sqrt(n)
    t = abs(d.mean()) / error
    grid_points = np.linspace(0, t, 20001)
    density = math.gamma(n / 2) / (math.sqrt((n - 1) * math.pi) * math.gamma((n - 1) / 2))
    inside = np.trapezoid(density * (1 + grid_points**2 / (n - 1)) ** (-n / 2), grid_points)
    if t < 50:
        assert found.p == pytest.approx(1 - 2 * inside, abs=1e-4)
    assert (found.low + found.high) / 2 == pytest.approx(d.mean(), abs=1e-9)
    assert (found.low > 0 or found.high < 0) == (found.p < 0.05)


def test_replicates_are_paired_by_seed_not_by_place():
    a, b = (grid.layout([one]) for one in (run("a", seeds=(2, 0, 1), lift=0.05), run("b", seeds=(0, 1, 2, 9))))
    found = differences.compare(next(iter(a.studies.values())), next(iter(b.studies.values())))
    assert found["dense"].paired
    assert found["dense"].n == 3
    assert found["dense"].value == pytest.approx(0.05)
    assert found["dense"].high - found["dense"].low < 1e-6  # the same difference in each pair
    apart = grid.layout([run("c", seeds=(5, 6))])
    unpaired = differences.compare(next(iter(a.studies.values())), next(iter(apart.studies.values())))
    assert not unpaired["dense"].paired
    assert unpaired["dense"].n == 2


def test_no_replicates_no_test_and_many_tests_are_adjusted():
    rows = differences.table(grid.layout([run("a", seeds=(0,)), run("b", noise=0.2, seeds=(0,), lift=0.1)]))
    assert all(row["p"] is None and row["p_adjusted"] is None for row in rows)
    rng = np.random.default_rng(0)
    many = [run(str(i), noise=noise, lift=float(rng.normal(0, 0.01))) for i, noise in enumerate((0.1, 0.2, 0.3))]
    for one in many:
        for row in one.rows:
            row["test_last"] = str(float(row["test_last"]) + float(rng.normal(0, 0.01)))
    table = differences.table(grid.layout(many))
    assert len(table) == 2 * 5
    p = np.array([row["p"] for row in table])
    order = np.argsort(p)
    by_hand = np.minimum.accumulate((p[order] * len(p) / np.arange(1, len(p) + 1))[::-1])[::-1]
    assert [table[i]["p_adjusted"] for i in order] == pytest.approx(np.minimum(by_hand, 1))


def test_pairs_are_within_a_panel_or_between_panels():
    two = itertools.product((0.2, 0.4), ("magnitude", "random", "gradient"))
    colours = grid.layout([run(f"{n}{c}", noise=n, prune__criterion=c) for n, c in two])
    found = [(a.key[1:], b.key[1:]) for a, b in differences.pairs(colours)]
    assert found == [((n, c), (n, "magnitude")) for n in (0.2, 0.4) for c in ("random", "gradient")]


def test_the_figure_and_the_chart_show_the_same_curves():
    found = grid.layout([run(f"{n}", noise=n, lift=n / 10, prune__criterion="random") for n in (0.2, 0.4, 0.6)])
    panels = figure.draw(found, "digits").axes
    assert [axes.get_title() for axes in panels] == ["20% noise", "40% noise", "60% noise"]
    solid, dotted = panels[2].get_lines()
    assert (solid.get_linestyle(), dotted.get_linestyle()) == ("-", ":")
    assert solid.get_ydata()[::-1] == pytest.approx(np.array([0.7, 0.6, 0.8, 0.5]) + 0.06 + 0.01)
    shown = [row for row in interactive.values(found) if row["study"] == "60% noise"]
    last = [row["mean"] for row in shown if row["measure"] == "last test accuracy"]
    assert last == pytest.approx(list(100 * solid.get_ydata()[::-1]), abs=1e-3)


def test_training_on_without_pruning_is_drawn_by_rounds():
    """A study whose sparsity stays 0 would be a single point on the other axis."""
    unpruned = run("edt", prune__fraction=0)
    for row in unpruned.rows:
        row |= {"sparsity": "0", "remaining": "1"}
    found = grid.layout([unpruned, run("pruned", prune__fraction=0.2)])
    (panel,) = figure.draw(found, "digits").axes
    assert panel.get_lines()[0].get_xdata().tolist() == [0, 1, 2, 3]
    assert panel.get_xlabel().startswith("round")
    assert interactive.chart(found)["spec"]["encoding"]["x"]["field"] == "number"
    assert figure.abscissa(grid.layout([run("pruned")])) == "remaining"


def test_curves_put_rows_in_order():
    found = curves(run("a", seeds=(1, 0)).rows[::-1])
    assert found.seeds == (0, 1)
    assert found.test_last[:, 1] == pytest.approx([0.71, 0.61, 0.81, 0.51])
    assert found.sparsity_R.tolist() == [0, 0.5, 0.75, 0.875]
    assert found.models() == {"dense": 0, "valley": 1, "sweet_spot": 2}


def test_patterns():
    known = ["noise-0.2", "noise-0.4", "other"]
    assert runs.expand(["noise-*", "main", "noise-0.2"], known) == ["noise-0.2", "noise-0.4", "main"]
    with pytest.raises(UserError, match=r"^x\*: matches no experiment; there are noise-0.2, noise-0.4, other$"):
        runs.expand(["x*"], known)


@pytest.mark.parametrize("command", ["compare", "report"])
def test_an_unknown_name_is_one_line(command, tmp_path):
    with pytest.raises(SystemExit) as stopped:
        main([command, "no-such-run", "--out", str(tmp_path / "x")])
    assert str(stopped.value).startswith("error: no-such-run: no such experiment, branch, tag or commit")
    assert "\n" not in str(stopped.value)
    assert not list(tmp_path.iterdir())


def test_a_run_without_metrics_is_one_line(tmp_path, monkeypatch):
    """A commit in which nothing ran; one whose table lacks a column; a folder that cannot be made."""
    where = tmp_path / "repository"
    where.mkdir()
    monkeypatch.chdir(where)
    for command in (
        "git init -q -b main",
        "git config user.name t",
        "git config user.email t@example.org",
        "dvc init -q",
    ):
        shell(*command.split(), cwd=where)
    (where / "conf").mkdir()
    (where / "dvc.yaml").write_text("stages: {}\n")
    (where / "params.yaml").write_text("noise: 0.4\n")
    shell("git", "add", "-A", cwd=where)
    shell("git", "commit", "-q", "-m", "no table", cwd=where)
    assert refused("HEAD") == "error: HEAD ran no stage with its parameters: nothing left to show"
    make = "mkdir -p plots/sdd && echo round,seed,sparsity,remaining,train > plots/sdd/double_descent.csv"
    stage = {"cmd": make, "params": ["noise"], "outs": [{"plots/sdd": {"cache": False}}]}
    (where / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"analyze": stage}}))
    shell("dvc", "repro", cwd=where)
    assert refused("workspace").startswith("error: workspace: its plots/sdd/double_descent.csv has no round, ")
    monkeypatch.chdir(tmp_path)
    assert refused("HEAD").startswith("error: not inside a prunelab repository: ")


def test_a_folder_that_cannot_be_made_is_one_line(tmp_path, monkeypatch):
    monkeypatch.setattr(runs, "read", lambda names, study: ([run("a")], []))
    (tmp_path / "file").write_text("")
    assert refused("a", "--out", str(tmp_path / "file" / "x")).endswith("Not a directory")


def refused(*arguments):
    with pytest.raises(SystemExit) as stopped:
        main(["compare", *arguments])
    assert "\n" not in str(stopped.value)
    return str(stopped.value)


def test_the_committed_study_compared_with_nothing(tmp_path, capsys):
    main(["compare", "HEAD", "--out", str(tmp_path)])
    printed = capsys.readouterr().out
    assert "claims not decidable: 4, 5" in printed
    assert {file.name for file in tmp_path.iterdir()} == {
        "grid.png",
        "grid.svg",
        "models.csv",
        "differences.csv",
        "claims.md",
    }
