"""Outputs that are not what their stage wrote: the doctor takes them away, and real DVC makes them again."""

import os
import shutil

import pytest
import yaml
from conftest import run
from killed import git, mend, repository

from prunelab.core import digests
from prunelab.doctor import examine

MAKE = """
from pathlib import Path
from prunelab.core import artifacts, digests
with artifacts.writing(Path("data/out")) as folder:
    artifacts.write_json(folder / "a.json", [1])
    artifacts.write_text(folder / "inside" / "b.txt", "words")
artifacts.write_text(Path("metrics/m.json"), "[2]")
digests.seal(Path("metrics"), ["m.json"], "m.json" + digests.SINGLE)
"""
FILES = {
    "data/out/a.json": "[\n  1\n]\n",
    "data/out/inside/b.txt": "words",
    "metrics/m.json": "[2]",
}
LINKS = ("copy", "hardlink")


@pytest.fixture(scope="module", params=LINKS)
def made(tmp_path_factory, request):
    """A pipeline of one stage that was run."""
    root = repository(tmp_path_factory.mktemp("made"))
    shutil.rmtree(root / ".dvc")
    run("dvc", "init", "-q", cwd=root)
    run("dvc", "config", "cache.type", request.param, cwd=root)
    (root / "make.py").write_text(MAKE)
    outs = ["data/out", *({f"metrics/{name}": {"cache": False}} for name in ("m.json", f"m.json{digests.SINGLE}"))]
    stage = {"cmd": "python make.py", "deps": ["make.py"], "outs": outs}
    (root / "dvc.yaml").write_text(yaml.safe_dump({"stages": {"a": stage}}))
    run("dvc", "repro", "-q", cwd=root)
    git(root, "add", "-A")
    git(root, "commit", "-q", "-m", "made")
    return root, request.param


@pytest.fixture
def project(made, tmp_path):
    """A copy to damage, whose files are linked to its own cache as in the original."""
    root = tmp_path / "copy"
    run("cp", "-a", str(made[0]), str(root), cwd=tmp_path)
    run("dvc", "status", "-q", cwd=root)  # DVC has now seen these files
    return root, made[1]


def flip(path, byte=0):
    """One bit, the file's times and mode kept, as a disk would."""
    before = path.stat()
    path.chmod(0o644)
    content = bytearray(path.read_bytes())
    content[byte] ^= 1
    with open(path, "r+b") as file:
        file.write(content)
    path.chmod(before.st_mode)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def right(root):
    return {name: (root / name).read_text() if (root / name).exists() else None for name in FILES} == FILES


def test_nothing_is_said_of_whole_outputs(project):
    assert examine(project[0]) == []


@pytest.mark.parametrize(
    ("damaged", "moved", "objects"),
    [
        ("data/out/inside/b.txt", "data/out: is not what its stage wrote (inside/b.txt)", 1),
        ("data/out/sha256sums.txt", "data/out: is not what its stage wrote (a.json)", 1),
        ("metrics/m.json", "metrics/m.json: is not what its stage wrote", 0),
        ("metrics/m.json.sha256", "metrics/m.json: is not what its stage wrote", 0),
    ],
)
def test_what_a_disk_damaged_is_taken_away_and_made_again(project, damaged, moved, objects):
    """Hard links: what damages the working tree's file damages the cache's, and DVC sees neither."""
    root, link = project
    flip(root / damaged)
    assert "up to date" in run("dvc", "repro", cwd=root).stdout, "the reason why there is a doctor"
    found = examine(root)
    assert found[0].text == f"{moved}; `dvc repro` makes it again"
    assert ("1 damaged object(s) removed from DVC's cache" in found[0].done) == (link == "hardlink" and objects == 1)
    mend(root)
    assert examine(root) == []
    assert not right(root)
    assert list((root / ".dvc" / "tmp" / "doctor").iterdir()), "moved, not deleted: somebody may have written it"
    run("dvc", "repro", "-q", cwd=root)
    assert right(root)
    assert examine(root) == []


def test_damage_in_the_cache_alone_shows_when_it_is_fetched_from_there(project):
    root, link = project
    if link == "hardlink":
        pytest.skip("one file with the working tree's")
    (content,) = (file for file in (root / ".dvc/cache/files/md5").rglob("*") if file.is_file() and _is(file, "words"))
    flip(content)
    assert examine(root) == []
    shutil.rmtree(root / "data" / "out")
    run("dvc", "checkout", "-q", cwd=root)
    assert not right(root), "the reason why there is a doctor"
    mend(root)
    run("dvc", "repro", "-q", cwd=root)
    assert right(root)


def _is(file, text):
    return file.read_bytes() == text.encode()


def test_an_output_that_nothing_vouches_for_is_taken_away(project):
    root, _ = project
    (root / "data" / "out" / "sha256sums.txt").unlink()
    assert [finding.text for finding in examine(root)] == [
        "data/out: is not what its stage wrote (a.json, inside/b.txt); `dvc repro` makes it again"
    ]
    mend(root)
    run("dvc", "repro", "-q", cwd=root)
    assert right(root)


def test_a_cut_off_lock_is_no_reason_to_stop(project):
    root, _ = project
    (root / "dvc.lock").write_text("schema: '2.0'\nstages:\n  a:\n    cmd: [")
    assert not any("not what its stage wrote" in finding.text for finding in examine(root))
