"""Parameters: what is accepted, and the one line for what is not."""

import copy
import dataclasses
import re

import pytest
import yaml
from conftest import committed
from dvc.utils import serialize as dvc_yaml

from prunelab import config, schema, yaml12
from prunelab.core.training.augment import AUGMENTATIONS
from prunelab.core.training.engine import Engine
from prunelab.core.training.optimizers import OPTIMIZERS
from prunelab.errors import UserError
from prunelab.studies.sdd import parameters

DEFAULT = {k: v for k, v in yaml.safe_load(committed("params.yaml")).items() if k not in config.DERIVED}


def changed(values, changes):
    values = copy.deepcopy(values)
    for name, value in changes.items():
        *sections, last = name.split(".")
        place = values
        for section in sections:
            place = place[section]
        place[last] = value
    return values


NAN, INF = float("nan"), float("inf")
WRONG = [
    ("noise", 1.0, "in [0, 1)"),
    ("noise", -0.1, "in [0, 1)"),
    ("noise", "lots", "in [0, 1)"),
    ("noise", True, "in [0, 1)"),
    ("noise", NAN, "in [0, 1)"),
    ("noise", None, "in [0, 1)"),
    ("noise_type", "asymetric", "symmetric, uniform_other, pairflip, asymmetric"),
    ("dataset", "digit", "digits"),
    ("seeds", [], "a list of 1 to 1000"),
    ("seeds", [0, 1, 0], "none twice"),
    ("seeds", [-1], "whole numbers from 0"),
    ("seeds", list(range(20_000)), "1 to 1000 whole numbers"),
    ("seeds", [2**32], "from 0 to 4294967295"),
    ("seeds", 3, "list"),
    ("device", "gpu", "auto, cpu, cuda"),
    ("n_rounds", 0, "1 to 99"),
    ("n_rounds", 2.5, "1 to 99"),
    ("model.name", "lenet5", "lenet"),
    ("model.width", 0, "greater than 0"),
    ("model.batchnorm_init", "zeros", "ones, uniform"),
    ("train.epochs", 0, "a whole number from 1 to"),
    ("train.batch_size", 0, "a whole number from 1 to"),
    ("train.batch_size", "big", "a whole number from 1 to"),
    ("train.optimizer", "adamw", "sgd"),
    ("train.lr", 0, "greater than 0"),
    ("train.lr", -1, "greater than 0"),
    ("train.lr", NAN, "greater than 0"),
    ("train.lr", INF, "greater than 0"),
    ("train.momentum", 1, "in [0, 1)"),
    ("train.weight_decay", -1e-4, "from 0 to 1000"),
    ("train.milestones", [100, 50], "increasing"),
    ("train.gamma", 0, "(0, 1]"),
    ("train.warmup_epochs", 201, "at most train.epochs=200"),
    ("train.validation", 1000, "less than the 1000 training images"),
    ("train.rewind_iteration", 1600, "less than the 1600 iterations"),
    ("prune.criterion", "magnitud", "magnitude"),
    ("prune.fraction", 1, "in [0, 1)"),
    ("prune.scope", "channel", "global, layer"),
    ("prune.schedule", "oneshot", "iterative, one_shot"),
    ("prune.retrain", "rewnd", "rewind, lr_rewind, finetune, scratch"),
    ("finetune.lr", 0, "greater than 0"),
    ("redense.epochs", -3, "a whole number from 1 to"),
    ("redense.every", 0, "a whole number from 1 to"),
    ("reinit.every", -1, "a whole number from 0 to"),
    ("engine", ["float16"], "bfloat16, channels_last, compile, stacked, graphs"),
    ("engine", "compile", "a list"),
    ("train.augment", "crop", "none, flip, shift, flip_shift"),
    ("subset.train", -5, "a whole number from 0 to"),
    ("nosie", 0.2, "did you mean noise?"),
    ("prune.criterium", "magnitude", "did you mean prune.criterion?"),
    ("train.x", 1, "known are epochs"),
    ("prune", 3, "section"),
    # What would hang, fill the memory or overflow.
    ("train.epochs", 10**12, "from 1 to 100000"),
    ("train.batch_size", 10**23, "from 1 to 100000000"),
    ("train.batch_size", 1e23, "from 1 to 100000000"),
    ("train.lr", 1e308, "at most 1000"),
    ("train.lr", 10**400, "at most 1000"),
    ("train.weight_decay", 1e308, "from 0 to 1000"),
    ("train.milestones", [10**12], "from 1 to 100000"),
    ("train.warmup_epochs", 10**12, "from 0 to 100000"),
    ("model.width", 1e5, "at most 100"),
    ("threads", 0, "from 1 to 1024"),
    ("threads", 10**6, "from 1 to 1024"),
    ("redense.every", 10**9, "from 1 to 99"),
    ("landscape.examples", 10**30, "from 0 to 100000000"),
    ("landscape.directions", 10**9, "from 1 to 1000"),
    ("landscape.eigenvalues", 10**9, "from 1 to 100"),
    ("landscape.probes", 10**9, "from 2 to 100000"),
    ("landscape.density", 10**9, "from 0 to 1000"),
    ("landscape.density_probes", 0, "from 1 to 100000"),
    ("landscape.alphas", [1, 0.1], "numbers greater than 0, at most 1000000, increasing"),
    ("landscape.alphas", [0, 1], "numbers greater than 0, at most 1000000, increasing"),
    ("landscape.alphas", [], "a list of 1 to 20 numbers"),
    ("train.lr", "1e-3", "a number greater than 0"),
]


