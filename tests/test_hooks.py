"""Hooks for pre-commit: they check what .ci/run checks, and hold a commit back where there is no network."""

import re
import shlex
import sys
import tomllib
from pathlib import Path

import pytest
import yaml
from conftest import run

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
HOOKS = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text())["repos"]
# As if there were no network: nobody listens there.
CUT_OFF = dict.fromkeys(("http_proxy", "https_proxy", "HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY"), "http://127.0.0.1:9")


def test_hooks_are_local_and_check_what_ci_checks():
    (local,) = HOOKS
    assert local["repo"] == "local"
    assert all(hook["language"] == "system" for hook in local["hooks"])
    entries = [shlex.split(hook["entry"]) for hook in local["hooks"]]
    assert all(entry[:4] == ["uv", "run", "--no-sync", "--offline"] for entry in entries)
    checked = re.findall(r"^step uv run (ruff check|ruff format|mypy)", (ROOT / ".ci" / "run").read_text(), re.M)
    assert len(checked) == 3
    assert [" ".join(entry[4:]).removesuffix(" --force-exclude") for entry in entries] == checked
    (mypy,) = [hook for hook in local["hooks"] if hook["id"] == "mypy"]
    assert mypy["pass_filenames"] is False  # it reads all that pyproject.toml names, whichever of them changed
    files = [*PROJECT["tool"]["mypy"]["files"], ".ci/constraints.py"]
    assert all(re.search(mypy["files"], name if name.endswith(".py") else f"{name}/x.py") for name in files)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('"""Good."""\n\nONE = 1\n', {"ruff check": "Passed", "ruff format": "Passed"}),
        ('"""Badly set."""\n\nONE   = 1\n', {"ruff check": "Passed", "ruff format": "Failed"}),
        ('"""Wrong."""\n\nimport os\n', {"ruff check": "Failed", "ruff format": "Passed"}),
    ],
    ids=["good", "format", "lint"],
)
def test_hooks_hold_a_commit_back_without_a_network(text, said, tmp_path):
    for name in ("pyproject.toml", ".pre-commit-config.yaml"):
        (tmp_path / name).write_bytes((ROOT / name).read_bytes())
    (tmp_path / "page.py").write_text(text)
    run("git", "init", "-q", cwd=tmp_path)
    run("git", "add", "-A", cwd=tmp_path)
    env = {**CUT_OFF, "SKIP": "mypy", "PRE_COMMIT_HOME": str(tmp_path / ".git" / "hooks-home")}
    env |= {"UV_PROJECT_ENVIRONMENT": sys.prefix}
    done = run("pre-commit", "run", "--all-files", cwd=tmp_path, check=False, env=env)
    found = dict(re.findall(r"^(ruff check|ruff format)\.+(\w+)$", done.stdout, re.M))
    assert found == said, done.stdout
    assert (done.returncode == 0) == (set(said.values()) == {"Passed"})
