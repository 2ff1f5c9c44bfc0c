"""Many samples through a network, a batch at a time."""

from collections.abc import Callable

import torch
from torch import Tensor

BATCH = 256


@torch.inference_mode()
def outputs(network: Callable[[Tensor], Tensor], pixels: Tensor) -> Tensor:
    """A network's outputs [N, K] for raw samples [N, C, H, W]."""
    return torch.cat([network(batch) for batch in pixels.split(BATCH)])
