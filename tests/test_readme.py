"""CI runs the README's commands, and the README's commands exist."""

import re
import shlex
from pathlib import Path

import pytest
import yaml
from conftest import committed
from conftest import run as shell
from test_config import DEFAULT, changed

from prunelab import config
from prunelab.commands import COMMANDS as COMMANDS_OF_PRUNELAB
from prunelab.sweeps import plan

ROOT = Path(__file__).resolve().parent.parent
COMMITTED = shell("git", "ls-tree", "-r", "--name-only", "HEAD", cwd=ROOT).stdout.splitlines()
README = (ROOT / "README.md").read_text()
PAGES = [ROOT / "README.md", ROOT / "benchmarks" / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
COMMANDS = [
    " ".join(shlex.split(line, comments=True))
    for block in re.findall(r"```sh\n(.*?)```", README, re.S)
    for line in block.splitlines()
]


def test_ci_calls_exactly_the_readmes_commands():
    script = (ROOT / ".ci" / "run").read_text()
    called = [" ".join(shlex.split(line)) for line in re.findall(r"^step (.*)$", script, re.M)]
    assert called
    assert not set(called) - set(COMMANDS)
    assert {"uv run dvc repro", "uv run pytest", "uv run ruff check .", "uv run mypy"} <= set(called)


def test_ten_experiments_are_suggested_and_all_of_them_are_valid():
    lines = [line for line in COMMANDS if line.startswith("uv run dvc exp run")]
    assert len(lines) >= 10
    for line in lines:
        changes = dict(part.split("=", 1) for part in re.findall(r"-S (\S+)", line))
        setting = changes.pop("setting", None)
        assert setting is None or (ROOT / "conf" / "setting" / f"{setting}.yaml").is_file()
        config.validate(changed(DEFAULT, {name: yaml.safe_load(value) for name, value in changes.items()}))


def test_every_recipe_is_a_grid_that_can_be_queued():
    """Of the README and docs/sweeps.md: `prunelab queue` and `sweep` with all their combinations."""
    texts = README + (ROOT / "docs" / "sweeps.md").read_text()
    lines = set(re.findall(r"uv run prunelab (queue|sweep) ((?:[^`\n|])+)", texts))
    assert len(lines) >= 8
    for command, line in lines:
        overrides = [part for part in shlex.split(line, comments=True) if re.match(r"[a-z][\w.]*=", part)]
        overrides = [part for part in overrides if part.split("=")[0] not in ("queue", "walltime", "memory", "job_cpu")]
        points = plan.points(overrides, apart=command == "sweep")
        of_one_study = any(part.startswith("seeds=") and "[" not in part for part in overrides)
        assert len({point.name for point in points}) == len(points) > (not of_one_study)


def test_the_table_is_the_committed_run():
    """The numbers in the README are those of plots/sdd/named_models.csv."""
    rows = committed("plots/sdd/named_models.csv").splitlines()
    header = rows[0].split(",")
    for line in rows[1:]:
        row = dict(zip(header, line.split(","), strict=True))
        if row["model"] == "underfitting":
            continue
        cells = [f"{100 * float(row[c]):.1f} ± {100 * float(row[f'{c}_std']):.1f}" for c in header[4::2] if row[c]]
        place = f"| {row['model'].replace('_', ' ')} | {row['round']} | {100 * float(row['sparsity']):.2f}% |"
        assert f"{place} {' | '.join(cells)} |" in README


def code(page):
    """What a page sets as code: blocks, and between single backticks, which may span a line's end."""
    text = page.read_text()
    blocks = re.findall(r"^```\w*\n(.*?)^```", text, re.S | re.M)
    spans = re.findall(r"`([^`]+)`", re.sub(r"^```.*?^```", "", text, flags=re.S | re.M))
    return [" ".join(part.split()) for part in (*(line for block in blocks for line in block.splitlines()), *spans)]


def expanded(name):
    """src/{a,b}/ -> src/a/ and src/b/; of NAME.py, which stands for any, the folder; data_root=... is none of ours."""
    before, braces, after = re.fullmatch(r"([^{]*)(?:\{(.*)\})?(.*)", name).groups()
    return [re.sub(r"[^/]*NAME.*", "", before + part + after) for part in (braces or "").split(",")]


def is_module(name, main=False):
    place = [root.joinpath(*name.split(".")) for root in (ROOT, ROOT / "src")]
    files = [path / ("__main__.py" if main else "__init__.py") for path in place]
    files += [path.with_suffix(".py") for path in place]
    return any(path.is_file() and (not main or "__main__" in path.name + path.read_text()) for path in files)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_names_exists(page):
    """Modules, commands of prunelab, files, links and the headings they point at."""
    for text in code(page):
        for name in re.findall(r"python3? -m ([a-z][\w.]*)", text):
            assert is_module(name, main=True), f"python -m {name}"
        for name in re.findall(r"(?<![\w/.])(?:prunelab|stages|benchmarks)(?:\.[a-z]\w*)+", text):
            assert is_module(name), name
        for name in re.findall(r"(?<![\w/-])prunelab (?!import )([a-z]\w*)", text):
            assert name in COMMANDS_OF_PRUNELAB, f"prunelab {name}"
        for name in re.findall(r"(?<![\w/.])(?:src|conf|stages|tests|benchmarks|docs|plots)/[\w./{},*-]*", text):
            for one in expanded(name.rstrip(".,")):
                assert next(ROOT.glob(one), None), one
    for link in re.findall(r"\]\(((?!https?:)[^)\s]+)\)", page.read_text()):
        path, _, anchor = link.partition("#")
        target = page.parent / path if path else page
        # An experiment may have taken a figure out of the working tree: what is committed is there too.
        assert target.exists() or target.resolve().relative_to(ROOT).as_posix() in COMMITTED, link
        if anchor:
            headings = re.findall(r"^#+ (.*)$", target.read_text(), re.M)
            assert anchor in [re.sub(r"[^\w -]", "", heading.lower()).replace(" ", "-") for heading in headings], link


def test_a_name_that_does_not_exist_is_found():
    """The checks themselves, on names that are and are not there."""
    assert is_module("prunelab.sweeps")
    assert is_module("benchmarks", main=True)
    assert is_module("stages.fetch", main=True)
    assert not is_module("prunelab.claims")
    assert not is_module("prunelab.sweeps", main=True)
    assert not is_module("prunelab.errors", main=True)
    assert expanded("src/prunelab/{analysis,figures}/") == ["src/prunelab/analysis/", "src/prunelab/figures/"]
    assert expanded("src/prunelab/models/NAME.py") == ["src/prunelab/models/"]
