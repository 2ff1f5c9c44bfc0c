"""A replicate's arithmetic has the threads it is told, whatever cores there are: PyTorch's, and NumPy's and SciPy's."""

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
