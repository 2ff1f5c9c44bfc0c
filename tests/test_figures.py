"""What figures draw from tables whose answer is known: no mean over rows that are not replicates of one another."""

import matplotlib.pyplot as plt
import numpy as np
import pytest
from conftest import ROOT

from prunelab import style
from prunelab.core import artifacts
from prunelab.studies.sdd import places
from prunelab.studies.sdd.figures import FIGURES, marks, redense_dynamics
from prunelab.studies.sdd.tables import COLUMNS


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


@pytest.fixture
def tables():
    """Those of the run in this folder."""
    return {name: artifacts.read_table(ROOT / places.PLOTS / f"{name}.csv") for name in COLUMNS}


def row(seed, value, x=0.5, **more):
    return {"seed": seed, "x": x, "y": value} | more


def test_means_and_deviations_at_each_x_by_hand():
    rows = [row(0, 1.0), row(1, 3.0), row(0, 5.0, x=0.25), row(1, None)]
    xs, mean, std = style.mean_std(rows, "x", "y")
    assert xs.tolist() == [0.25, 0.5]
    assert mean.tolist() == [5, 2]
    assert std.tolist() == [0, pytest.approx(2**0.5)]


def test_a_replicate_that_is_there_twice_is_refused():
    with pytest.raises(ValueError, match=r"^y: two values of seed 0 at x 0.5$"):
        style.mean_std([row(0, 1.0, training="sparse"), row(0, 0.0, training="redense")], "x", "y")


def test_rounds_at_one_sparsity_stay_apart_and_in_order():
    """As where nothing is pruned, or so few weights are left that a fifth of them is none."""
    rows = [row(seed, r / 10 + seed, x=x, round=f"r{r:02d}") for seed in (0, 1) for r, x in enumerate((1, 0.5, 0.5))]
    xs, mean, _ = style.mean_std(rows, "x", "y")
    assert xs.tolist() == [0.5, 0.5, 1]
    assert mean == pytest.approx([0.7, 0.6, 0.5])  # r02, r01, r00


def test_a_curve_of_one_point_is_seen():
    axes = plt.figure().subplots()
    style.band(axes, [row(0, 1.0)], "x", "y", style.BLUE)
    style.band(axes, [row(0, 1.0), row(0, 1.0, x=1)], "x", "y", style.BLUE)
    assert [line.get_marker() for line in axes.get_lines()] == ["o", "None"]


@pytest.mark.parametrize("name", [name for name in FIGURES if name != "planes"])  # contours of one replicate
def test_every_figure_refuses_replicates_that_are_there_twice(name, tables):
    if FIGURES[name](tables, "once") is None:
        pytest.skip("this run has nothing for it")
    twice = {key: rows + rows if key != "named_models" else rows for key, rows in tables.items()}
    with pytest.raises(ValueError, match="two values of seed"):
        FIGURES[name](twice, "twice")


@pytest.mark.parametrize("first", [1, 5])  # re-dense epochs that coincide with the sparse ones, and that follow them
def test_phases_are_lines_of_their_own_whatever_their_epochs(first, tables):
    """Sparse accuracy is 1 - epoch / 10, re-dense accuracy epoch / 100; two replicates, 0.02 apart."""

    def phase(training, epochs, value):
        columns = ("train_accuracy", "test_accuracy", "permuted_accuracy")
        return [
            {"round": "r00", "seed": seed, "training": training, "epoch": epoch}
            | dict.fromkeys(columns, value(epoch) + 0.02 * seed)
            for seed in (0, 1)
            for epoch in epochs
        ]

    sparse = phase("sparse", range(1, 5), lambda epoch: 1 - epoch / 10)
    redense = phase("redense", range(first, first + 4), lambda epoch: epoch / 100)
    (axes,) = redense_dynamics.draw(tables | {"redense_dynamics": sparse + redense}, "known").axes
    lines = [line for line in axes.get_lines() if len(line.get_xdata()) == 4]
    assert len(lines) == 6
    for line in lines[::2]:
        assert line.get_ydata() == pytest.approx([0.91, 0.81, 0.71, 0.61])
    for line in lines[1::2]:
        assert line.get_ydata() == pytest.approx((first + np.arange(4)) / 100 + 0.01)
    assert len(axes.get_legend().get_texts()) == 3


@pytest.mark.parametrize("width", [2.5, 4.0, 9.0])
def test_titles_and_captions_stay_inside_the_figure(width):
    figure = plt.figure(figsize=(width, 3))
    tables = {"named_models": [{"n": 2}]}
    style.title(figure, "Sparse double descent", "resnet101 on tiny_imagenet, 40% asymmetric noise, random pruning")
    marks.caption(figure, tables, r"$\alpha = 0$: sparse, $\alpha = 1$: re-dense; vertical line: the best validation.")
    figure.canvas.draw()
    for text in (figure._suptitle, figure._supxlabel):
        box = text.get_window_extent()
        assert box.x0 >= 0
        assert box.x1 <= figure.bbox.width
    said = figure._supxlabel.get_text()
    assert r"$\alpha = 0$" in said, "a formula is not broken"
    assert r"$\alpha = 1$" in said
    assert ("\n" in said) == (width < 9)
    plt.close(figure)
