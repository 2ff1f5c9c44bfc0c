"""SynFlow: |dR/dw * w| with every weight replaced by |w| and R the summed outputs for an input of ones (Lens C)."""

import copy

import torch

from prunelab.core.pruning.subject import Scores, Subject


def score(subject: Subject) -> Scores:
    """How much of the network's total path strength runs through the weight; no data is looked at.

    All parameters are replaced by their absolute values; batch norm keeps its running statistics. In float64:
    products over many layers leave float32's range.
    """
    network = copy.deepcopy(subject.network).double()
    with torch.no_grad():
        for parameter in network.parameters():
            parameter.abs_()
    parameters = dict(network.named_parameters())
    wanted = [parameters[name] for name in subject.names]
    ones = torch.ones_like(subject.x[:1], dtype=torch.float64)
    gradients = torch.autograd.grad(network(ones).sum(), wanted)
    return {
        name: (gradient * weight).abs().detach()
        for name, gradient, weight in zip(subject.names, gradients, wanted, strict=True)
    }
