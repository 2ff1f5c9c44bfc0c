"""Where one stands: a subfolder, a larger repository, no repository; and what git or DVC lack, said first."""

import re
import sys
from pathlib import Path

import pytest
from conftest import ROOT, TINY, clone, ran, run

from prunelab import programs
from prunelab.commands import main
from prunelab.comparison import runs
from prunelab.errors import UserError
from prunelab.sweeps import checks, plan


def refused(*command):
    """The line a command in this process ends with."""
    with pytest.raises(SystemExit) as stopped:
        main(command)
    assert "\n" not in str(stopped.value)
    return str(stopped.value)


def git(where, *command):
    return run("git", *command, cwd=where).stdout


@pytest.fixture(scope="module")
def larger(tmp_path_factory):
    """A project in a folder of a larger repository, in which an experiment ran."""
    top = tmp_path_factory.mktemp("mono")
    project = top / "tools" / "pl"
    project.mkdir(parents=True)
    clone(project)
    (project / ".git").rename(top / "aside")
    git(top, "init", "-q", "-b", "main")
    for name in ("name", "email"):
        git(top, "config", f"user.{name}", f"t@{name}")
    (top / "unrelated.txt").write_text("x\n")
    git(top, "add", "tools", "unrelated.txt")
    git(top, "commit", "-q", "-m", "snapshot")
    options = plan.options([*TINY, "n_rounds=1", "seeds=[0]"])
    run("dvc", "exp", "run", "-n", "one", *options, cwd=project)
    return project


def test_commands_work_from_a_subfolder_of_a_folder_of_a_larger_repository(larger, monkeypatch, capsys):
    monkeypatch.chdir(larger / "src")
    main(["compare", "one"])
    assert "n    " in capsys.readouterr().out
    assert (larger / "src" / "comparison" / "grid.png").is_file()  # where the user stands
    main(["report", "one", "--out", "page.html"])
    assert "uv run dvc exp run -S setting=digits_quick" in (larger / "src" / "page.html").read_text()
    main(["show", "--csv"])
    assert re.search("^one,|,one,", capsys.readouterr().out, re.M)
    main(["queue", *TINY, "n_rounds=1", "seeds=[0]", "noise=0.2", "--name", "q"])
    assert "q_" in run("dvc", "queue", "status", cwd=larger).stdout
    assert Path.cwd() == larger / "src"
    main(["doctor"])
    assert capsys.readouterr().out.endswith("nothing to mend\n")


def test_a_commits_files_are_the_projects(larger, monkeypatch):
    monkeypatch.chdir(larger)
    assert runs.inside(larger) == "tools/pl"
    files = runs.tree(git(larger, "rev-parse", "HEAD").strip())
    assert files.read_bytes("dvc.yaml") == (ROOT / "dvc.yaml").read_bytes()
    assert not files.exists("unrelated.txt")
    assert sorted(files.find("plots/sdd/figures"))[0].startswith("plots/sdd/figures/")


def test_dvc_itself_from_a_subfolder_says_where_to_go_and_changes_nothing(larger):
    git(larger, "stash", "-q")
    done = run("dvc", "exp", "run", "-S", "noise=0.2", cwd=larger / "src", check=False)
    git(larger, "stash", "pop", "-q")
    assert (
        done.stdout.splitlines()[-1]
        == f"error: DVC writes params.yaml to the folder in which it is started: `cd {larger}`"
    )
    assert not (larger / "src" / "params.yaml").exists()
    assert ran(done.stdout) == []


def test_outside_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for command in (["compare"], ["report"], ["show"], ["queue", "noise=0.2"], ["sweep", "noise=0.2"], ["doctor"]):
        assert refused(*command).startswith("error: not inside a prunelab repository: ")


def test_version_and_module():
    assert re.fullmatch(r"prunelab \d+\.\d+\.\d+\n", run("prunelab", "--version", cwd=ROOT).stdout)
    done = run(sys.executable, "-m", "prunelab", "--version", cwd=ROOT)
    assert done.stdout.startswith("prunelab ")


