"""What `-S name=value` and a grid may say: a line for each mistake, and quotes with which any path comes through."""

import re
import shlex

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from prunelab import config, presets
from prunelab.comparison import report, runs
from prunelab.core import sources
from prunelab.errors import UserError
from prunelab.sweeps import plan

# What is given, and how the line begins; for prunelab's own commands and, but for what Hydra cannot parse, for DVC's.
WRONG = [
    *((f"{name}=5", f"{name}=5: is derived from {one.source}; change those") for name, one in config.DERIVED.items()),
    ("landscape_rounds=[r00]", "landscape_rounds=[r00]: is derived from n_rounds, redense.every and landscape.every"),
    ("rounds.r01=r00", "rounds.r01=r00: is derived from n_rounds"),
    ("+rounds=5", "+rounds=5: is derived from n_rounds"),
    ("~rounds", "~rounds: is derived from n_rounds"),
    ("setting=nope", "setting=nope: must be one of cifar100_resnet18, "),
    ("setting=null", "setting=None: must be one of "),
    ("setting=digits,nope", "setting=nope: must be one of "),
    ("+setting=digits", "+setting=digits: the parameter is there; change it without the plus sign: setting=digits"),
    ("setting@x=digits", "setting@x=digits: not a parameter; "),
    ("~setting", "~setting: a parameter cannot be taken away; "),
    ("train=5", "train=5: is a section; set one of train.epochs, train.batch_size, "),
    ("train={lr: 1}", "train={'lr': 1}: is a section; set one of "),
    ("model=lenet", "model=lenet: is a section; set one of model.name, "),
    ("model=lenet,vgg16", "model=lenet: is a section; set one of model.name, "),
    ("train.lr", "train.lr: not name=value"),
    ("train.lr.x=1", "train.lr.x=1: unknown parameter; train.lr is a single value"),
    ("train.lrr=1", "train.lrr=1: unknown parameter; did you mean train.lr?"),
    ("~train.lr", "~train.lr: a parameter cannot be taken away; it is changed by train.lr=VALUE, "),
    ("~train", "~train: a parameter cannot be taken away; "),
    ("~noise", "~noise: a parameter cannot be taken away; it is changed by noise=VALUE, which must be a number in "),
    ("~noise=0.4", "~noise=0.4: a parameter cannot be taken away; "),
    ("~nosie", "~nosie: a parameter cannot be taken away; unknown parameter; did you mean noise?"),
    ("+noise=0.3", "+noise=0.3: the parameter is there; change it without the plus sign: noise=0.3"),
    ("++noise=0.3", "++noise=0.3: the parameter is there; "),
    ("+nosie=0.3", "nosie=0.3: unknown parameter; did you mean noise?"),
    ("++train.foo=1", "train.foo=1: unknown parameter; known are epochs, "),
    ("Noise=0.3", "Noise=0.3: unknown parameter; did you mean noise?"),
    ("hydra.run.dir=x", "hydra.run.dir=x: not a parameter; known are setting, "),
    ("hydra/launcher=x", "hydra/launcher=x: not a parameter; "),
    ("seeds=5", "seeds=5: must be a list "),
    ("seeds=", "seeds='': must be a list "),
    ("seeds=null", "seeds=None: must be a list "),
    ("seeds=[0,0]", "seeds=[0, 0]: must be a list "),
    ("seeds=[-1]", "seeds=-1: must be a list "),
    ("seeds=range(3)", "seeds=range(3): one study in parts is for `prunelab sweep`"),
    ("seeds=0,1", "seeds=0,1: one study in parts is for `prunelab sweep`"),
    ("seeds=[0],1", "seeds=1: must be a list "),
    ("noise=", "noise='': must be a number in [0, 1)"),
    ("noise=null", "noise=None: must be a number in [0, 1)"),
    ("noise=nan", "noise=nan: must be a number in [0, 1)"),
    ("noise=[0.2,0.3]", "noise=[0.2, 0.3]: must be a number in [0, 1)"),
    ("noise=0.1,0.2,nope", "noise='nope': must be a number in [0, 1)"),
    ("noise=choice(0.1,2)", "noise=2.0: must be a number in [0, 1)"),
    ("noise=range(0,3)", "noise=1.0: must be a number in [0, 1)"),
    ("noise=interval(0,1)", "noise=interval(0,1): "),
    ("noise=glob(*)", "noise=glob(*): "),
    ("noise=${nope}", "noise=${nope}: Interpolation key 'nope' not found"),
    ("train.lr=${nope}", "train.lr=${nope}: Interpolation key 'nope' not found"),
    ("noise=${n_rounds}", "noise=35.0: must be a number in [0, 1)"),
    ("noise=0.2,0.20", "noise-0.2: two points of the grid have this name"),
    ("noise==5", "noise==5: cannot be read"),
    ("noise:0.5", "noise:0.5: not name=value"),
    ("noise 0.5", "noise 0.5: not name=value"),
    ("=5", "=5: "),
    ("-S noise=0.5", "-S noise=0.5: not name=value"),
    ("params.yaml:noise=0.5", "params.yaml:noise=0.5: not name=value"),
    ('noise="0.2', 'noise="0.2: cannot be read'),
    ("n_rounds=1e2", "n_rounds=100.0: must be a whole number"),
    ("sparse=1", "sparse=1: must be true or false"),
    ("engine=compile", "engine='compile': must be a list"),
    ("train.milestones=5", "train.milestones=5: must be a list of epochs"),
    ("device=gpu", "device='gpu': must be one of auto, cpu, cuda"),
    ("model.name=../x", "model.name='../x': must be one of conv2, conv_bn, lenet, "),
    ("data_root=2024", "data_root=2024: is read as a number, must be a path; as text it is 'data_root=\"2024\"'"),
    ("data_root=1e3", "data_root=1e3: is read as a number, must be a path; as text it is 'data_root=\"1e3\"'"),
    ("data_root=true", "data_root=true: is read as true or false, must be a path; as text it is 'data_root=\"true\"'"),
    ("data_root=null", "data_root=null: is read as nothing, must be a path; "),
    ("data_root=[a,b]", "data_root=[a,b]: is read as a list, must be a path; "),
    ("data_root={a: 1}", "data_root={a: 1}: is read as named values, must be a path; "),
    ('data_root="2024"', "data_root='2024': must be a folder"),
    ("data_root='\\${HOME}'", "data_root="),
    ('data_root="a\tb"', "data_root='a\\tb': must not contain control characters"),
    *(
        (f"data_root=/x{sign}y", f"data_root=/x{sign}y: cannot be read; as text it is 'data_root=\"/x{sign}y\"'")
        for sign in ("ü", "(", ")", "=", "&", "#", "~", "!", "<", ">", ";", "`")
    ),
]


