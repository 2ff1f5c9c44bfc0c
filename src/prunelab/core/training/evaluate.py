"""Losses and accuracies over whole subsets, from one forward pass per set and no autograd.

Shapes: N examples, K classes.
"""

import torch
from torch import Tensor

from prunelab.core import halves
from prunelab.core.inputs import Inputs
from prunelab.core.split import Split
from prunelab.core.training.learner import Measured


@torch.inference_mode()
def log_probabilities(learner: Measured, x: Inputs) -> Tensor:
    """Log softmax of the outputs, classes first [K, N], in evaluation mode.

    Classes first, because PyTorch normalises over a short last dimension eight times slower.
    """
    return learner.logits(x).log_softmax(dim=0)


def largest(values_KN: Tensor) -> Tensor:
    """The first class of the largest value, int64 [N]: argmax but for NaN, and several times as fast."""
    classes_K1 = torch.arange(len(values_KN), dtype=torch.int32, device=values_KN.device)[:, None]
    here_KN = values_KN == values_KN.amax(dim=0)
    return torch.where(here_KN, classes_K1, len(values_KN) - 1).amin(dim=0).long()


@torch.inference_mode()
def outcomes(log_p_KN: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy and whether the prediction is right, per example: ([N] float, [N] bool)."""
    return losses(log_p_KN, labels_N), largest(log_p_KN) == labels_N


@torch.inference_mode()
def losses(log_p_KN: Tensor, labels_N: Tensor) -> Tensor:
    """Cross-entropy per example [N]."""
    return -log_p_KN.gather(0, labels_N[None])[0]


SUBSETS = ("train", "permuted", "unpermuted", "restored", "test")


class Measure:
    """Call it to measure a learner as it is: `<subset>_loss` and `<subset>_accuracy` for each subset.

    Subsets: SUBSETS, and validation if there is one. A subset without examples (permuted, when there is no noise)
    measures None.

    Attributes:
        log_p_KN: of the training examples, as last measured.
        test_right_T: whether each test example was right, as last measured.
        best_right_T: the same for each half of the test set at the epoch (the first of equals) that was best on the
            other half: the best epoch's accuracy without having chosen what is measured.
    """

    def __init__(self, learner: Measured, split: Split) -> None:
        self._learner, self._split = learner, split
        # Subset sums as one product with 0/1 columns, in float64: counts of right answers stay exact.
        everything = torch.ones_like(split.permuted_N)
        self._members_N3 = torch.stack([everything, split.permuted_N, ~split.permuted_N], dim=1).double()
        first_T = torch.from_numpy(halves.first(len(split.y_test_T))).to(split.y_test_T.device)
        self._half_2T = torch.stack([first_T, ~first_T])
        sizes = [*map(int, self._members_N3.sum(dim=0)), int(split.permuted_N.sum()), len(split.y_test_T)]
        self._sizes = dict(zip((*SUBSETS, "validation"), (*sizes, len(split.y_val_V)), strict=True))
        self.log_p_KN: Tensor | None = None
        self._most_right = [-1.0, -1.0]  # in each half, at its best epoch so far
        self.test_right_T = torch.zeros_like(first_T)
        self.best_right_T = torch.zeros_like(first_T)

    @torch.inference_mode()
    def __call__(self) -> dict[str, float | None]:
        """One forward pass over each set."""
        split = self._split
        self.log_p_KN = log_p_KN = log_probabilities(self._learner, split.x_N)
        predicted_N = largest(log_p_KN)
        # Of given labels and of original ones, which only the permuted examples are counted by.
        pairs = [(losses(log_p_KN, y), predicted_N == y) for y in (split.given_N, split.original_N)]
        sums_43 = torch.stack([values for pair in pairs for values in pair]).double() @ self._members_N3
        loss_T, self.test_right_T = outcomes(log_probabilities(self._learner, split.x_test_T), split.y_test_T)
        halves_2 = (self._half_2T & self.test_right_T).sum(dim=1)
        found = [sums_43[:2].T, sums_43[2:, 1], _sums(loss_T, self.test_right_T), halves_2]
        if len(split.y_val_V):
            found.append(_sums(*outcomes(log_probabilities(self._learner, split.x_val_V), split.y_val_V)))
        numbers = torch.cat([part.reshape(-1).double() for part in found]).tolist()  # waits for a GPU once
        self._keep_best(*numbers[10:12])
        row: dict[str, float | None] = {}
        measured = numbers[:10] + numbers[12:]
        for (name, size), loss, count in zip(self._sizes.items(), measured[::2], measured[1::2], strict=False):
            row[f"{name}_loss"] = loss / size if size else None
            row[f"{name}_accuracy"] = count / size if size else None
        return row

    def _keep_best(self, *right: float) -> None:
        """Where a half has more right answers than ever, the other half's are what its best epoch has."""
        for half, count in enumerate(right):
            if count > self._most_right[half]:
                self._most_right[half] = count
                self.best_right_T = torch.where(self._half_2T[half], self.best_right_T, self.test_right_T)


def _sums(loss_N: Tensor, right_N: Tensor) -> Tensor:
    """Of losses, and of right answers [2], in float64."""
    return torch.stack([loss_N.double().sum(), right_N.double().sum()])
