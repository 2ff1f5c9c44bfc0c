"""Every command that README, docs and benchmarks show is read by the program that it calls, with all its options.

What .ci/run calls is run there. Of the rest: DVC's and prunelab's own parsers read the arguments, experiments and grids
are checked as before they run, scripts read their options and go no further. What nobody reads here fails.
"""

import argparse
import ast
import functools
import re
import runpy
import shlex
import subprocess
import sys
import tomllib
import warnings
from importlib import import_module

import pytest
import yaml
from dvc.cli import DvcParserError
from test_config import changed
from test_readme import PAGES, ROOT, is_module

from prunelab import commands, config, overrides
from prunelab.core import sources
from prunelab.errors import UserError
from prunelab.sweeps import plan, replicates

CI = (ROOT / ".ci" / "run").read_text()
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
# A command in running text may be the beginning of one: `uv run prunelab queue`. Those are left to test_readme.py.
STARTS = re.compile(r"(?:uv|pip|git|dvc|prunelab|python3?) ")


def shown(text):
    """Commands in a page's sh blocks and in indented ones, as words."""
    blocks = re.findall(r"^```sh\n(.*?)^```", text, re.S | re.M)
    lines = [line for block in blocks for line in block.splitlines()]
    rest = re.sub(r"^```.*?^```", "", text, flags=re.S | re.M)
    lines += [line for line in re.findall(r"^ {4}(\S.*)$", rest, re.M) if STARTS.match(line)]
    return [tuple(words) for line in lines if (words := shlex.split(line, comments=True))]


SHOWN = sorted({words for page in PAGES for words in shown(page.read_text())})


class Read(Exception):  # noqa: N818
    """A script has read its options."""


@pytest.fixture(autouse=True)
def _as_a_reader_has_it(monkeypatch):
    """Data of one's own is where the commands say."""
    monkeypatch.chdir(ROOT)
    monkeypatch.setattr(sources, "check_root", lambda *some: None)
    monkeypatch.setattr(plan, "compose", composed)


@functools.cache
def preset(setting, compose=plan.compose):
    """What a preset composes to, by Hydra, without what is derived."""
    return {name: value for name, value in compose([setting], ROOT).items() if name not in config.DERIVED}


def composed(given, root=ROOT):
    """As plan.compose, which takes Hydra a while: the preset is Hydra's, the other values are set on it here."""
    values = dict(one.split("=", 1) for one in given)
    base = preset(f"setting={values.pop('setting', 'digits')}")
    config.validate(changed(base, {name: yaml.safe_load(value) for name, value in values.items()}))
    return {}


def read_dvc(words):
    from dvc.cli.parser import get_main_parser

    options = get_main_parser().parse_args(words)
    if words[:2] == ["exp", "run"]:
        given = options.set_param or []
        overrides.check(overrides.parse(given), ROOT)
        composed(given)


def read_prunelab(words):
    """By `prunelab` itself, whose commands stop before they begin."""
    found = []
    with pytest.MonkeyPatch.context() as patch:
        for name in commands.COMMANDS:
            patch.setattr(import_module(f"prunelab.commands.{name}"), "run", found.append)
        commands.main(words)
    (options,) = found
    if options.command in ("queue", "sweep"):
        of_one_study = replicates.swept(overrides.parse(options.overrides)) is not None
        points = plan.points(options.overrides, options.name, apart=options.command == "sweep")
        assert len(points) > 1 or of_one_study, "one experiment is no grid"


def read_python(words):
    """A module or a file of this repository: it reads its options, or has none."""
    if words[0] == "-m":
        name, given = words[1], words[2:]
        assert is_module(name, main=True), f"no module {name}"
        places = [root.joinpath(*name.split(".")) for root in (ROOT, ROOT / "src")]
        file = next(f for p in places for f in (p / "__main__.py", p.with_suffix(".py")) if f.is_file())
    else:
        name, given, file = None, words[1:], ROOT / words[0]
    source = file.read_text()
    ast.parse(source)
    if not re.search(r"\.parse_args\(|Table\.command\(", source):
        assert not given, f"{file}: takes no options"
        return
    parse = argparse.ArgumentParser.parse_args

    def read(self, *args, **kwargs):
        parse(self, *args, **kwargs)
        raise Read

    with pytest.MonkeyPatch.context() as patch, warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # runpy: the module is imported already
        patch.setattr(argparse.ArgumentParser, "parse_args", read)
        patch.setattr(sys, "argv", [str(file), *given])
        with pytest.raises(Read):
            runpy.run_module(name, run_name="__main__") if name else runpy.run_path(str(file), run_name="__main__")