@pytest.mark.parametrize(("given", "line"), WRONG, ids=[given for given, _ in WRONG])
def test_each_mistake_is_one_line_that_names_the_parameter(given, line):
    with pytest.raises(UserError) as caught:
        plan.points([given])
    said = str(caught.value)
    assert said.startswith(line)
    assert "\n" not in said
    assert len(said) < 400
    assert given.lstrip("+~-S ").split("=")[0].split(":")[0].split("@")[0].split(".")[0] in said


@pytest.mark.parametrize("given", [given for given, line in WRONG if "cannot be read; as text" in line])
def test_the_quoting_that_a_line_gives_works(given, monkeypatch):
    monkeypatch.setattr(sources, "check_root", lambda *some: None)
    with pytest.raises(UserError) as caught:
        plan.points([given])
    (quoted,) = shlex.split(str(caught.value).rpartition("as text it is ")[2])
    assert plan.compose([quoted])["data_root"] == given.partition("=")[2]


def test_one_parameter_may_be_taken_from_another(default):
    assert plan.compose(["redense.lr=0.02", "train.lr=${redense.lr}"])["train"]["lr"] == 0.02


@pytest.fixture(scope="module")
def default():
    return plan.compose([])


ODD = st.text("ab ü(=&#~'\"\\,[]{}:$%@?|*+-./0123eE!;<>`", min_size=1, max_size=12)
ANY = st.text(st.characters(exclude_categories=["Cs", "Cc", "Zl", "Zp"]), min_size=1, max_size=30)


@settings(max_examples=60, deadline=None)
@given(data_root=ODD | ANY)
@example(data_root=".0")
def test_a_reports_command_composes_for_any_data_root(default, data_root):
    """Through the shell and through Hydra: the same parameters. `${` is refused, because DVC fills it in."""
    params = {**default, "data_root": data_root}
    run = runs.Run("x;touch${IFS}PWNED", "b" * 40, params, [], baseline="a" * 40)
    with pytest.MonkeyPatch.context() as patched:
        patched.setattr(sources, "check_root", lambda *some: None)
        line = next(line for line in report.commands(run) if line.startswith("uv run dvc exp run"))
        given = shlex.split(line)[6::2]
        assert shlex.split(line)[5::2] == ["-S"] * len(given)
        if "${" in data_root:
            with pytest.raises(UserError):
                plan.compose(given)
        else:
            assert plan.compose(given) == params


def test_a_name_in_a_command_is_one_word_to_the_shell(default):
    run = runs.Run("x;touch${IFS}PWNED", "b" * 40, default, [], baseline="a" * 40)
    pull = report.commands(run)[-1].partition(":  ")[2]
    assert shlex.split(pull) == ["uv", "run", "dvc", "exp", "pull", "origin", "x;touch${IFS}PWNED"]


@pytest.mark.parametrize("text", ["true", "Null", "nan", "2024", "1e3", "a b", "", "~", "-", "1.", "0x1f", "1_0"])
def test_text_that_looks_like_something_else_is_quoted(text):
    assert presets.written(text) == f'"{text}"'


def test_plain_paths_are_written_plainly():
    assert presets.written("data/source") == "data/source"
    assert presets.written("/mnt/a-b_c.npz") == "/mnt/a-b_c.npz"
    assert presets.written([1, 2]) == "[1,2]"
    assert presets.written(["channels_last"]) == "[channels_last]"
    assert re.fullmatch(r'"a\\\\\\"b\\\\"', presets.written('a\\"b\\'))
