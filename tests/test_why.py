"""The stages that ask why, by real DVC runs: landscape, re-initialised rounds, claims."""

import json
import re

import pytest
import yaml
from conftest import clone, edit_params, exp_run, ran, run

SMALL = [
    "seeds=[0,1]",
    "landscape.every=1",
    "landscape.plane=true",
    "landscape.directions=1",
    "landscape.probes=2",
    "reinit.every=2",
]


@pytest.fixture(scope="module")
def study(tmp_path_factory):
    """A tiny study with everything in it, and what DVC said."""
    where = clone(tmp_path_factory.mktemp("why"))
    return where, exp_run(where, *SMALL)


def test_landscape_rounds_are_stages_of_their_own(study):
    where, output = study
    stages = ran(output)
    assert {"landscape@r00", "landscape@r02", "reinit@r02", "analyze@sdd"} <= set(stages)
    assert "landscape@r01" not in stages  # not re-dense trained
    for name in ("interpolation", "sharpness", "planes", "reinit", "redense_dynamics", "distance_by_layer"):
        assert (where / "plots" / "sdd" / "figures" / f"{name}.png").stat().st_size > 10_000, name


def test_a_run_too_short_decides_nothing(study):
    found = json.loads((study[0] / "plots" / "sdd" / "claims.json").read_text())
    assert list(found) == [str(number) for number in range(1, 10)]
    assert {claim["verdict"] for claim in found.values()} == {"not decidable"}
    assert all(claim["decide_with"].startswith("uv run ") for claim in found.values())
    assert "## Claim 9: not decidable" in (study[0] / "plots" / "sdd" / "claims.md").read_text()


def test_the_same_bytes_again(study):
    where, _ = study
    before = (where / "dvc.lock").read_bytes()
    for stage in ("landscape@r02", "analyze@sdd"):
        run("dvc", "repro", "--force", "--single-item", "--no-run-cache", stage, cwd=where)
    assert (where / "dvc.lock").read_bytes() == before


def test_more_directions_change_only_the_landscape_and_what_reads_it(study):
    where, _ = study
    landscape = yaml.safe_load((where / "params.yaml").read_text())["landscape"]
    edit_params(where, landscape=landscape | {"directions": 2})
    changed = re.findall(r"^(\S+):$", run("dvc", "status", cwd=where).stdout, re.M)
    assert set(changed) == {"landscape@r00", "landscape@r02", "analyze@sdd"}
