"""constraints.txt and the lists of versions in pyproject.toml: whole, hashed, and of one mind."""

import re
import tomllib
from importlib import metadata
from pathlib import Path

from packaging.requirements import Requirement

ROOT = Path(__file__).resolve().parent.parent
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())
TEXT = (ROOT / "constraints.txt").read_text()
BLOCK = re.compile(r"^([a-z\d][\w.-]*)==([^\s;]+).*\\\n((?:    --hash=sha256:[0-9a-f]{64}(?: \\)?\n)+)", re.M)


def spelt(name):
    """As indexes spell it."""
    return re.sub(r"[-_.]+", "-", name).lower()


def pins():
    """Each package of constraints.txt with its versions, those of several Pythons; no hash stands twice."""
    found = {}
    for name, version, hashes in BLOCK.findall(TEXT):
        digests = re.findall(r"sha256:(\w+)", hashes)
        assert len({*digests}) == len(digests), f"{name}=={version}: a hash stands twice"
        found.setdefault(spelt(name), set()).add(version)
    return found


def listed(requirements):
    return {spelt(one.split("==")[0]): one.split("==")[1].split(" ;")[0] for one in requirements}


def direct():
    """What pyproject.toml asks for itself."""
    more = [*PROJECT["project"]["optional-dependencies"].values(), *PROJECT["dependency-groups"].values()]
    return [*PROJECT["project"]["dependencies"], *(one for some in more for one in some)]


def test_every_direct_dependency_is_pinned_at_its_version():
    found = pins()
    asked = listed([*direct(), *PROJECT["build-system"]["requires"]])
    assert len(asked) > 30
    wanted = {name: {version} for name, version in asked.items()}
    assert {name: found.get(name) for name in asked} == wanted, "uv run --no-project python .ci/constraints.py"


def test_the_file_is_pins_and_hashes_alone():
    """No address, no option of an index: files come from wherever the reader's installer looks."""
    pin = re.compile(r"[a-z\d][\w.-]*==[\w.+!]+( ; [\w.'<>=!() ]+)? \\")
    digest = re.compile(r"    --hash=sha256:[0-9a-f]{64}( \\)?")
    lines = [line for line in TEXT.splitlines() if not line.startswith("# ")]
    assert [line for line in lines if not pin.fullmatch(line) and not digest.fullmatch(line)] == []
    assert sum(bool(pin.fullmatch(line)) for line in lines) == len(BLOCK.findall(TEXT))
    assert "://" not in TEXT


def test_what_is_installed_here_needs_nothing_that_is_not_pinned():
    """The packages' own metadata: from what pyproject.toml asks for, every requirement, and theirs."""
    found, seen, queue = pins(), set(), [Requirement(one) for one in direct()]
    here = {spelt(one.name): one for one in metadata.distributions()}
    while queue:
        asked = queue.pop()
        name = spelt(asked.name)
        extras = asked.extras or {""}
        if (name, *sorted(extras)) in seen:
            continue
        seen.add((name, *sorted(extras)))
        assert any(asked.specifier.contains(version, prereleases=True) for version in found.get(name, ())), asked
        if name in here:  # an extra may not be installed
            assert here[name].version in found[name], f"{name} {here[name].version}: `uv sync`"
            for line in here[name].requires or []:
                one = Requirement(line)
                if one.marker is None or any(one.marker.evaluate({"extra": extra}) for extra in extras):
                    queue.append(one)
    assert len(seen) > 100


def test_uv_goes_by_the_same_versions():
    """Every pin stands in pyproject.toml too: as a dependency of its own, or in the list that uv reads."""
    found = pins()
    uv = PROJECT["tool"]["uv"]
    versions = {}
    for name, version in (re.split(r"==| ;", one)[:2] for one in uv["constraint-dependencies"]):
        versions.setdefault(name, set()).add(version)
    own = {name: {version} for name, version in listed(direct()).items()}
    assert not own.keys() & versions.keys()
    assert own | versions == found
    building = listed(uv["build-constraint-dependencies"])
    assert building.keys() >= listed(PROJECT["build-system"]["requires"]).keys()
    assert all(found[name] == {version} for name, version in building.items())
