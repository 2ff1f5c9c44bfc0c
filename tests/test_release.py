"""What tells people about the project, and where it is built: held against pyproject.toml and .ci/run."""

import json
import re
import tomllib
from datetime import date
from pathlib import Path

import yaml
from conftest import run

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
VERSION = PROJECT["project"]["version"]
CITATION = yaml.safe_load((ROOT / "CITATION.cff").read_text())
# Version 1.2.0 of the format: keys of the file, those it cannot do without, and those of a reference.
OF_THE_FILE = {"abstract", "authors", "cff-version", "date-released", "identifiers", "keywords", "license", "message"}
OF_THE_FILE |= {"references", "title", "type", "version"}
OF_A_REFERENCE = {"authors", "conference", "identifiers", "title", "type", "year"}
KINDS = {"article", "conference-paper"}


def test_the_citation_has_what_its_format_asks_for():
    assert {"authors", "cff-version", "message", "title"} <= set(CITATION) <= OF_THE_FILE
    assert CITATION["cff-version"] == "1.2.0"
    assert CITATION["type"] == "software"
    assert all(isinstance(CITATION[key], str) for key in ("message", "title", "version", "license", "date-released"))
    assert date.fromisoformat(CITATION["date-released"])
    for one in CITATION["references"]:
        assert {"authors", "title", "type"} <= set(one) <= OF_A_REFERENCE
        assert one["type"] in KINDS
        assert all(set(author) == {"given-names", "family-names"} for author in one["authors"])
        assert isinstance(one["year"], int)
        assert "name" in one.get("conference", {"name": ""})


def test_the_citation_is_of_this_project():
    assert CITATION["title"] == PROJECT["project"]["name"]
    assert CITATION["version"] == VERSION
    text = (ROOT / "LICENSE").read_text()
    assert text.startswith(CITATION["license"])
    assert [author["name"] for author in CITATION["authors"]] == re.findall(r"Copyright \(c\) \d+ (.*)", text)


def test_every_study_after_a_paper_cites_it():
    """The papers that the pages of the studies name, by title."""
    cited = {" ".join(one["title"].split()) for one in CITATION["references"]}
    pages = " ".join(" ".join(path.read_text().split()) for path in (ROOT / "README.md", *(ROOT / "docs").glob("*.md")))
    named = {title for title in re.findall(r"et al\., \*([^*]+)\*", pages) if title != "Sparse Double Descent"}
    assert len(named) >= 4
    assert named <= cited


def test_the_newest_version_of_the_changelog_is_the_projects():
    headings = re.findall(r"^## (.*)$", (ROOT / "CHANGELOG.md").read_text(), re.M)
    assert headings[0] == "[Unreleased]"
    released = [re.fullmatch(r"\[(\d+\.\d+\.\d+)\] - (\d{4}-\d\d-\d\d)", heading).groups() for heading in headings[1:]]
    assert released[0] == (VERSION, CITATION["date-released"])
    assert [version.split(".") for version, _ in released] == sorted(
        (version.split(".") for version, _ in released), key=lambda parts: [int(part) for part in parts], reverse=True
    )
    assert [day for _, day in released] == sorted((day for _, day in released), reverse=True)


def test_the_workflow_runs_what_ci_runs_and_nothing_else():
    workflow = yaml.safe_load((ROOT / ".github" / "workflows" / "ci.yml").read_text())
    assert workflow["permissions"] == {"contents": "read"}
    (job,) = workflow["jobs"].values()
    assert "permissions" not in job
    assert job["timeout-minutes"] == 90
    assert [step["run"] for step in job["steps"] if "run" in step] == [".ci/run"]
    assert run("git", "ls-files", "--stage", ".ci/run", cwd=ROOT).stdout.startswith("100755")  # it can be run
    used = {step["uses"].split("@")[0]: step for step in job["steps"] if "uses" in step}
    assert all(re.fullmatch(r"[\w./-]+@[0-9a-f]{40}", step["uses"]) for step in used.values())
    python = used["actions/setup-python"]["with"]["python-version"]
    assert PROJECT["project"]["requires-python"] == f">={python}"


def test_the_container_installs_as_ci_does():
    container = json.loads((ROOT / ".devcontainer" / "devcontainer.json").read_text())
    assert container["image"] == f"python:{PROJECT['project']['requires-python'].removeprefix('>=')}"
    install, sync, hooks = container["postCreateCommand"].split(" && ")
    assert install in (ROOT / ".ci" / "run").read_text()
    assert sync == "uv sync"
    assert hooks in (ROOT / "README.md").read_text()