@pytest.mark.parametrize(("name", "value", "allowed"), WRONG)
def test_what_is_wrong_is_named_in_one_line(name, value, allowed):
    with pytest.raises(UserError) as caught:
        config.validate(changed(DEFAULT, {name: value}))
    line = str(caught.value)
    assert "\n" not in line
    assert line.startswith(f"{name}=")
    assert allowed in line


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"train.optimizer": "nesterov"}, "train.momentum=0.0: must be greater than 0 with train.optimizer=nesterov"),
        ({"train.optimizer": "adam", "train.momentum": 0.9}, "train.momentum=0.9: must be 0 with train.optimizer=adam"),
        ({"engine": ["graphs"]}, "engine=['graphs']: must hold stacked if it holds graphs"),
        (
            {"engine": ["stacked", "graphs"], "train.optimizer": "adam"},
            "train.optimizer='adam': must be sgd or nesterov with engine=[stacked,graphs]",
        ),
        (
            {"engine": ["stacked"], "train.augment": "shift"},
            "train.augment='shift': must be none with engine=[stacked]",
        ),
        ({"engine": ["stacked", "bfloat16"]}, "engine=['stacked', 'bfloat16']: must not hold bfloat16 beside stacked"),
        ({"engine": ["stacked"], "train.validation": 9}, "train.validation=9: must be 0 with engine=[stacked]"),
        ({"dataset": "npz", "noise_type": "asymmetric"}, "noise_type='asymmetric': must be one of symmetric, "),
        ({"noise": 0.0004}, "noise=0.0004: selects none of the 1000 training images; must be 0, or at least 0.0005"),
        ({"landscape.density_probes": 19}, "landscape.density_probes=19: must be at most landscape.probes=18"),
        ({"subset.train": 1001}, "subset.train=1001: must be at most 1000"),
        ({"subset.train": 100, "train.validation": 100}, "must be less than the 100 training images"),
        ({"subset.train": 100, "train.rewind_iteration": 200}, "must be less than the 200 iterations"),
    ],
)
def test_what_does_not_go_together_is_named(changes, line):
    with pytest.raises(UserError, match=re.escape(line)):
        config.validate(changed(DEFAULT, changes))


def test_the_names_in_the_tables_are_the_names_accepted():
    """config.py cannot import these tables: they would make every stage load PyTorch."""
    for path, table in ((("train", "optimizer"), OPTIMIZERS), (("train", "augment"), AUGMENTATIONS)):
        assert schema.allowed(path) == f"one of {', '.join(table)}"
    assert {field.name for field in dataclasses.fields(Engine)} == set(schema.ENGINE)


def test_rounds_of_each_schedule():
    base = config.validate(changed(DEFAULT, {"n_rounds": 4, "reinit.every": 2, "redense.every": 3}))
    assert config.round_chain(base) == {"r01": "r00", "r02": "r01", "r03": "r02", "r04": "r03"}
    assert parameters.redense_rounds(base) == ["r00", "r03"]
    assert parameters.reinit_rounds(base) == ["r02", "r04"]
    once = config.validate(changed(DEFAULT, {"n_rounds": 3, "prune.schedule": "one_shot"}))
    assert config.round_chain(once) == {"r01": "r00", "r02": "r00", "r03": "r00"}
    assert parameters.reinit_rounds(once) == []


@pytest.mark.parametrize(("studies", "made"), [(["sdd"], True), ([], False)])
def test_nothing_is_made_for_a_study_that_is_not_chosen(studies, made):
    derived = config.derived(config.validate(changed(DEFAULT, {"studies": studies, "reinit.every": 2})))
    others = ("early_networks", "leave_out_runs", "lens_reads", "labels_reads")
    others += ("arms", "flatness_arms", "reliance_arms", "stability_reads")
    assert all(bool(derived[name]) == made for name in derived if name not in ("chosen", "plotted", *others))
    assert not any(derived[name] for name in others)
    rest = ("labels", "lens", "stability", "theory")
    assert derived["chosen"] == {"sdd": studies} | {name: [] for name in rest}
    assert derived["plotted"] == {"sdd": "sdd" if made else "not_chosen"} | dict.fromkeys(rest, "not_chosen")


