"""The report stands alone, shows what it was given, and takes nothing it shows for markup."""

import base64
import json
import re

import pytest
from conftest import ROOT
from conftest import run as shell
from test_compare import run

from prunelab.commands import main
from prunelab.comparison import grid, report
from prunelab.errors import UserError

LOADS = re.compile(r"""(?:src|href)\s*=\s*["']?(?!data:)[a-z./]|@import|url\((?!data:)""", re.I)


def body(page):
    """All but Vega."""
    return page.split("</head>\n<body>")[1]


@pytest.fixture
def in_the_repository(monkeypatch):
    monkeypatch.chdir(ROOT)


def settings_of(one, **more):
    one.params.update({"noise_type": "symmetric", "model": {"name": "lenet"}, **more})
    return one


@pytest.mark.usefixtures("in_the_repository")
def test_a_page_on_two_runs():
    two = [settings_of(run("a")), settings_of(run("<script>b", noise=0.2, lift=0.1))]
    page = report.build(two, grid.layout(two))
    text = body(page)
    assert not LOADS.search(text)
    assert "<script>b" not in text
    assert "&lt;script&gt;b" in text
    assert "How does noise (0.4, 0.2) change what pruning does to generalisation?" in text
    assert "lenet, digits, symmetric noise, magnitude pruning, rewind" in text
    assert "61.0 ± 1.0" in text
    assert "71.0 ± 1.0" in text
    chart = json.loads(re.search(r'vegaEmbed\("#curves", (.*), \{actions', text)[1])
    assert {row["study"] for row in chart["data"]["values"]} == {"40% noise", "20% noise"}
    pictures = re.findall(r"data:image/png;base64,([^\"]+)", text)
    assert all(base64.b64decode(picture).startswith(b"\x89PNG") for picture in pictures)
    assert len(pictures) == 1  # the grid; these runs have no figures
    assert text.count("This run has no figures.") == 2


def test_the_committed_study(tmp_path, in_the_repository, capsys):
    out = tmp_path / "report.html"
    main(["report", "--out", str(out)])
    page = out.read_text()
    text = body(page)
    assert not LOADS.search(text)
    assert not re.search(r"<script[^>]*\bsrc=", page)
    # Of HEAD: an experiment changes the working tree's.
    committed = shell("git", "ls-tree", "--name-only", "HEAD", "plots/sdd/figures/", cwd=ROOT).stdout
    assert text.count("data:image/png;base64,") == committed.count(".png")
    assert "What does pruning lenet by magnitude do to its generalisation, with 40% of the labels wrong?" in text
    assert "supported" in text
    assert "uv run dvc repro" in text
    assert str(ROOT) not in page


def test_pages_of_dvc_load_nothing_either():
    page = (ROOT / ".dvc" / "plots" / "page.html").read_text()
    assert "{plot_divs}" in page
    assert "{scripts}" not in page
    assert not re.search(r"<(script|link)[^>]*\b(src|href)=", page)
    assert page.count("Redistribution and use in source and binary forms") == 3  # the licences
    assert "html_template = plots/page.html" in (ROOT / ".dvc" / "config").read_text()


def test_outside_the_repository_is_one_line(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    one = [settings_of(run("a"))]
    with pytest.raises(UserError, match=r"^.dvc/plots/page.html: not found; run from the root of the repository$"):
        report.build(one, grid.layout(one))
