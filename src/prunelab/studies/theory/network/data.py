"""The data of the theorem: a class-dependent signal in one patch, noise that says nothing in the other; and the masks.

Yang et al., *Theoretical Characterization of How Neural Network Pruning Affects its Generalization*: K classes,
dimension d; class k's signal is `mu * e_k`, one coordinate; an example of class y is the two patches `mu_y` and
`xi ~ N(0, sigma^2 I_d)`. Filters are shared by the patches, so their order does not matter, and is not stored. A
network that fits the training set by its noise guesses on new data.

Everything random is a stream of its own by replicate, and none depends on p: along the curve a replicate keeps its
data, its initial weights, and one number a weight, so that masks are nested.
"""

from dataclasses import dataclass
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from prunelab.core import streams

if TYPE_CHECKING:
    from prunelab.studies.theory.parameters import Theory


@dataclass(frozen=True)
class Task:
    """One replicate's examples; n for training, T fresh ones; K classes, d dimensions; float32 and int64."""

    classes: int
    signal: float  # mu
    noise: Tensor  # xi of the training examples [n, d]
    true: Tensor  # whose signal an example holds [n]
    given: Tensor  # what it is said to be [n]
    fresh_noise: Tensor  # [T, d]
    fresh: Tensor  # true classes [T]

    @classmethod
    def of(cls, theory: "Theory", seed: int) -> "Task":
        """That of a replicate: classes balanced, of `label_noise` of the examples the label drawn anew from all K."""
        draw = streams.generator(seed, "theory data")
        n, tests, d = theory.examples, theory.test_examples, theory.dimension
        noise, fresh = (theory.noise * torch.randn(count, d, generator=draw) for count in (n, tests))
        true, given = torch.arange(n) % theory.classes, torch.arange(n) % theory.classes
        draw = streams.generator(seed, "theory labels")
        which = torch.randperm(n, generator=draw)[: round(theory.label_noise * n)]
        given[which] = torch.randint(theory.classes, (len(which),), generator=draw)
        return cls(theory.classes, theory.signal, noise, true, given, fresh, torch.arange(tests) % theory.classes)

    @property
    def dimension(self) -> int:
        """Of a patch, and of a filter: d."""
        return self.noise.shape[1]


def weights(theory: "Theory", seed: int) -> Tensor:
    """Every filter before training, `N(0, sigma0^2)` [K m, d]: m of each class, one class after the other."""
    shape = theory.classes * theory.filters, theory.dimension
    return theory.init * torch.randn(shape, generator=streams.generator(seed, "theory weights"))


def order(theory: "Theory", seed: int) -> Tensor:
    """One uniform number in [0, 1) a weight [K m, d]: kept are those below p, which are more the larger p is."""
    shape = theory.classes * theory.filters, theory.dimension
    return torch.rand(shape, generator=streams.generator(seed, "theory mask"))


def by_magnitude(trained: Tensor) -> Tensor:
    """The same for magnitude pruning [K m, d]: a weight's rank among all, the largest first, over their number."""
    ranks = torch.empty(trained.numel(), dtype=torch.float64)
    ranks[trained.abs().flatten().argsort(descending=True, stable=True)] = torch.arange(
        trained.numel(), dtype=torch.float64
    )
    return (ranks / trained.numel()).reshape(trained.shape)


def live(start: Tensor, kept: Tensor, classes: int) -> Tensor:
    """Which filters can learn their class's signal [K, m]: its coordinate kept, and positive at the start."""
    own = torch.arange(classes)
    filters = start.shape[0] // classes
    on = (start * kept).reshape(classes, filters, -1)[own, :, own]
    return on > 0
