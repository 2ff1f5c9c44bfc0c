"""Losses and accuracies over whole subsets, from one forward pass per split and no autograd.

Shapes: N examples, K classes.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

from prunelab.core.inputs import Inputs
from prunelab.core.split import Split
from prunelab.core.training.engine import Forward

# Small enough that a layer's activations stay in a core's cache; the whole set at once takes 1.5 times as long.
EVALUATION_BATCH = 512


@torch.inference_mode()
def log_probabilities(network: nn.Module, x: Inputs, forward: Forward | None = None) -> Tensor:
    """Log softmax of the outputs, classes first [K, N], in evaluation mode; the network's mode is put back.

    Classes first, because PyTorch normalises over a short last dimension eight times slower. `forward` runs the
    network (engine.py); default: the network itself.
    """
    forward = forward or network
    mode = network.training
    network.eval()
    try:
        return torch.cat([forward(part) for part in x.batches(EVALUATION_BATCH)]).T.log_softmax(dim=0)
    finally:
        network.train(mode)


@torch.inference_mode()
def outcomes(log_p_KN: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy and whether the prediction is right, per example: ([N] float, [N] bool)."""
    return -log_p_KN.gather(0, labels_N[None])[0], log_p_KN.argmax(dim=0) == labels_N


def measurer(network: nn.Module, split: Split, forward: Forward | None = None) -> Callable[[], dict[str, float | None]]:
    """A function that measures the network as it is: `<subset>_loss` and `<subset>_accuracy` for each subset.

    Subsets: train, permuted, unpermuted, restored, test, and validation if there is one. A subset without
    examples (permuted, when there is no noise) measures None.
    """
    # Subset sums as one product with 0/1 columns, in float64: counts of right answers stay exact.
    everything = torch.ones_like(split.permuted_N)
    members_N3 = torch.stack([everything, split.permuted_N, ~split.permuted_N], dim=1).double()
    permuted = split.permuted_N.nonzero()[:, 0]
    restored_labels = split.original_N[permuted]
    sizes = [int(n) for n in members_N3.sum(dim=0).tolist()]
    names = ["train", "permuted", "unpermuted", "restored", "test"]
    held_out = [(split.x_test_T, split.y_test_T)]
    if len(split.y_val_V):
        names.append("validation")
        held_out.append((split.x_val_V, split.y_val_V))
    sizes += [len(permuted), *(len(y) for _, y in held_out)]

    @torch.inference_mode()
    def measure() -> dict[str, float | None]:
        log_p_KN = log_probabilities(network, split.x_N, forward)
        sums = [torch.stack(outcomes(log_p_KN, split.given_N)).double() @ members_N3]
        clean = [(log_p_KN[:, permuted], restored_labels)]
        clean += [(log_probabilities(network, x, forward), y) for x, y in held_out]
        sums += [torch.stack(outcomes(*pair)).double().sum(dim=1, keepdim=True) for pair in clean]
        losses, right = torch.cat(sums, dim=1).tolist()
        row: dict[str, float | None] = {}
        for name, size, loss, count in zip(names, sizes, losses, right, strict=True):
            row[f"{name}_loss"] = loss / size if size else None
            row[f"{name}_accuracy"] = count / size if size else None
        return row

    return measure
