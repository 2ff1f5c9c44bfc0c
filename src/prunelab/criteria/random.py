"""Random: uniform(0, 1), drawn independently for every weight (SDD 3.2)."""

import torch

from prunelab.core.pruning.subject import Scores, Subject


def score(subject: Subject) -> Scores:
    """One stream runs on through all layers, so no two layers share their draws."""
    # float64: with float32's 2^24 values, a million weights would tie by the thousand.
    return {
        name: torch.rand(weight.shape, generator=subject.generator, dtype=torch.float64)
        for name, weight in subject.weights().items()
    }
