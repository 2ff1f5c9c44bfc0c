"""The arrays one replicate trains on and is measured on, with the subsets of SDD 3.1.

Shapes: N training examples (without the validation split), V validation, T test; M of the N; C channels, H x W pixels.

- *permuted*: selected for corruption, with the labels they were given. Accuracy there is rote memorisation.
- *unpermuted*: never selected.
- *restored*: the permuted examples with their original labels. Accuracy there is robustness.
- *test* (and *validation*, when asked for): never trained on, always clean.
"""

from dataclasses import dataclass, replace

import numpy as np
import torch
from torch import Tensor

from prunelab.core import inputs
from prunelab.core.artifacts import Array
from prunelab.core.images import Images
from prunelab.core.inputs import Inputs


@dataclass(frozen=True)
class Split:
    """Everything on one device; images normalised per channel, labels int64."""

    x_N: Inputs
    given_N: Tensor
    original_N: Tensor
    permuted_N: Tensor
    x_val_V: Inputs
    y_val_V: Tensor
    x_test_T: Inputs
    y_test_T: Tensor
    num_classes: int

    def part(self, rows: Array) -> "Split":
        """The same with a part of the training examples, of which no pixel is copied.

        Args:
            rows: which ones: bool [N], or positions [M] in the order wanted.

        Pixels stay normalised as they were, by all training images of `make`.

        Raises:
            ValueError: no example is left.
        """
        positions_M = np.arange(len(self.x_N))[rows]
        if not len(positions_M):
            raise ValueError("a part of the training examples must have one at least")
        rows_M = torch.from_numpy(positions_M).to(self.x_N.device)
        return replace(
            self,
            x_N=self.x_N.part(rows_M),
            given_N=self.given_N[rows_M],
            original_N=self.original_N[rows_M],
            permuted_N=self.permuted_N[rows_M],
        )


def without_lone(rows_M: Array, batch_size: int, rng: np.random.Generator) -> Array:
    """Positions of a part, less one drawn at random where one example would be a batch by itself.

    Batch norm cannot be trained on that. With any other number of positions nothing is drawn.
    """
    if len(rows_M) % batch_size != 1:
        return rows_M
    return np.delete(rows_M, rng.integers(len(rows_M)))


def make(
    images: Images,
    labels: dict[str, Array],
    device: torch.device,
    *,
    everything: bool = False,
    like: "Split | None" = None,
) -> Split:
    """Join a data set with one replicate's labels.

    Args:
        images: the data set.
        labels: `given`, `permuted` and `validation`, each [all training images], as the corrupt stage wrote them.
        device: where the tensors go.
        everything: train on what is held out for validation too, which has the labels that the data set has.
        like: another replicate's, of the same images on the same device and without validation, which are shared.

    Pixels are scaled to [0, 1], then each channel by the mean and standard deviation of the training images.
    """
    validation = np.zeros_like(labels["validation"]) if everything else labels["validation"]
    training, held_out = np.flatnonzero(~validation), np.flatnonzero(validation)

    def pictures(x: Array, rows: Array | None) -> Inputs:
        return inputs.make(x, rows, mean, std, images.max_value, device)

    def put(y: Array) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(y)).to(device)

    if like is not None and len(like.x_val_V) == len(held_out) == 0:
        return replace(like, given_N=put(labels["given"]), permuted_N=put(labels["permuted"]))
    mean, std = inputs.moments(images.x_train, training, images.max_value)
    return Split(
        x_N=pictures(images.x_train, training if len(held_out) else None),
        given_N=put(labels["given"][training]),
        original_N=put(images.y_train[training]),
        permuted_N=put(labels["permuted"][training]),
        x_val_V=pictures(images.x_train, held_out),
        y_val_V=put(images.y_train[held_out]),
        x_test_T=pictures(images.x_test, None),
        y_test_T=put(images.y_test),
        num_classes=images.num_classes,
    )
