"""The graph in dvc.yaml and what conf/ composes to: one maker per output, order, declared parameters, plots."""

import json
import re
import subprocess
import sys
from pathlib import Path

import yaml
from conftest import committed

from prunelab import config, corruption, pipeline
from prunelab.core import byname
from prunelab.core.training import restart
from prunelab.studies.labels.tables import COLUMNS as LABELS
from prunelab.studies.lens.tables import COLUMNS as LENS
from prunelab.studies.sdd import places
from prunelab.studies.sdd.figures import FIGURES
from prunelab.studies.sdd.tables import COLUMNS
from prunelab.studies.stability.gather import ARM_COLUMNS as STABILITY
from prunelab.studies.theory.network.measures import COLUMNS as THEORY
from prunelab.sweeps import plan

ROOT = Path(__file__).resolve().parent.parent
SRC = ROOT / "src"
DVC = yaml.safe_load((ROOT / "dvc.yaml").read_text())
STAGES = {name: entry.get("do", entry) for name, entry in DVC["stages"].items()}
KINDS = pipeline.load(ROOT)

EVERY = "[labels,lens,sdd,stability,theory]"


def test_what_is_given_by_way_of_the_common_folder_is_what_the_basis_declares():
    assert pipeline.given(KINDS["prune"], KINDS)[0][len(KINDS["prune"].deps) :] == [
        "src/prunelab/core",
        "src/prunelab/models/${model.name}.py",
    ]
    assert pipeline.given(KINDS["redense"], KINDS)[1] == [*KINDS["dense"].params, "redense.epochs", "redense.lr"]
    assert pipeline.given(KINDS["fetch"], KINDS) == (KINDS["fetch"].deps, KINDS["fetch"].params)
    assert pipeline.given(KINDS["analyze"], KINDS) == (KINDS["analyze"].deps, None)


def test_each_stage_that_names_a_variant_depends_on_its_file():
    needs = {"fetch": ["datasets/${dataset}"], "corrupt": ["datasets/${dataset}"], "analyze": [], "draw": []}
    needs |= {name: ["models/${model.name}"] for name in ("dense", "redense", "reinit", "landscape")}
    needs |= {"prune": ["criteria/${prune.criterion}", "models/${model.name}"]}
    for stage, variants in needs.items():
        declared = [d for d in pipeline.given(KINDS[stage], KINDS)[0] if "$" in d and d.startswith("src/")]
        assert declared == [f"src/prunelab/{v}.py" for v in variants]


def keyed(dep):
    """A path of one item, such as the dense round's, as the one that makes it writes it."""
    for item, key in (("${item}", "${key}"), ("rounds/r00", "rounds/${key}"), ("arms/none", "arms/${key}")):
        dep = dep.replace(item, key)
    return dep


# What studies share beside core/ and judging/; none imports another study.
def test_every_output_has_one_maker_and_every_input_some():
    made = []
    for entry in STAGES.values():
        for out in [*entry.get("outs", []), *entry.get("metrics", [])]:
            made += [out] if isinstance(out, str) else list(out)
    assert len(made) == len(set(made))
    for entry in STAGES.values():
        for dep in entry["deps"]:
            if dep.startswith(("data/", "plots/", "metrics/")):
                path = (
                    dep.replace("${item}", "${key}")
                    .replace("rounds/r00", "rounds/${key}")
                    .replace("arms/none", "arms/${key}")
                )
                assert any(
                    out.replace("${item}", "${key}") == path or out.startswith(f"{dep}/") or dep.startswith(f"{out}/")
                    for out in made
                ), dep


def test_training_stages_have_cached_outputs_only():
    for stage in ("fetch", "corrupt", "dense", "prune", "redense"):
        assert all(isinstance(out, str) for out in STAGES[stage]["outs"])
        assert not {"always_changed", "metrics", "plots"} & set(STAGES[stage])


def test_no_training_stage_depends_on_the_number_of_rounds():
    for stage in ("fetch", "corrupt", "dense", "prune", "redense"):
        assert not {"n_rounds", "rounds", "redense_rounds", "redense", "redense.every"} & {*KINDS[stage].params}


def test_what_reads_whole_folders_declares_all_that_they_are_made_from():
    """So that an entry of another run in dvc.lock differs in a parameter; what is made of it alone need not."""
    assert KINDS["analyze"].params is None
    assert [dep for dep in KINDS["draw"].deps if dep.startswith(("data/", "plots/", "metrics/"))] == KINDS[
        "analyze"
    ].outs


def test_every_stage_after_corrupt_is_made_only_where_a_study_asks_for_it():
    measured = {"flatness", "reliance"}
    trunk, lens, labels = {"dense", "prune"}, {"early", "lens_draw"}, {"early", "crossfit", "labels_draw"}
    none, sdd, theory, stability, of_lens, of_labels, all_ = (
        {stage.kind for stage in pipeline.stages(DVC, plan.compose([f"studies={studies}"], ROOT))}
        for studies in ("[]", "[sdd]", "[theory]", "[stability]", "[lens]", "[labels]", EVERY)
    )
    assert none == {"fetch", "corrupt"}
    assert theory == {*none, "train", "theory_draw"}
    assert stability == {*none, "disturb", "stability_draw"}
    assert of_lens == {*none, *trunk, *lens}
    assert of_labels == {*none, *labels}
    assert sdd == {*KINDS} - {"train", "theory_draw", "leave_out", *lens, *labels, *measured, *(stability - none)}
    assert all_ == {*KINDS} - {"leave_out", *measured}  # which parameters of their own ask for