def test_an_option_that_dvc_does_not_know_is_one_line():
    done = run("prunelab", "show", "--nonsense", cwd=ROOT, check=False)
    assert (done.returncode, done.stdout) == (1, "ERROR: unrecognized arguments: --nonsense\n")


@pytest.fixture
def bare(tmp_path, monkeypatch):
    """A git repository with the files of this one that composition needs, none of them committed; stood in."""
    for name in ("conf", "dvc.yaml", "params.yaml", "src", "stages", "data"):
        (tmp_path / name).symlink_to(ROOT / name)
    git(tmp_path, "init", "-q")
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.mark.parametrize("command", ["queue", "sweep"])
def test_without_a_git_user_it_is_said_first(bare, monkeypatch, command):
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", "/dev/null")
    monkeypatch.setenv("GIT_CONFIG_SYSTEM", "/dev/null")
    monkeypatch.delenv("GIT_COMMITTER_NAME", raising=False)
    said = "error: git does not know your name, and experiments are commits: `git config user.name ...`"
    assert refused(command, "noise=nope") == said


@pytest.mark.parametrize("letter", ["ü", "#", "?", "\n"])
def test_a_path_that_dvc_takes_for_a_url(tmp_path, letter):
    folder = tmp_path / f"a{letter}b"
    with pytest.raises(UserError) as caught:
        checks.path(folder)
    assert f"DVC cannot clone below a path with {letter!r}" in str(caught.value)
    checks.path(tmp_path / "a b%41&c")


def test_a_file_that_no_clone_would_have(tmp_path, monkeypatch):
    clone(tmp_path)
    monkeypatch.chdir(tmp_path)
    params = plan.compose(["setting=digits_quick"], ROOT)
    checks.in_git(params)
    for name, changed in (
        ("src/prunelab/criteria/mine.py", {"prune": params["prune"] | {"criterion": "mine"}}),
        ("src/prunelab/models/mine.py", {"model": params["model"] | {"name": "mine"}}),
        ("conf/setting/mine.yaml", {"setting": "mine"}),
        ("src/prunelab/datasets/mine.py", {"dataset": "mine"}),
    ):
        Path(name).write_text("x\n")
        with pytest.raises(UserError) as caught:
            checks.in_git(params | changed)
        assert str(caught.value) == f"{name}: is not in git, and an experiment runs in a clone: `git add {name}`"
        checks.in_git(params)  # needed by another study only
        git(tmp_path, "add", name)
        checks.in_git(params | changed)
    Path("my pictures").mkdir()
    with pytest.raises(UserError) as caught:
        checks.in_git(params | {"data_root": "my pictures"})
    assert f"give the whole path, 'data_root=\"{tmp_path.resolve()}/my pictures\"'" in str(caught.value)


@pytest.mark.parametrize(
    ("printed", "cause"),
    [
        (
            "ERROR: unexpected error - Git user name and email must be configured\n\nHaving any troubles? Hit us up at "
            "https://dvc.org/support, we are always happy to help!\n",
            "Git user name and email must be configured",
        ),
        ("warning: x\nfatal: not a git repository\nhint: try again\n", "not a git repository"),
        (
            "Running stage 'fetch':\nerror: data_root='x': must be a folder\nERROR: failed to reproduce 'fetch'\n",
            "data_root='x': must be a folder",
        ),
        ("\x1b[31mERROR\x1b[39m: busy\n", "busy"),
        ("ERROR: one\nERROR: two\n", "one; two"),
        ("something\nelse\n", "else"),
        ("", ""),
    ],
)
def test_the_cause_of_all_that_is_printed(printed, cause):
    assert programs.cause(printed) == cause


def test_a_command_that_fails_says_why():
    with pytest.raises(UserError, match=r"^git rev-parse nope: .*nope"):
        programs.output("git", "rev-parse", "nope")
    with pytest.raises(UserError, match=r"^sh -c exit 3: no message$"):
        programs.output("sh", "-c", "exit 3")
