"""CI runs the README's commands, and the README's commands exist."""

import re
import shlex
from pathlib import Path

import yaml
from conftest import committed
from test_config import DEFAULT, changed

from prunelab import config
from prunelab.sweeps import plan

ROOT = Path(__file__).resolve().parent.parent
README = (ROOT / "README.md").read_text()
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
    lines = set(re.findall(r"uv run prunelab (?:queue|sweep) ((?:[^`\n|])+)", texts))
    assert len(lines) >= 8
    for line in lines:
        overrides = [part for part in shlex.split(line, comments=True) if re.match(r"[a-z][\w.]*=", part)]
        overrides = [part for part in overrides if part.split("=")[0] not in ("queue", "walltime", "memory", "job_cpu")]
        points = plan.points(overrides)
        assert len({point.name for point in points}) == len(points) > 1


def test_the_table_is_the_committed_run():
    """The numbers in the README are those of plots/named_models.csv."""
    rows = committed("plots/named_models.csv").splitlines()
    header = rows[0].split(",")
    for line in rows[1:]:
        row = dict(zip(header, line.split(","), strict=True))
        if row["model"] == "underfitting":
            continue
        cells = [f"{100 * float(row[c]):.1f} ± {100 * float(row[f'{c}_std']):.1f}" for c in header[4::2] if row[c]]
        place = f"| {row['model'].replace('_', ' ')} | {row['round']} | {100 * float(row['sparsity']):.2f}% |"
        assert f"{place} {' | '.join(cells)} |" in README


def test_every_file_the_readme_names_exists():
    for name in re.findall(r"`((?:src|conf|stages|tests|benchmarks)/[\w./]*)`", README):
        if "NAME" not in name:
            assert (ROOT / name).exists(), name
    for name in re.findall(r"\]\(((?!http)[^)]+)\)", README):
        assert (ROOT / name).exists(), name
