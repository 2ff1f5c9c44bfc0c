"""Losses and accuracies over whole subsets, from one forward pass per set and no autograd.

Shapes: N examples, K classes.
"""

import torch
from torch import Tensor

from prunelab.core import halves
from prunelab.core.inputs import Inputs
from prunelab.core.split import Split
from prunelab.core.training.learner import Learner


@torch.inference_mode()
def log_probabilities(learner: Learner, x: Inputs) -> Tensor:
    """Log softmax of the outputs, classes first [K, N], in evaluation mode.

    Classes first, because PyTorch normalises over a short last dimension eight times slower.
    """
    return learner.logits(x).log_softmax(dim=0)


@torch.inference_mode()
def outcomes(log_p_KN: Tensor, labels_N: Tensor) -> tuple[Tensor, Tensor]:
    """Cross-entropy and whether the prediction is right, per example: ([N] float, [N] bool)."""
    return -log_p_KN.gather(0, labels_N[None])[0], log_p_KN.argmax(dim=0) == labels_N


class Measure:
    """Call it to measure a learner as it is: `<subset>_loss` and `<subset>_accuracy` for each subset.

    Subsets: train, permuted, unpermuted, restored, test, and validation if there is one. A subset without
    examples (permuted, when there is no noise) measures None.

    Attributes:
        log_p_KN: of the training examples, as last measured.
        test_right_T: whether each test example was right, as last measured.
        best_right_T: the same for each half of the test set at the epoch (the first of equals) that was best on the
            other half: the best epoch's accuracy without having chosen what is measured.
    """

    def __init__(self, learner: Learner, split: Split) -> None:
        self._learner, self._split = learner, split
        # Subset sums as one product with 0/1 columns, in float64: counts of right answers stay exact.
        everything = torch.ones_like(split.permuted_N)
        self._members_N3 = torch.stack([everything, split.permuted_N, ~split.permuted_N], dim=1).double()
        self._permuted = split.permuted_N.nonzero()[:, 0]
        self._held_out = {"test": (split.x_test_T, split.y_test_T)}
        if len(split.y_val_V):
            self._held_out["validation"] = (split.x_val_V, split.y_val_V)
        sizes = dict(zip(("train", "permuted", "unpermuted"), map(int, self._members_N3.sum(dim=0)), strict=True))
        self._sizes = {**sizes, "restored": len(self._permuted)} | {n: len(y) for n, (_, y) in self._held_out.items()}
        self.log_p_KN: Tensor | None = None
        first_T = torch.from_numpy(halves.first(len(split.y_test_T))).to(split.y_test_T.device)
        self._half_2T = torch.stack([first_T, ~first_T])
        self._most_right = [-1.0, -1.0]  # in each half, at its best epoch so far
        self.test_right_T = torch.zeros_like(first_T)
        self.best_right_T = torch.zeros_like(first_T)

    @torch.inference_mode()
    def __call__(self) -> dict[str, float | None]:
        """One forward pass over each set."""
        split = self._split
        self.log_p_KN = log_probabilities(self._learner, split.x_N)
        sums = [torch.stack(outcomes(self.log_p_KN, split.given_N)).double() @ self._members_N3]
        clean = [(self.log_p_KN[:, self._permuted], split.original_N[self._permuted])]
        clean += [(log_probabilities(self._learner, x), y) for x, y in self._held_out.values()]
        found = [outcomes(*pair) for pair in clean]
        self.test_right_T = found[1][1]
        sums += [torch.stack(pair).double().sum(dim=1, keepdim=True) for pair in found]
        sums += [(self._half_2T & self.test_right_T).double().sum(dim=1, keepdim=True)]
        (*losses, first), (*right, second) = torch.cat(sums, dim=1).tolist()
        self._keep_best(first, second)
        row: dict[str, float | None] = {}
        for (name, size), loss, count in zip(self._sizes.items(), losses, right, strict=True):
            row[f"{name}_loss"] = loss / size if size else None
            row[f"{name}_accuracy"] = count / size if size else None
        return row

    def _keep_best(self, *right: float) -> None:
        """Where a half has more right answers than ever, the other half's are what its best epoch has."""
        for half, count in enumerate(right):
            if count > self._most_right[half]:
                self._most_right[half] = count
                self.best_right_T = torch.where(self._half_2T[half], self.best_right_T, self.test_right_T)
