"""Which examples of the training set the dense network is trained on, once more (Lens D, E and K.2). N examples."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from prunelab.studies.lens import groups

if TYPE_CHECKING:
    from prunelab.studies.lens.parameters import LeaveOut

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class Seen:
    """What chooses a part: how a round's network and the dense one stand to each example."""

    given_N: NDArray[np.integer]  # labels, as they are trained on
    predicted_N: NDArray[np.integer]  # the round's
    loss_N: NDArray[np.float32]  # the round's
    dense_loss_N: NDArray[np.float32]

    @property
    def difference(self) -> NDArray[np.float32]:
        """How much worse the round's network fits each example than the dense one does."""
        return self.loss_N - self.dense_loss_N


def again(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """All of it, for another dense network: what two of them differ by."""
    return np.arange(len(seen.given_N))


def misclassified(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """What the round's network gets right, by the labels as given (E)."""
    return np.flatnonzero(seen.predicted_N == seen.given_N)


def improved(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """Without the share that the round's network fits better than the dense one, by the most (D)."""
    return np.flatnonzero(~groups.affected(seen.difference, settings.share, "improved"))


def random(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """Without as many others, drawn (D)."""
    count = len(seen.given_N)
    return np.sort(rng.permutation(count)[groups.size(settings.share, count) :])


def worsened(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """A small part with the examples that the round's network fits worst, held against the dense one (K.2)."""
    worst, base, _ = _small(seen, settings, rng)
    return np.sort(np.concatenate([worst, base]))


def beside_worsened(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> Rows:
    """The same part, with as many drawn examples in their place (K.2; none of the worst is in it)."""
    _, base, instead = _small(seen, settings, rng)
    return np.sort(np.concatenate([base, instead]))


def _small(seen: Seen, settings: "LeaveOut", rng: np.random.Generator) -> tuple[Rows, Rows, Rows]:
    """The most worsened, what both parts share, and what the second has in place of the first."""
    count = len(seen.given_N)
    worst = groups.affected(seen.difference, settings.worst, "worsened")
    others = rng.permutation(np.flatnonzero(~worst))
    number, shared = int(worst.sum()), groups.size(settings.keep, count) - int(worst.sum())
    return np.flatnonzero(worst), others[:shared], others[shared : shared + number]


PARTS: dict[str, Callable[[Seen, "LeaveOut", np.random.Generator], Rows]] = {
    "again": again,
    "misclassified": misclassified,
    "improved": improved,
    "random": random,
    "worsened": worsened,
    "beside_worsened": beside_worsened,
}
# The stream a part is drawn from; both small parts share one.
STREAMS = {"random": "leave out", "worsened": "worsened", "beside_worsened": "worsened"}
