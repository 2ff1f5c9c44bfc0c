"""The figures of the study stability, drawn from tables small enough to know what must be in them."""

import dataclasses
import io

import matplotlib.pyplot as plt
import numpy as np
import pytest

from prunelab import style
from prunelab.studies.stability import gather
from prunelab.studies.stability.figures import FIGURES, marks, relation
from prunelab.studies.stability.parameters import Stability
from prunelab.studies.stability.shown import Run

EPOCHS, PERIODS = 12, [1, 3, 80]
SETTINGS = {
    "targets": ["smallest", "largest"],
    "periods": PERIODS,
    "temporary": [],
    "controls": [],
    "score": "l2",
    "structure": "filters",
    "layers": 1,
    "fraction": 0.5,
    "start": 2,
    "end": 8,
    "gaussian_burst": 1,
}
TWO = ("none", "largest-003")
ALL = (
    *("none", "scratch", "dropout-0.3", "smallest-001", "smallest-003", "smallest-080"),
    *("largest-001", "largest-003", "largest-080", "zeroing-1-003", "zeroing-5-003", "restore-5-003"),
)
NEEDS_MORE = {"tradeoff", "correlation", "temporary", "flatness", "spectrum", "along_eigenvectors"}


@pytest.fixture(autouse=True)
def _closed():
    yield
    plt.close("all")


def about(arm):
    """Target, scheme, period, batches, as its name says them."""
    first, *rest = arm.split("-")
    if first in ("smallest", "largest"):
        return first, "prune", int(rest[0]), 0
    if first in ("zeroing", "restore"):
        return "largest", first, int(rest[1]), int(rest[0])
    return "", "" if first == "none" else first, 0, 0


