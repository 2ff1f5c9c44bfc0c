"""What training sees of each example, averaged over epochs: loss, margin and error on the given label.

Margins: Pleiss et al., Identifying Mislabeled Data using the Area Under the Margin Ranking. Errors are EL2N (Paul et
al., Deep Learning on a Data Diet) at every epoch. N examples, B in a batch, K classes.
"""

import torch
from torch import Tensor

KINDS = ("loss", "margin", "error")


def margins(logits_KN: Tensor, labels_N: Tensor) -> Tensor:
    """By how much the label's output exceeds the largest other one [N]; the same of log-probabilities.

    Below zero exactly where another class is predicted.
    """
    of_label_1N = logits_KN.gather(0, labels_N[None])
    others_KN = logits_KN.scatter(0, labels_N[None], -torch.inf)
    return of_label_1N[0] - others_KN.amax(dim=0)


def errors(log_p_KN: Tensor, labels_N: Tensor) -> Tensor:
    """EL2N: the length of a network's probabilities minus one at the label, between 0 and sqrt(2) [N]."""
    error_KN = log_p_KN.exp()
    error_KN.scatter_add_(0, labels_N[None], -torch.ones_like(error_KN[:1]))
    return error_KN.square_().sum(dim=0).sqrt_()  # norm(dim=0) takes four times as long


class Record:
    """Running means over epochs. An epoch comes whole, or batch by batch as it is trained on.

    Args:
        labels_N: as given, int64.
        num_classes: K.
        with_probabilities: keep the mean probabilities of all classes too.
    """

    def __init__(self, labels_N: Tensor, num_classes: int, *, with_probabilities: bool = False) -> None:
        self._labels_N, self._num_classes = labels_N, num_classes
        self._epoch_KN: Tensor | None = None  # of the batches
        self._sums = torch.zeros(len(KINDS), len(labels_N), dtype=torch.float64, device=labels_N.device)
        self._p_KN = torch.zeros(num_classes, len(labels_N), device=labels_N.device) if with_probabilities else None
        self._epochs = 0

    def batch(self, positions_B: Tensor, logits_KB: Tensor) -> None:
        """Note what a step sees of its examples, at their positions among the N."""
        if self._epoch_KN is None:
            self._epoch_KN = torch.zeros(self._num_classes, len(self._labels_N), device=logits_KB.device)
        self._epoch_KN[:, positions_B] = logits_KB.float()

    def end_epoch(self) -> None:
        """All N have been in a batch: add them to the means."""
        assert self._epoch_KN is not None
        self.epoch(self._epoch_KN.log_softmax(dim=0))

    def epoch(self, log_p_KN: Tensor) -> None:
        """Add an epoch's log-probabilities [K, N] to the means."""
        labels_N = self._labels_N
        self._sums[0] -= log_p_KN.gather(0, labels_N[None])[0]
        self._sums[1] += margins(log_p_KN, labels_N)
        self._sums[2] += errors(log_p_KN, labels_N)
        if self._p_KN is not None:
            self._p_KN += log_p_KN.exp()
        self._epochs += 1

    def means(self) -> dict[str, Tensor]:
        """By name (KINDS), [N] float32 each, on the CPU. Raises ValueError before the first epoch."""
        if not self._epochs:
            raise ValueError("no epoch was recorded")
        return dict(zip(KINDS, (self._sums / self._epochs).float().cpu(), strict=True))

    def probabilities(self) -> Tensor:
        """Mean probabilities of all classes [K, N], on the CPU. Raises ValueError where they were not kept."""
        if self._p_KN is None or not self._epochs:
            raise ValueError("no probabilities were kept")
        return (self._p_KN / self._epochs).cpu()
