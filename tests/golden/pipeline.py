"""The quick study, shorter still, through the stages in a folder of its own: its tables, summary and claims."""

import base64
import contextlib
import io
import json
import os
import shutil
import sys
import tempfile
from pathlib import Path
from unittest import mock

import numpy as np
import torch
import yaml

from prunelab import config, presets
from prunelab.core import artifacts
from prunelab.core.rounds import live, replicates
from prunelab.studies.sdd import parameters, places
from stages import corrupt, dense, fetch, prune
from stages.sdd import analyze, landscape, redense, reinit
from tests.golden.studies import nested

ROOT = Path(__file__).resolve().parents[2]
# Long enough to reach every regime and fill every table; so short that rounding, amplified, moves no answer.
QUICK = {
    "seeds": [0, 1],
    "subset.train": 300,
    "subset.test": 200,
    "n_rounds": 6,
    "model.width": 0.3,
    "train.epochs": 15,
    "train.batch_size": 52,
    "train.lr": 0.15,
    "train.validation": 40,
    "prune.fraction": 0.65,
    "redense.epochs": 6,
    "redense.lr": 0.15,
    "redense.every": 2,
    "reinit.every": 2,
    "landscape.every": 2,
    "landscape.examples": 100,
    "landscape.directions": 2,
    "landscape.eigenvalues": 1,
    "landscape.probes": 2,
    "landscape.density": 12,
    "landscape.density_probes": 2,
    "landscape.plane": True,
    "device": "cpu",
    "data_root": ".",
}
# Prose, which may be rewritten without a number being wrong.
PROSE = ("text", "why")


def one_after_the_other(work, seeds, device_name, threads, on_epoch):
    """Instead of processes: the same numbers of threads on any machine, and what fails is seen."""
    for seed in seeds:
        work(seed, torch.device("cpu"), lambda row, epochs, seed=seed: on_epoch(seed, row, epochs))


@contextlib.contextmanager
def study(changes):
    """Inside a folder with what stages read: dvc.yaml, conf/ and params.yaml; replicates in this process."""
    before = Path.cwd()
    with (
        tempfile.TemporaryDirectory() as folder,
        mock.patch.object(replicates, "run", one_after_the_other),
        mock.patch.object(live, "find_spec", return_value=None),
        contextlib.redirect_stdout(io.StringIO()),
        contextlib.redirect_stderr(io.StringIO()),
    ):
        torch.set_num_threads(1)
        os.chdir(folder)
        try:
            shutil.copy(ROOT / "dvc.yaml", "dvc.yaml")
            shutil.copytree(ROOT / "conf", "conf")
            os.symlink(ROOT / "src", "src")
            params = config.validate(nested(presets.values("digits_quick") | changes))
            derived = config.derived(params)
            Path("params.yaml").write_text(yaml.safe_dump(params.model_dump() | derived))
            yield params
        finally:
            os.chdir(before)


def stage(module, *arguments):
    """Call a stage's main, as `python -m` would."""
    with mock.patch.object(sys, "argv", ["stage", *arguments]):
        module.main()


def run_stages(params):
    """All of them but the figures, in the order of dvc.yaml."""
    for module in (fetch, corrupt, dense):
        stage(module)
    for module, keys in (
        (prune, config.round_chain(params)),
        (redense, parameters.redense_rounds(params)),
        (reinit, parameters.reinit_rounds(params)),
        (landscape, parameters.landscape_rounds(params)),
    ):
        for key in keys:
            stage(module, "--round", key)
    stage(analyze)


def tables():
    """What the short study writes: text of each table, its test examples, summary and claims."""
    with study(QUICK) as params:
        run_stages(params)
        found = {path.name: columns(artifacts.read_table(path)) for path in sorted(places.ANALYSIS.glob("*.csv"))}
        examples = artifacts.read_arrays(places.ANALYSIS / places.TEST_EXAMPLES)
        found["test_examples.npz"] = {
            name: {"shape": list(a.shape), "bytes": base64.b64encode(a.astype(np.uint8).tobytes()).decode()}
            for name, a in examples.items()
        }
        found["summary.json"] = artifacts.read_json(places.ANALYSIS / places.SUMMARY)
        judged = artifacts.read_json(places.ANALYSIS / places.CLAIMS)
        found["claims.json"] = {n: {k: v for k, v in c.items() if k not in PROSE} for n, c in judged.items()}
        return json.loads(json.dumps(found))


def columns(rows):
    """A table by column; of long ones, so many rows that each study, model and epoch is met."""
    step = max(1, len(rows) // 60)
    return {name: [row[name] for row in rows[::step]] for name in rows[0]} | {"rows": len(rows)}
