"""What a batch-normalised map is expected to be after ReLU: the formula that two scores share (Stability B.2)."""

import torch
from torch import Tensor


def rectified_mean(mean: Tensor, deviation: Tensor) -> Tensor:
    """Mean of max(0, N(mean, deviation^2)), float64: deviation * phi(r) + mean * Phi(r) with r = mean / deviation.

    Where the deviation is 0, max(0, mean). A negative one goes into the formula as it is (batchnorm_signed.py).
    """
    mean, deviation = mean.double(), deviation.double()
    ratio = mean / torch.where(deviation == 0, 1.0, deviation)
    density = torch.exp(-0.5 * ratio.square()) / (2 * torch.pi) ** 0.5
    return torch.where(deviation == 0, mean.clamp_min(0), deviation * density + mean * torch.special.ndtr(ratio))
