"""Compiled functions: found again by what their source says, wherever it lies; and what they do with NaN."""

import os
import subprocess
import sys

import numba
import numpy as np
import pytest
import torch
from conftest import make_split
from numba.core.caching import InTreeCacheLocator
from test_sparse import lenet

from prunelab.core.training import compiled, evaluate
from prunelab.core.training.engine import Engine

SOURCE = """
from prunelab.core.training.compiled import compiled

@compiled
def twice(x):
    return 2 * x

twice(0.5)
print(sum(twice.stats.cache_hits.values()), sum(twice.stats.cache_misses.values()))
"""


def test_a_copy_in_another_folder_is_not_compiled_again_but_another_text_is(tmp_path):
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    found = []
    for folder, text in (("a", SOURCE), ("b", SOURCE), ("c", SOURCE.replace("2 * x", "3 * x"))):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "module.py").write_text(text)
        command = [sys.executable, str(tmp_path / folder / "module.py")]
        found.append(subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.split())
    assert found == [["0", "1"], ["1", "0"], ["0", "1"]]
    assert not list(tmp_path.glob("*/__pycache__"))


def test_another_way_of_compiling_is_kept_apart(tmp_path, monkeypatch):
    """Options stand in compiled.py, and the folder's name says what both files say."""
    source, own = tmp_path / "module.py", tmp_path / "compiled.py"
    source.write_text("x = 1")
    names = []
    for text in ("fast", "precise", "fast"):
        own.write_text(text)
        monkeypatch.setattr(compiled, "__file__", str(own))
        names.append(compiled.ByContent.get_suitable_cache_subpath(str(source)))
    assert names[0] == names[2] != names[1]
    assert not {"nnan", "ninf", "fast"} & compiled.OPTIONS["fastmath"]


@pytest.mark.parametrize("damage", [b"", b"half"])
def test_what_is_damaged_in_the_cache_is_compiled_again(tmp_path, damage):
    env = os.environ | {"XDG_CACHE_HOME": str(tmp_path / "cache")}
    text = SOURCE.replace("twice(0.5)", "import numba\nfrom prunelab.core.training.compiled import load\n")
    (tmp_path / "module.py").write_text(text.replace("print(", "load(twice, (numba.float64,))\nprint(twice(0.5), "))
    command = [sys.executable, str(tmp_path / "module.py")]
    for _ in range(2):
        found = subprocess.run(command, env=env, check=True, capture_output=True, text=True).stdout.split()
        assert float(found[0]) == 1.0
        for file in tmp_path.glob("cache/numba/*/*.nb*" if damage else "cache/numba/*/*.nbi"):
            file.write_bytes(damage)


def test_where_nothing_can_be_kept_it_is_compiled_all_the_same(monkeypatch):
    for locator in (compiled.ByContent, InTreeCacheLocator):
        monkeypatch.setattr(locator, "from_function", lambda *of: None)
    before = numba.config.CACHE_LOCATOR_CLASSES
    assert compiled.compiled(lambda x: x + 1)(2) == 3
    assert before == numba.config.CACHE_LOCATOR_CLASSES


@pytest.mark.parametrize("odd", [np.nan, np.inf])
@pytest.mark.parametrize("keep", [1.0, 0.2])
def test_a_weight_that_is_no_number_is_seen_in_the_loss(keep, odd):
    network, masks = lenet(keep, seed=1)
    with torch.no_grad():
        network[1].weight[masks["1.weight"]] = odd
    learner = Engine().learner(network, masks)
    batch = learner.reader(make_split().x_N)(torch.arange(5), None)
    (gradient,) = learner.gradients(batch, make_split().given_N[:5])
    assert not np.isfinite(gradient.numpy()).all()
    measured = evaluate.Measure(Engine().learner(network, masks), make_split())()
    assert not np.isfinite(measured["train_loss"])
    assert not np.isfinite(measured["test_loss"])
