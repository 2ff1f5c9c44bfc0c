"""A replicate's arithmetic has the threads it is told, whatever cores there are: PyTorch's, and NumPy's and SciPy's."""

import ast
import subprocess
import sys

import numpy as np
import pytest
import torch
from threadpoolctl import threadpool_info

from prunelab.core.rounds import replicates


@pytest.mark.parametrize("threads", [1, 2])
def test_replicates_have_as_many_threads_as_they_are_told(threads, tmp_path):
    def work(seed, device, report):
        np.eye(3) @ np.eye(3)
        algebra = [one["num_threads"] for one in threadpool_info() if one["user_api"] == "blas"]
        found = [torch.get_num_threads(), *algebra]
        (tmp_path / str(seed)).write_text(" ".join(map(str, found)))

    replicates.run(work, [0, 1], "cpu", threads, lambda seed, row, epochs: None)
    for seed in (0, 1):
        found = (tmp_path / str(seed)).read_text().split()
        assert len(found) > 1
        assert {*found} == {str(threads)}


def test_what_numba_multiplies_by_is_loaded_when_threads_are_limited():
    """In a process of its own: SciPy's algebra, which Numba would load at its first product, after the limit."""
    code = (
        "from prunelab.core.rounds import replicates; replicates.limit_threads(1); "
        "from prunelab.core.training import kernels; kernels.load(); "
        "from threadpoolctl import threadpool_info; "
        "print([one['num_threads'] for one in threadpool_info() if one['user_api'] == 'blas'])"
    )
    found = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout
    assert set(ast.literal_eval(found)) == {1}
