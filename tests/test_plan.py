"""A grid before it runs: names, checks, what its points share; and the way back from parameters to overrides."""

import argparse
import ast
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
    asked = argparse.Namespace(overrides=[*overrides], replicates=replicates)
    return planned.studies(plan.points(overrides, name, apart=True), asked, workers, ROOT)


@pytest.mark.parametrize("workers", [1, 2, 3, 4, 7, 30])
def test_there_is_a_part_for_each_worker_and_they_are_of_one_size(workers):
    (one,) = split("seeds=range(0,10)", workers=workers)
    sizes = [len(part.params["seeds"]) for part in one.parts] or [10]
    assert len(sizes) == min(workers, 10)
    assert max(sizes) - min(sizes) <= 1
    assert [seed for part in one.parts for seed in part.params["seeds"]] == ([*range(10)] if workers > 1 else [])
    (one,) = split("seeds=range(0,10)", workers=workers, replicates=4)
    assert [len(part.params["seeds"]) for part in one.parts] == [4, 3, 3]


def test_seeds_outside_of_brackets_are_one_study_in_parts_and_in_brackets_two_studies():
    (one,) = split("setting=digits_quick", "seeds=range(0,10)")
    assert one.whole.name == "seeds-0to9"
    assert one.whole.params["seeds"] == [*range(10)]
    assert [part.params["seeds"] for part in one.parts] == [[0, 1, 2], [3, 4], [5, 6, 7], [8, 9]]
    assert [part.name.removeprefix("seeds-0to9_part-") for part in one.parts] == ["0to2", "3-4", "5to7", "8-9"]
    assert all(REFERENCE.match(part.name) for part in one.parts)
    assert one.parts[1].overrides == ("setting=digits_quick", "seeds=[3,4]")
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
    each = [[5], [0, 1], [3, 1], [0, 2, 4], [*range(3, 900)], [1, 4], [*range(1, 5)], [*range(0, 100, 2)], [0, 3, 98]]
    each += [[*range(0, 98, 2), 97], [2**32 - 1] * 8]
    names = [planned.span(some) for some in each]
    assert names[:7] == ["5", "0-1", "3-1", "0-2-4", "3to899", "1-4", "1to4"]
    assert len({*names}) == len(names)
    assert max(map(len, names)) < plan.LONGEST - len("seeds-")


def test_long_lists_in_brackets_are_named_as_seeds_outside_of_them():
    (one,) = plan.points([f"seeds=[{','.join(map(str, range(100)))}]"])
    assert one.name == "seeds-0to99"
    (few,) = plan.points(["seeds=[5,6,7]"])
    assert few.name == "seeds-5-6-7"


@pytest.mark.parametrize("prefix", ["a b", "a/b", "../x", "a..b", "-", "x" * 130, "a~"])
def test_a_name_that_no_experiment_can_have_is_one_line(prefix):
    with pytest.raises(UserError, match=r"--name: letters|at most 120 letters"):
        plan.points(["noise=0.2"], prefix)


@pytest.mark.parametrize(
    ("command", "line"),
    [
        (["sweep", "seeds=0,0"], "seeds=0,0: must be a list of 1 to "),
        (["sweep", "seeds=0,x"], "seeds=0,x: must be a list of 1 to "),
        (["sweep", "seeds=-1,2"], "seeds=-1,2: must be a list of 1 to "),
        (["sweep", "seeds=0,[1]"], "seeds=0: must be a list of 1 to "),
        (["sweep", "seeds=range(0,1000000000)"], "seeds=range(0,1000000000): must be a list of 1 to 1000 whole"),
        (["sweep", "seeds=range(0,9,0)"], "seeds=range(0,9,0): "),
        (["sweep", "seeds=range(nan,3)"], "seeds=range(nan,3): not numbers"),
        (["sweep", "seeds=range(0,3,nan)"], "seeds=range(0,3,nan): not numbers"),
        (["sweep", "seeds=shuffle(range(0,3))"], "seeds=shuffle(range(0,3)): replicates of one study are not shuffled"),
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
    for kind in planned.KINDS:
        (page,) = [dep for dep in known[kind].deps if dep.startswith("stages/")]
        tree = ast.parse((ROOT / page).read_text())
        calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        handed_on = [
            call.args[1] for call in calls if ast.unparse(call.func) in ("progress.Bar", "replicates.run") and call.args
        ]
        read = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr == "seeds"]
        assert read, page
        assert {*map(id, read)} <= {*map(id, handed_on)}, page


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
