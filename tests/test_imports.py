"""Imports held against dvc.yaml and against the layers: every module among the deps, none upwards, no cycle."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

from prunelab import pipeline, studies
from prunelab.core import byname

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: entry.get("do", entry) for name, entry in DVC["stages"].items()}
# Code that cannot change an output: it checks parameters (whose values are dependencies), or shows progress.
# That it writes nothing is tested below, and in test_repro.py while stages run.
NOT_DEPENDENCIES = {
    f"prunelab.{name}"
    for name in (
        "errors",
        "config",
        "schema",
        "fields",
        "pipeline",
        "studies",
        "progress",
        "yaml12",
        "meanwhile",
        "warm",
    )
}
# Nor can where outputs lie, which dvc.yaml says too; and which rounds a study has, which are in params.yaml.
NOT_DEPENDENCIES |= {
    f"prunelab.studies.{study}.{name}" for study in studies.names() for name in ("places", "parameters")
}
KINDS = pipeline.load(ROOT)
PAGES = {name: next((ROOT / "stages").rglob(f"{name}.py")) for name in KINDS}
OF_SDD = ("redense", "reinit", "landscape", "analyze", "draw")
VARIANTS = ("datasets", "models", "criteria")


def module_file(name):
    path = SRC.joinpath(*name.split("."))
    return path / "__init__.py" if path.is_dir() else path.with_suffix(".py")


def exists(name):
    return module_file(name).is_file()


def imports_of(file):
    """Project modules a file imports when it runs: not those only named for type checking."""
    found = set()
    tree = ast.parse(file.read_text())
    typing_only = {
        id(node)
        for block in ast.walk(tree)
        if isinstance(block, ast.If) and getattr(block.test, "id", "") == "TYPE_CHECKING"
        for node in ast.walk(block)
    }
    for node in ast.walk(tree):
        if id(node) in typing_only:
            continue
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found.add(node.module)
            found |= {f"{node.module}.{alias.name}" for alias in node.names}
    return {name for name in found if name.split(".")[0] == "prunelab" and exists(name)}


def only_a_docstring(file):
    return all(isinstance(n, ast.Expr) and isinstance(n.value, ast.Constant) for n in ast.parse(file.read_text()).body)


def reachable(file, skip):
    """All project modules imported from a file, at any depth, not looking inside `skip`."""
    todo, seen = imports_of(file), set()
    while todo:
        name = todo.pop()
        if name in seen or name in skip:
            continue
        seen.add(name)
        todo |= imports_of(module_file(name))
    return seen


def covered(file, deps):
    relative = file.relative_to(ROOT).as_posix()
    return any(relative == dep or relative.startswith(f"{dep}/") for dep in deps)


@pytest.mark.parametrize("stage", STAGES)
def test_a_stage_depends_on_every_module_it_imports(stage):
    """Its own, or by way of data/common those of the stage that made the basis."""
    page = PAGES[stage].relative_to(ROOT).as_posix()
    assert page in KINDS[stage].deps
    assert entry_command(stage) == f"python -m {page.removesuffix('.py').replace('/', '.')}"
    deps, _ = pipeline.given(KINDS[stage], KINDS)
    for name in sorted(reachable(PAGES[stage], NOT_DEPENDENCIES)):
        file = module_file(name)
        assert covered(file, deps) or only_a_docstring(file), f"{stage} imports {name}, not among its deps"


def entry_command(stage):
    return STAGES[stage]["cmd"]


def test_what_no_stage_depends_on_has_nothing_to_write_with():
    """Else an edit there would change an output, and DVC would not run the stage again."""
    files = [ROOT / "stages" / "__init__.py", *(module_file(name) for name in NOT_DEPENDENCIES)]
    for file in files:
        if not {*studies.names()} & {*file.parts}:  # a study's folder is a dependency of what is made at its end
            assert not any(covered(file, kind.deps) for kind in KINDS.values()), f"{file} is a dependency after all"
        nodes = list(ast.walk(ast.parse(file.read_text())))
        imported = {alias.name for node in nodes if isinstance(node, ast.Import) for alias in node.names}
        imported |= {node.module for node in nodes if isinstance(node, ast.ImportFrom)}
        from_elsewhere = {name.split(".")[0] for name in imported} - sys.stdlib_module_names
        assert from_elsewhere <= {"prunelab", "pydantic", "tqdm", "ruamel"}, file
        assert "prunelab.core.artifacts" not in imports_of(file), file
        called = {getattr(n.func, "attr", getattr(n.func, "id", "")) for n in nodes if isinstance(n, ast.Call)}
        assert not called & {"open", "write_text", "write_bytes", "mkdir", "makedirs", "touch", "rename", "dump"}, file


def test_git_ignores_no_file_of_the_project():
    """Such as those of a folder that is called like what a command writes."""
    files = [
        path for folder in ("src", "stages", "conf", "tests") for path in (ROOT / folder).rglob("*") if path.is_file()
    ]
    names = "\n".join(str(path.relative_to(ROOT)) for path in files if "__pycache__" not in path.parts)
    command = ["git", "check-ignore", "--no-index", "--stdin"]
    found = subprocess.run(command, cwd=ROOT, input=names, capture_output=True, text=True, check=False)
    assert found.stdout.split() == []


@pytest.mark.parametrize("folder", VARIANTS)
def test_variants_are_imported_by_name_only_and_use_only_the_core(folder):
    for file in SRC.rglob("*.py"):
        if file.parent.name != folder:
            assert not any(name.startswith(f"prunelab.{folder}.") for name in imports_of(file)), file
    for name in byname.names(folder):
        for imported in imports_of(SRC / "prunelab" / folder / f"{name}.py"):
            assert imported.startswith(("prunelab.core", "prunelab.errors"))


SHARED = (
    "prunelab.gallery",
    "prunelab.style",
    "prunelab.byround",
    "prunelab.regimes",
    "prunelab.landscape",
    "prunelab.fields",
    "prunelab.errors",
    "prunelab.config",
    "prunelab.yaml12",
)


def graph():
    """What every module imports."""
    parts = {file: file.relative_to(SRC).with_suffix("").parts for file in SRC.rglob("*.py")}
    names = {file: ".".join(some).removesuffix(".__init__") for file, some in parts.items()}
    return {name: imports_of(file) - {name, "prunelab"} for file, name in names.items()}


def test_there_is_no_import_cycle():
    imports, done, path = graph(), set(), []

    def visit(name):
        assert name not in path, f"import cycle: {' -> '.join([*path, name])}"
        if name not in done:
            path.append(name)
            for other in sorted(imports[name]):
                if not name.startswith(f"{other}."):  # importing from one's own package's __init__ is no arrow
                    visit(other)
            path.pop()
            done.add(name)

    for name in sorted(imports):
        visit(name)


def test_imports_go_down_only():
    """The core knows nothing above it, tickets only the core, judging no study, a study no other study."""
    for name, imported in graph().items():
        study = re.match(r"prunelab\.studies\.(\w+)", name)
        if name.startswith("prunelab.core"):
            allowed = ("prunelab.core", "prunelab.errors")
        elif name.startswith("prunelab.tickets"):  # used without a repository
            allowed = ("prunelab.core", "prunelab.errors", "prunelab.tickets")
        elif name.startswith("prunelab.judging"):
            allowed = ("prunelab.core", "prunelab.errors", "prunelab.judging", "prunelab.presets")
        elif study:
            allowed = ("prunelab.core", "prunelab.judging", f"prunelab.studies.{study[1]}", *SHARED)
        else:
            continue
        # The table of studies says what each of them needs.
        odd = [other for other in imported if not other.startswith(allowed) and other != "prunelab.studies"]
        assert not odd, f"{name} imports {odd}"


def test_only_one_file_of_the_core_knows_dvclive():
    core = [file for file in (SRC / "prunelab" / "core").rglob("*.py") if "dvclive" in file.read_text()]
    assert [file.name for file in core] == ["live.py"]
    at_once = [node for node in ast.parse(core[0].read_text()).body if isinstance(node, ast.Import | ast.ImportFrom)]
    assert "dvclive" not in "".join(map(ast.unparse, at_once))  # not everybody has it