def read_git(words):
    known = subprocess.run(["git", "--list-cmds=main"], capture_output=True, text=True, check=True).stdout.split()
    assert words[0] in known, f"git has no {words[0]}"


def options_of(words, *program):
    """Every option stands in the program's help."""
    said = subprocess.run([*program, "--help"], capture_output=True, text=True, check=True).stdout
    for word in words:
        if word.startswith("-"):
            assert re.search(rf"(?<![\w-]){re.escape(word)}(?![\w-])", said), f"{' '.join(program)}: no option {word}"


def extra(name):
    assert name in PROJECT["project"]["optional-dependencies"], f"no extra {name}"


def read_uv(words):
    if words[0] == "sync":
        assert {*words[1::2]} == {"--extra"}
        assert len(words) % 2
        for name in words[2::2]:
            extra(name)
    elif words[:2] == ["pip", "install"]:
        options_of(words, "uv", "pip", "install")
        for name in words[2:]:
            assert name.startswith("-") or (ROOT / name).exists(), f"no file {name}"
    else:
        assert words[0] == "run", words
        rest = list(words[1:])
        while rest[0].startswith("-"):
            options_of(rest[:1], "uv", "run")
            if rest.pop(0) == "--extra":
                extra(rest.pop(0))
        read(rest)


def read_pre_commit(words):
    options_of(words, "pre-commit", words[0])


READERS = {"uv": read_uv, "dvc": read_dvc, "prunelab": read_prunelab, "python": read_python, "git": read_git}
READERS |= {"pre-commit": read_pre_commit}


def read(words):
    """Raises for a command that its program does not take, or that nobody knows."""
    if re.search(rf"^(?:step| *) ?{re.escape(' '.join(words))}(?: \|\||$)", CI, re.M):
        return
    try:
        READERS[words[0]](list(words[1:]))
    except SystemExit as error:
        raise AssertionError(f"{' '.join(words)}: ends with {error.code}") from error


@pytest.mark.parametrize("words", SHOWN, ids=" ".join)
def test_a_command_that_a_page_shows_is_one(words):
    read(words)


def test_commands_are_found_on_every_kind_of_page():
    assert len(SHOWN) > 80
    text = (
        "```sh\nuv run dvc repro  # all\n\n# no command\n```\n\n    git push\n\n    text\n\n```text\nuv run no\n```\n"
    )
    assert shown(text) == [("uv", "run", "dvc", "repro"), ("git", "push")]


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("uv run dvc exp run -S noise=1.5", "noise=1.5: must be"),
        ("uv run dvc exp run -S nosie=0.5", "did you mean noise"),
        ("uv run dvc exp runn", "parser error"),
        ("uv run dvc repro --no-such-option", "parser error"),
        ("uv run prunelab compare --no-such-option", "ends with 2"),
        ("uv run prunelab queue noise=0.2", "one experiment is no grid"),
        ("uv run prunelab queue noise=0.2,2", "noise=2.0: must be"),
        ("uv run prunelab nothing", "ends with 2"),
        ("uv run python -m benchmarks.nothing", "no module"),
        ("uv run python -m benchmarks.kills --no-such-option", "ends with 2"),
        ("uv run python -m benchmarks.odd_files --no-such-option", "takes no options"),
        ("uv run python docs/nothing.py", "No such file"),
        ("uv sync --extra nothing", "no extra nothing"),
        ("uv run --extra nothing pytest", "no extra nothing"),
        ("uv pip install --no-such-option -r constraints.txt", "no option --no-such-option"),
        ("uv pip install -r nothing.txt", "no file nothing.txt"),
        ("uv run --no-such-option pytest", "no option --no-such-option"),
        ("uv run nothing", "'nothing'"),
        ("pre-commit run --no-such-option", "no option --no-such-option"),
        ("git nothing", "git has no nothing"),
        ("nothing", "'nothing'"),
    ],
)
def test_a_command_that_is_none_is_found(line, said):
    with pytest.raises((AssertionError, UserError, DvcParserError, FileNotFoundError, KeyError), match=said):
        read(shlex.split(line))