def arm_row(arm, seed, draw, noise):
    target, scheme, period, batches = about(arm)
    row = {name: float(draw.uniform(0.6, 0.9)) for name in gather.ARM_COLUMNS}
    row |= {"arm": arm, "seed": seed, "target": target, "scheme": scheme, "period": period, "batches": batches}
    row |= {"rate": min(0.5, period / 14), "events": 7 // period if period else 0}
    row |= {"permuted": row["permuted"] if noise else None, "restored": row["restored"] if noise else None}
    came_back = scheme in ("zeroing", "restore")
    return row | ({} if came_back else {"reliance": None, "reliance_of_none": None})


def events_of(arm, seed, draw):
    period = about(arm)[2]
    rows = []
    for number, epoch in enumerate(range(2, 9, period) if period else (), 1):
        before, after = 0.8 + 0.1 * draw.random(), 0.5 + 0.1 * draw.random()
        row = dict.fromkeys(gather.EVENTS, 0.0) | {"event": number, "epoch": epoch, "before": before, "after": after}
        rows.append(row | {"arm": arm, "seed": seed, "instability": gather.instability(before, after)})
    return rows


def dynamics_of(arm, seed, draw, events):
    before = {row["epoch"]: row for row in events}
    return [
        {
            **{"arm": arm, "seed": seed, "epoch": epoch, "train_accuracy": draw.random()},
            "before": before[epoch]["before"] if epoch in before else None,
            "test_accuracy": before[epoch]["after"] if epoch in before else draw.random(),
        }
        for epoch in range(1, EPOCHS + 1)
    ]


def flatness_of(arm, seed, draw):
    names = ("eigenvalue_sum", "trace", "top", "gradient_norm2", "tic_sum", "tic_trace", "effective_0.1", "effective_1")
    of = {"arm": arm, "seed": seed}
    return {
        "flatness": [of | {name: draw.uniform(1, 9) for name in names} | {"epsilon": 0.1 if seed else None}],
        "eigenvalues": [of | {"rank": 1 + i, "eigenvalue": 5.0 / (1 + i) + draw.random()} for i in range(3)],
        "spectrum": [of | {"eigenvalue": value, "weight": 10.0} for value in (-0.1, 0.0, draw.uniform(3, 5))],
        "along": [
            of | {"vector": v, "e": e, "loss": v * e**2 * (1 + draw.random())} for v in (1, 2) for e in (-0.2, 0, 0.2)
        ],
        "layers": [of | {"layer": name, "parameters": 9, "eigenvalue": draw.random(), "trace": 1.0} for name in "14"],
    }


def run_of(arms, seeds=(0, 1), noise=True, flat=(), settings=SETTINGS):
    draw = np.random.default_rng(0)
    rows, tables = [], {name: [] for name in ("events", "dynamics")}
    for arm in arms:
        for seed in seeds:
            rows.append(arm_row(arm, seed, draw, noise))
            events = events_of(arm, seed, draw)
            tables["events"] += events
            tables["dynamics"] += dynamics_of(arm, seed, draw, events)
            for name, some in flatness_of(arm, seed, draw).items() if arm in flat else ():
                tables.setdefault(name, []).extend(some)
    return Run(Stability.model_validate(settings), list(seeds), rows, {}, tables)


def png(figure):
    """As style.save writes it, but small: what differs in bytes differs at any size."""
    file = io.BytesIO()
    figure.savefig(file, dpi=50, metadata={"Software": None})
    return file.getvalue()


def unlabelled(figure):
    """Panels that share no axis label with a neighbour and have none."""
    panels = [axes for axes in figure.axes if axes.axison]
    labels = [[get(axes) for axes in panels] for get in (lambda a: a.get_xlabel(), lambda a: a.get_ylabel())]
    return not any(labels[0]) or not any(labels[1])


@pytest.mark.parametrize("name", FIGURES)
def test_everything_is_drawn_from_a_whole_run_and_again_the_same(name):
    run = run_of(ALL, flat=("none", "smallest-001", "largest-003"))
    figure = FIGURES[name](run, "digits")
    assert not unlabelled(figure)
    assert figure.get_suptitle().startswith(("What", "Acc", "Stab", "Filters", "Flat", "The", "Loss"))
    assert "S" in figure.get_suptitle().split("(")[1]
    assert png(figure) == png(FIGURES[name](run, "digits"))


@pytest.mark.parametrize(
    "run",
    [
        run_of(TWO),
        run_of(TWO, seeds=(3,), noise=False),
        run_of(ALL, seeds=(3,), flat=ALL),
        run_of(("none", "largest-080", "smallest-080")),
        run_of(("none",)),
        run_of(("none", "scratch", "smallest-003"), noise=False, flat=("none",)),
    ],
    ids=["two arms", "one replicate, no noise", "one replicate", "one-shot", "none alone", "no permuted labels"],
)
def test_odd_runs_have_fewer_figures_and_no_failure(run):
    for name, draw in FIGURES.items():
        figure = draw(run, "digits")
        assert figure is not None or name not in ("fit",)
        if figure:
            assert not unlabelled(figure), name


def test_two_arms_have_the_figures_that_two_arms_can_have():
    assert {name for name, draw in FIGURES.items() if draw(run_of(TWO), "digits") is None} == NEEDS_MORE


def test_an_arm_without_events_is_no_figure_of_events():
    run = run_of(TWO)
    without = dataclasses.replace(run, tables={**run.tables, "events": [], "dynamics": []})
    assert FIGURES["events"](without, "digits") is None
    assert FIGURES["dynamics"](without, "digits") is None


def test_permuted_labels_have_a_panel_where_there_is_noise():
    assert [len(FIGURES["fit"](run_of(TWO, noise=noise), "digits").axes) for noise in (True, False)] == [2, 1]


def test_arms_look_different():
    run = run_of(ALL)
    looks = [marks.look(run, arm) for arm in ALL]
    assert len({(one.color, one.marker) for one in looks}) == len(ALL)
    # Without colours too: as points, and as lines but for temporary schemes, which have a panel each.
    assert len({(one.face == one.color, one.marker) for one in looks}) == len(ALL)
    assert len({(str(one.line), one.width) for one in looks[:9]}) == 9


def test_the_papers_three_arms_and_names_in_words():
    run = run_of(ALL)
    assert run.three == ["smallest-001", "smallest-003", "largest-003"]
    words = [marks.label(run, arm) for arm in (*run.three, "largest-080", "zeroing-1-003", "dropout-0.3")]
    assert words == [
        *("smallest, every epoch", "smallest, every 3 epochs", "largest, every 3 epochs", "largest, one-shot"),
        *("zeroing, 1 batch", "dropout 0.3"),
    ]


def test_an_epoch_with_an_event_has_accuracy_before_and_after_it_in_this_order():
    run = run_of(TWO, seeds=(0,))
    xs, mean, _ = style.mean_std(marks.course(run, "largest-003", "test_accuracy"), "epoch", "percent")
    first = run.tables["events"][0]
    assert xs[1:3].tolist() == [2, 2]
    assert mean[1:3] == pytest.approx([100 * first["before"], 100 * first["after"]])


def test_correlations_within_replicates_by_hand():
    x = np.array([[1.0, 11.0], [2.0, 12.0], [3.0, 13.0]])  # replicates differ by 10
    y = np.array([[3.0, 23.0], [2.0, 22.0], [1.0, 21.0]])
    assert relation.within(x, y) == pytest.approx(-1)
    assert relation.pooled(x, y).r > 0.9
    assert relation.within(x, np.full_like(x, 0.1) + np.array([0.0, 0.7])) is None
    y[0, 0] = np.nan
    assert relation.within(x, y) == pytest.approx(-1)
    assert relation.within(x * np.nan, y) is None


@pytest.mark.parametrize("rate", [0.9, 0.0])
def test_periods_with_one_rate_are_drawn_apart(rate):
    """Such as two that are one-shot; and those that remove nothing are not there on a log axis."""
    run = run_of(ALL)
    for row in run.arms:
        if row["scheme"] == "prune":
            row["rate"] = rate
    FIGURES["rate"](run, "subtitle")
    FIGURES["correlation"](run, "subtitle")
