"""Networks: built by name, initialised in one way, and which of their weights are prunable.

Weights of conv and linear layers are prunable and drawn Kaiming normal, unless the network's own file keeps a
layer unpruned; biases start at zero and, like batch norm, are never pruned (SDD A.1).
"""

import torch
from torch import Tensor, nn

from prunelab.core import byname

State = dict[str, Tensor]
WEIGHT_LAYERS = (nn.Linear, nn.Conv2d)


def build(
    name: str,
    sample_shape: tuple[int, int, int],
    num_classes: int,
    width: float,
    batchnorm_init: str,
    generator: torch.Generator,
) -> nn.Module:
    """Build and initialise a network on the CPU.

    Args:
        name: a file in src/prunelab/models/.
        sample_shape: (C, H, W) of one image.
        num_classes: K, the number of outputs.
        width: multiplies every hidden width.
        batchnorm_init: "ones", or "uniform" for scales from U(0, 1) as OpenLTH draws them.
        generator: draws the weights, layer by layer in the network's own order.
    """
    network: nn.Module = byname.load("models", name, "model.name").build(sample_shape, num_classes, width)
    for module in network.modules():
        if isinstance(module, WEIGHT_LAYERS):
            nn.init.kaiming_normal_(module.weight, generator=generator)
            if module.bias is not None:
                nn.init.zeros_(module.bias)
        elif isinstance(module, nn.modules.batchnorm._BatchNorm) and module.affine:
            nn.init.zeros_(module.bias)
            if batchnorm_init == "uniform":
                nn.init.uniform_(module.weight, generator=generator)
    return network


def prunable(name: str, network: nn.Module) -> list[str]:
    """The parameter names of the prunable weights, in the network's own order."""
    kept = byname.load("models", name, "model.name").unpruned(network)
    return [
        f"{path}.weight"
        for path, module in network.named_modules()
        if isinstance(module, WEIGHT_LAYERS) and path not in kept
    ]


def layer_parameters(network: nn.Module) -> list[str]:
    """The names of all parameters of conv and linear layers: what l2 distances are measured over (SDD 5)."""
    return [
        f"{path}.{name}"
        for path, module in network.named_modules()
        if isinstance(module, WEIGHT_LAYERS)
        for name, _ in module.named_parameters(recurse=False)
    ]


def state(network: nn.Module) -> State:
    """A copy of all parameters and buffers, on the CPU."""
    return {name: value.detach().cpu().clone() for name, value in network.state_dict().items()}
