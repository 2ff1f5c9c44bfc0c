"""The pages of docs/: an index that leads to all of them, and a glossary whose words stand in the code."""

import ast
import re
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
INDEX = DOCS / "README.md"
PAGES = sorted(page for page in DOCS.rglob("*.md") if page != INDEX)
# Written by a run, kept as it came.
OUTPUT = [DOCS / "lens" / "claims.md", DOCS / "results" / "replicates" / "claims.md"]


def links(page):
    """Files that a page links to."""
    found = re.findall(r"\]\(((?!https?:)[^)\s#]+)", page.read_text())
    return {(page.parent / link).resolve() for link in found}


def test_the_index_leads_to_every_page_and_every_page_back():
    assert len(PAGES) > 8
    assert set(PAGES) <= links(INDEX)
    assert [page for page in PAGES if INDEX not in links(page)] == OUTPUT
    assert links(ROOT / "README.md") >= {INDEX, DOCS / "glossary.md"}


def test_links_are_found(tmp_path):
    page = tmp_path / "page.md"
    page.write_text("[a](x/a.md#part), ![b](../b.png), [c](https://example.org/c), [d](#part)")
    assert links(page) == {tmp_path / "x" / "a.md", tmp_path.parent / "b.png"}


GLOSSARY = (DOCS / "glossary.md").read_text()
ENTRIES = dict(re.findall(r"^## (.*)\n\n((?:.+\n)+)", GLOSSARY, re.M))


def test_the_glossary_is_in_the_order_of_the_alphabet():
    assert len(ENTRIES) == GLOSSARY.count("\n## ") > 30
    assert list(ENTRIES) == sorted(ENTRIES, key=str.lower)


def names(file):
    """What a Python file defines at any depth, or the parameters of a YAML file, sections joined by points."""
    if file.suffix == ".py":
        nodes = list(ast.walk(ast.parse(file.read_text())))
        made = {node.name for node in nodes if isinstance(node, ast.FunctionDef | ast.ClassDef)}
        return made | {node.id for node in nodes if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store)}
    values = yaml.safe_load(file.read_text())
    return {*values, *(f"{name}.{key}" for name, some in values.items() if isinstance(some, dict) for key in some)}


@pytest.mark.parametrize("term", ENTRIES)
def test_a_term_is_explained_shortly_and_stands_in_the_code(term):
    text, _, pointer = ENTRIES[term].rstrip().rpartition("\nIn: ")
    assert 2 <= len(re.findall(r"[.!?](?=\s|$)", text)) <= 4
    path, _, name = re.match(r"`([^`]+)`(, `([\w.]+)`)?", pointer).groups()
    file = ROOT / path
    assert file.is_file(), path
    assert not name or name in names(file), f"{path}: {name}"


def test_a_name_that_a_file_does_not_have_is_found():
    assert "applied" in names(ROOT / "src" / "prunelab" / "core" / "pruning" / "mask.py")
    assert "apply" not in names(ROOT / "src" / "prunelab" / "core" / "pruning" / "mask.py")
    assert {"studies", "train.epochs"} <= names(ROOT / "conf" / "config.yaml")
    assert "train.epoch" not in names(ROOT / "conf" / "config.yaml")


def unexplained(text):
    """The headings of the first table of models in a page whose last word stands in no term of the glossary."""
    (row,) = re.findall(r"^\| model \|(.*)\|$", text, re.M)[:1]
    headings = ["model", *(cell.strip() for cell in row.split("|"))]
    terms = {word for term in ENTRIES for word in re.findall(r"\w+", term.lower())}
    return [heading for heading in headings if not {heading.split()[-1], f"{heading.split()[-1]}s"} & terms]


def test_the_columns_of_the_readmes_table_are_explained():
    text = (ROOT / "README.md").read_text()
    assert unexplained(text) == ["train"]  # is what it says
    assert unexplained(text.replace("| test, best |", "| test, luckiest |")) == ["train", "test, luckiest"]
