"""A grid before it runs: names, checks, what its points share; and the way back from parameters to overrides."""

import re
import shlex

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from prunelab import presets
from prunelab.commands import main
from prunelab.comparison import runs
from prunelab.errors import UserError
from prunelab.sweeps import plan

REFERENCE = re.compile(r"^[A-Za-z0-9][\w.-]*[A-Za-z0-9]$")


def test_every_combination_with_a_name_that_says_what_it_is():
    found = plan.points(["setting=digits_quick", "noise=0.2,0.4", "prune.criterion=magnitude,random"])
    assert [point.name for point in found] == [
        f"noise-{noise}_criterion-{criterion}" for noise in (0.2, 0.4) for criterion in ("magnitude", "random")
    ]
    assert found[1].overrides == ("setting=digits_quick", "noise=0.2", "prune.criterion=random")
    assert found[1].params["noise"] == 0.2
    assert found[1].params["prune"]["criterion"] == "random"
    assert found[1].params["setting"] == "digits_quick"


def test_names_are_allowed_as_references_and_start_with_the_prefix():
    (one,) = plan.points(["seeds=[3,4]", "train.lr=1e-2"], "first")
    assert one.name == "first_seeds-3-4_lr-0.01"
    assert REFERENCE.match(one.name)


@pytest.mark.parametrize(
    ("overrides", "line"),
    [
        (["noise=0.2,1.5"], "noise=1.5: must be a number in [0, 1)"),
        (["nosie=0.2,0.4"], "nosie=0.2,0.4: unknown parameter; did you mean noise?"),
        (["noise"], "noise: not name=value[,value...]"),
        (["noise=0.2,0.20"], "noise-0.2: two points of the grid have this name"),
    ],
)
def test_what_is_wrong_is_one_line_before_anything_is_queued(overrides, line):
    for command in ("queue", "sweep"):
        with pytest.raises(SystemExit) as stopped:
            main([command, *overrides])
        assert str(stopped.value).startswith(f"error: {line}")
        assert "\n" not in str(stopped.value)


def made(noise, criterion, n_rounds=3, lr=0.1):
    """A point by hand."""
    params = plan.compose(
        [f"noise={noise}", f"prune.criterion={criterion}", f"n_rounds={n_rounds}", f"redense.lr={lr}"]
    )
    return plan.Point(f"{noise}{criterion}{n_rounds}{lr}", (), params)


def test_a_grid_of_noise_and_criteria_shares_data_and_dense_networks():
    points = [made(noise, criterion) for noise in (0.2, 0.4) for criterion in ("magnitude", "random", "gradient")]
    found = plan.shared(points, ROOT)
    assert [(one.target, len(one.members), one.parent) for one in found] == [
        ("fetch", 6, None),
        ("dense", 3, 0),
        ("dense", 3, 0),
    ]
    assert {point.params["noise"] for point in found[1].members} == {0.2}


def test_what_comes_after_pruning_shares_all_of_it_and_other_lengths_do_not():
    assert [one.target for one in plan.shared([made(0.2, "random", lr=lr) for lr in (0.1, 0.2)], ROOT)] == ["prune"]
    assert [one.target for one in plan.shared([made(0.2, "random", n) for n in (2, 3)], ROOT)] == ["dense"]
    assert plan.shared([made(0.2, "random")], ROOT) == []


def test_what_no_study_of_the_points_needs_is_not_computed_for_them():
    some = plan.points(["setting=theory", "theory.signal=1,2"])
    assert [one.target for one in plan.shared(some, ROOT)] == ["corrupt"]


def test_neighbours_in_the_queue_share_little():
    points = [made(noise, criterion) for noise in (0.2, 0.4) for criterion in ("magnitude", "random", "gradient")]
    order = plan.spread(points, ROOT)
    assert sorted(point.name for point in order) == sorted(point.name for point in points)
    assert [point.params["noise"] for point in order] == [0.2, 0.4] * 3


def test_stages_are_counted_as_dvc_would():
    params = plan.compose(["n_rounds=4", "redense.every=2", "reinit.every=0", "landscape.every=1"])
    # fetch corrupt dense analyze draw; r01..r04; redense r00 r02 r04; landscape of those three
    assert plan.num_stages(params) == 5 + 4 + 3 + 3
    assert plan.num_stages(plan.compose(["studies=[]"])) == 2


changes = st.fixed_dictionaries(
    {},
    optional={
        "noise": st.sampled_from([0, 0.2, 0.75]),
        "prune.criterion": st.sampled_from(["random", "snip"]),
        "seeds": st.lists(st.integers(0, 20), min_size=1, max_size=3, unique=True),
        "landscape.plane": st.booleans(),
        "train.milestones": st.sampled_from([[], [10], [10, 20]]),
        "n_rounds": st.integers(1, 5),
    },
)


@settings(max_examples=10, deadline=None)
@given(st.sampled_from(["digits", "digits_quick", "lens_mnist_lenet"]), changes)
def test_a_reports_command_composes_the_same_parameters(preset, changed):
    written = [f"{name}={str(value).replace(' ', '')}" for name, value in changed.items()]
    wanted = plan.compose([f"setting={preset}", *written])
    again = presets.overrides(runs.flat(wanted))
    assert plan.compose(again) == wanted
    assert shlex.split(" ".join(shlex.quote(part) for part in again)) == again


def test_compose_refuses_what_a_study_may_not_be():
    with pytest.raises(UserError, match=r"^prune.criterion='no': must be one of "):
        plan.compose(["prune.criterion=no"])
