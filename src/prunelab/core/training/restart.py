"""Where a pruning round's training starts: the retraining schemes (SDD 3.2, Lens C).

A scheme is a choice of weights and schedule, not a loop of its own. To add one: write a function here and name it
in SCHEMES.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # parameters are checked against SCHEMES where PyTorch is not loaded
    from prunelab.core.networks import State


@dataclass(frozen=True)
class Sources:
    """The weights a scheme may choose from; read or drawn only when asked for."""

    rewind_point: "Callable[[], State]"  # the dense run at iteration `rewind_iteration`, batch-norm statistics too
    trained: "Callable[[], State]"  # the end of the previous round
    fresh: "Callable[[], State]"  # a new random initialisation, of this round's own
    rewind_iteration: int


@dataclass(frozen=True)
class Start:
    """The weights before masking, and the schedule that follows."""

    weights: "State"
    original_schedule: bool  # the dense run's learning rates; otherwise finetune's small constant one
    first_iteration: int = 0  # where on the original schedule to begin
    # The weights have trained in rounds before: order and augmentation are then this round's own, or they would see
    # the same batches in every round. Otherwise they are those of the dense run, and the mask is all that differs.
    trained_on: bool = False


def rewind(sources: Sources) -> Start:
    """Lottery-ticket rewinding, SDD's main method: back to iteration k, then the schedule from k on.

    Momentum starts anew, as in OpenLTH.
    """
    return Start(sources.rewind_point(), original_schedule=True, first_iteration=sources.rewind_iteration)


def lr_rewind(sources: Sources) -> Start:
    """Learning-rate rewinding (Lens): keep the trained weights, repeat the schedule from k on."""
    return Start(sources.trained(), original_schedule=True, first_iteration=sources.rewind_iteration, trained_on=True)


def finetune(sources: Sources) -> Start:
    """Keep the trained weights and train on at a small fixed rate."""
    return Start(sources.trained(), original_schedule=False, trained_on=True)


def scratch(sources: Sources) -> Start:
    """A fresh random initialisation every round, and the whole schedule."""
    return Start(sources.fresh(), original_schedule=True)


SCHEMES: dict[str, Callable[[Sources], Start]] = {
    "rewind": rewind,
    "lr_rewind": lr_rewind,
    "finetune": finetune,
    "scratch": scratch,
}
