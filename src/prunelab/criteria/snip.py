"""SNIP: |dL/dw * w| with the gradient over the whole training set (Lens C, after Lee et al. 2019)."""

import torch

from prunelab.core.pruning.subject import Scores, Subject


def score(subject: Subject) -> Scores:
    """To first order, the change of the training loss when the weight goes."""
    gradients = subject.gradients(torch.arange(len(subject.x), device=subject.x.device))
    return {name: (gradients[name] * weight).abs() for name, weight in subject.weights().items()}
