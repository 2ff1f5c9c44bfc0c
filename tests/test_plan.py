"""A grid before it runs: names, checks, what its points share; and the way back from parameters to overrides."""

import argparse
import re
import shlex

import pytest
from conftest import ROOT
from hypothesis import given, settings
from hypothesis import strategies as st

from prunelab import pipeline, presets
from prunelab.commands import main
from prunelab.comparison import runs
from prunelab.errors import UserError
from prunelab.sweeps import plan
from prunelab.sweeps import replicates as planned

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


def split(*overrides, workers=4, replicates=None, name=""):
    """What `prunelab sweep` plans."""
    asked = argparse.Namespace(overrides=[*overrides], workers=workers, replicates=replicates)
    return planned.studies(plan.points(overrides, name, apart=True), asked, ROOT)


def test_seeds_outside_of_brackets_are_one_study_in_parts_and_in_brackets_two_studies():
    (one,) = split("setting=digits_quick", "seeds=range(0,10)")
    assert one.whole.name == "seeds-0-9"
    assert one.whole.params["seeds"] == [*range(10)]
    assert [part.params["seeds"] for part in one.parts] == [[0, 1, 2], [3, 4, 5], [6, 7, 8], [9]]
    assert [part.name.removeprefix("seeds-0-9_part-") for part in one.parts] == ["0-2", "3-5", "6-8", "9"]
    assert all(REFERENCE.match(part.name) for part in one.parts)
    assert one.parts[1].overrides == ("setting=digits_quick", "seeds=[3,4,5]")
    assert plan.compose(one.parts[1].overrides) == one.parts[1].params
    assert one.targets == ("dense", "prune", "redense")  # of digits_quick; the others are switched off
    each = split("noise=0.2,0.4", "seeds=7,3", replicates=1, name="x")
    assert [study.whole.name for study in each] == ["x_noise-0.2_seeds-7-3", "x_noise-0.4_seeds-7-3"]
    assert [part.params["seeds"] for part in each[1].parts] == [[7], [3]]
    assert {part.params["noise"] for part in each[1].parts} == {0.4}
    assert [(study.whole.params["seeds"], study.parts) for study in split("seeds=[0,1],[2,3]")] == [
        ([0, 1], ()),
        ([2, 3], ()),
    ]


def test_what_cannot_be_split_is_computed_as_it_is():
    assert [study.parts for study in split("setting=theory", "seeds=0,1")] == [()]
    assert [study.parts for study in split("seeds=0,1", replicates=2)] == [()]


def test_names_of_seeds_are_short_and_tell_them_apart():
    assert [planned.span(some) for some in ([5], [0, 1], [3, 1], [0, 2, 4], [*range(3, 900)])] == [
        "5",
        "0-1",
        "3-1",
        "0-2-4",
        "3-899",
    ]
    assert planned.span(range(0, 100, 2)) == "0-98-n50"


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["sweep", "seeds=0,0"], "seeds=[0, 0]: must be a list of 1 to "),
        (["sweep", "seeds=0,x"], "seeds='x': must be a list of 1 to "),
        (["sweep", "seeds=-1,2"], "seeds=-1: must be a list of 1 to "),
        (["sweep", "seeds=0,[1]"], "seeds=0: must be a list of 1 to "),
        (["sweep", "seeds=range(0,1000000000)"], "seeds=[0, 1, 2, 3, 4, 5"),
        (["sweep", "seeds=range(0,9,0)"], "seeds=range(0,9,0): "),
        (["sweep", "seeds=0,1", "seeds=[1]"], "seeds=0,1 seeds=[1]: seeds must be given once"),
        (["sweep", "seeds=0,1", "--replicates", "0"], "--replicates 0: must be at least 1"),
        (["sweep", "noise=0.2,0.4", "--replicates", "2"], "--replicates 2: only beside one study's seeds"),
        (
            ["queue", "seeds=range(0,3)"],
            "seeds=range(0,3): one study in parts is for `prunelab sweep`; here give a list",
        ),
    ],
)
def test_wrong_seeds_are_one_line(command, line):
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert str(stopped.value).startswith(f"error: {line}")
    assert "\n" not in str(stopped.value)


def test_stages_that_are_split_name_the_seeds_only_to_go_through_them():
    """What a replicate learnt of the others would differ between parts and the whole."""
    known = pipeline.load(ROOT)
    through = r"progress\.Bar\([^)]*\)?[^)]*params\.seeds|(?:replicates\.run\(work|progress\.Bar\(.*), params\.seeds"
    for kind in planned.KINDS:
        (page,) = [dep for dep in known[kind].deps if dep.startswith("stages/")]
        text = (ROOT / page).read_text()
        assert "params.seeds" in text
        assert "params.seeds" not in re.sub(through, "", text), page


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
