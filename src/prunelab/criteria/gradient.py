"""Gradient: |dL/dw * w|, L on one random batch of the (noisy) training data (SDD 3.2)."""

import torch

from prunelab.core.pruning.subject import Scores, Subject


def score(subject: Subject) -> Scores:
    """To first order, the change of one batch's loss when the weight goes."""
    order = torch.randperm(len(subject.x), generator=subject.generator)
    gradients = subject.gradients(order[: subject.batch_size].to(subject.x.device))
    return {name: (gradients[name] * weight).abs() for name, weight in subject.weights().items()}