def test_what_a_study_looks_at_beside_what_is_its_own():
    def derived(**values):
        return config.derived(config.validate(changed(DEFAULT, values)))

    alone = derived(studies=["labels"])
    assert alone["early_networks"] == ["ensemble"]
    assert alone["labels_reads"] == {"labels": "data/early"}
    assert not alone["dense_rounds"]
    assert derived(studies=["labels", "sdd"])["labels_reads"] == {"labels": "data/rounds"}
    assert derived(studies=["lens"])["lens_reads"] == {"lens": "data/early"}
    assert derived(studies=["lens"], **{"leave_out.every": 4})["lens_reads"] == {"lens": "data/lens/trained"}


def test_a_missing_parameter_is_named():
    values = copy.deepcopy(DEFAULT)
    del values["train"]["lr"]
    with pytest.raises(UserError, match=r"train\.lr: is missing; must be a number greater than 0"):
        config.validate(values)


@pytest.mark.parametrize(
    ("name", "value", "read"),
    [("noise", 0, 0.0), ("train.lr", 1e-3, 1e-3), ("train.lr", 1, 1.0), ("seeds", [7], [7])],
)
def test_numbers_are_read_as_dvc_reads_them(name, value, read):
    checked = config.validate(changed(DEFAULT, {name: value}))
    for part in name.split("."):
        checked = getattr(checked, part)
    assert checked == read
    assert type(checked) is type(read)


@pytest.mark.parametrize(
    ("written", "read"),
    [
        ("010", 10),
        ("1_000", 1000),
        ("0o10", 8),
        ("0x10", 16),
        ("1e2", 100.0),
        ("1:30", "1:30"),
        ("no", "no"),
        ("on", "on"),
    ],
)
def test_yaml_is_read_as_dvc_reads_it(tmp_path, written, read):
    """PyYAML takes 010 for 8, 1:30 for 90 and `no` for false: one thing would be trained and another recorded."""
    file = tmp_path / "params.yaml"
    file.write_text(f"value: {written}\nlist:\n- 0\n- {written}\n")
    ours, dvcs = yaml12.load(file), dvc_yaml.load_yaml(file)
    assert repr(ours) == repr(dvcs) == repr({"value": read, "list": [0, read]})


def test_a_name_that_comes_twice_is_refused(tmp_path):
    (tmp_path / "params.yaml").write_text("noise: 0.1\nnoise: 0.2\n")
    with pytest.raises(UserError, match=r"^[^\n]*params\.yaml: is not YAML \([^\n]*duplicate key[^\n]*\)$"):
        yaml12.load(tmp_path / "params.yaml")


def write(folder, values):
    (folder / "params.yaml").write_text(yaml.safe_dump(values))
    stage = {"cmd": "x", "params": ["noise", "train.lr", "prune"]}
    (folder / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"s": stage, "f": {"foreach": "${none}", "do": stage}}}))


def whole(**changes):
    return changed(DEFAULT, changes) | config.derived(config.validate(DEFAULT))


@pytest.mark.parametrize("stage", ["s", "f"])
def test_a_stage_reads_only_what_it_declares(tmp_path, stage):
    write(tmp_path, whole())
    params = config.read(stage, tmp_path)
    assert params.noise == 0.4
    assert params.train.lr == DEFAULT["train"]["lr"]
    assert params.prune.criterion == "magnitude"
    for undeclared in (lambda: params.seeds, lambda: params.train.epochs, lambda: params.model.name):
        with pytest.raises(AttributeError, match="does not declare"):
            undeclared()


def test_everything_is_checked_even_what_the_stage_does_not_read(tmp_path):
    write(tmp_path, whole(**{"redense.lr": -1}))
    with pytest.raises(UserError, match=r"redense\.lr=-1"):
        config.read("s", tmp_path)


def test_rounds_edited_by_hand_are_refused(tmp_path):
    write(tmp_path, whole(n_rounds=12))
    with pytest.raises(UserError, match=r"`rounds` does not match n_rounds and prune\.schedule"):
        config.read("s", tmp_path)


def test_broken_and_missing_files_are_named(tmp_path):
    with pytest.raises(UserError, match=r"params\.yaml: not found"):
        config.read("s", tmp_path)
    (tmp_path / "params.yaml").write_text("a: [")
    with pytest.raises(UserError, match=r"params\.yaml: is not YAML"):
        config.read("s", tmp_path)