def test_stages_stand_in_an_order_in_which_they_can_run():
    """A run's stages are checked one after the other (comparison/provenance.py)."""
    made = []
    for name, entry in STAGES.items():
        outs = [out if isinstance(out, str) else next(iter(out)) for out in entry.get("outs", [])]
        rest = [dep for dep in entry["deps"] if dep.startswith(("data/", "plots/", "metrics/"))]
        for dep in (keyed(dep) for dep in rest):
            own = name == "prune" and dep == "data/rounds/${key}/replicates"  # of the round before
            found = [
                other for other in made if other == dep or other.startswith(f"{dep}/") or dep.startswith(f"{other}/")
            ]
            assert found or own, f"{name}: {dep}"
        made += [out.replace("${item}", "${key}") for out in outs]
    reads_folders = list(STAGES).index("analyze")
    assert not [out for entry in list(STAGES.values())[reads_folders:] for out in entry["outs"] if "rounds" in str(out)]


def test_what_git_keeps_of_a_study_is_one_folder_and_one_file():
    assert {name: kind.in_git for name, kind in KINDS.items() if kind.in_git} == {
        "draw": ["plots/sdd", "metrics/sdd.json"],
        "lens_draw": ["plots/lens", "metrics/lens.json"],
        "labels_draw": ["plots/labels", "metrics/labels.json"],
        "stability_draw": ["plots/stability", "metrics/stability.json"],
        "theory_draw": ["plots/theory", "metrics/theory.json"],
    }
    kept = {path.name for path in (ROOT / places.PLOTS).iterdir()}
    tables = {f"{name}.csv" for name in COLUMNS}
    assert kept == tables | {places.TEST_EXAMPLES, places.CLAIMS, places.CLAIMS_PAGE, places.FIGURES, "sha256sums.txt"}
    for name in FIGURES:
        assert (SRC / "prunelab" / "studies" / "sdd" / "figures" / f"{name}.py").is_file()


def test_dvc_plots_name_existing_templates_and_columns():
    for plot in DVC["plots"]:
        ((_, entry),) = plot.items()
        if entry["template"] != "scatter":  # which is DVC's own
            template = json.loads((ROOT / ".dvc" / "plots" / f"{entry['template']}.json").read_text())
            assert template["data"] == {"values": "<DVC_METRIC_DATA>"}
        for file, columns in entry["y"].items():
            study, table = re.fullmatch(r"plots/\$\{plotted\.(\w+)\}/(\w+)\.csv", file).groups()
            of_study = {"sdd": COLUMNS, "lens": LENS, "labels": LABELS, "theory": {"curve": THEORY}}
            header = (of_study | {"stability": {"arms": STABILITY}})[study][table]
            assert {entry["x"], *([columns] if isinstance(columns, str) else columns)} <= set(header)
            empty = (ROOT / "plots/not_chosen" / f"{table}.csv").read_text()
            assert empty == ",".join(header) + "\n", f"{table}: what is shown where {study} is not chosen"


def test_params_yaml_is_what_conf_composes_to(tmp_path):
    """In a process of its own, as DVC does it."""
    code = (
        "from dvc.utils.hydra import compose_and_dump as c; import sys;"
        f"c(sys.argv[1], {str(ROOT / 'conf')!r}, None, 'config', {str(ROOT)!r}, sys.argv[2:])"
    )
    target = tmp_path / "params.yaml"

    def compose(*overrides):
        return subprocess.run(
            [sys.executable, "-c", code, target, *overrides], cwd=ROOT, capture_output=True, text=True, check=False
        )

    assert compose().returncode == 0
    # The working tree holds either the default (perhaps just edited) or what an experiment left there.
    assert target.read_text() in ((ROOT / "params.yaml").read_text(), committed("params.yaml"))
    target.unlink()
    for override, line in (
        ("noise=1.5", "error: noise=1.5: must be a number in [0, 1)\n"),
        ("nosie=0.2", "error: nosie=0.2: unknown parameter; did you mean noise?\n"),
        (
            "+prune.foo=1",
            "error: prune.foo=1: unknown parameter; known are criterion, fraction, scope, schedule, retrain\n",
        ),
        ("seeds=[]", "error: seeds=[]: must be a list of 1 to 1000 whole numbers from 0 to 4294967295, none twice\n"),
    ):
        refused = compose(override)
        assert (refused.returncode, refused.stderr) == (1, line)
        assert not target.exists()
    assert compose("setting=digits_quick", "n_rounds=4").returncode == 0
    composed = yaml.safe_load(target.read_text())
    assert list(composed["rounds"]) == ["r01", "r02", "r03", "r04"]
    assert (composed["setting"], composed["seeds"], composed["redense_rounds"]) == ("digits_quick", [0], ["r00"])


def test_every_setting_is_valid_and_named_after_its_file():
    defaults = yaml.safe_load(committed("params.yaml"))
    for file in (ROOT / "conf" / "setting").glob("*.yaml"):
        preset = yaml.safe_load(file.read_text())
        merged = {k: v for k, v in defaults.items() if k not in config.DERIVED}
        for name, value in preset.items():
            merged[name] = {**merged[name], **value} if isinstance(value, dict) else value
        assert config.validate(merged).setting == file.stem
        assert file.read_text().startswith("# @package _global_\n")


def test_every_name_stands_in_the_explanations():
    """conf/config.yaml explains the parameters; the names it lists are those that exist."""
    text = (ROOT / "conf" / "config.yaml").read_text()
    for name in [*corruption.NOISE_TYPES, *restart.SCHEMES, *byname.names("criteria")]:
        assert name in text
