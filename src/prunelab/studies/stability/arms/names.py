"""What an arm's name says (parameters.py makes them)."""

from dataclasses import dataclass
from pathlib import Path

from prunelab.core.pruning import filters
from prunelab.studies.stability.parameters import DROPOUT, NONE, SCRATCH, TARGETS, TEMPORARY

LARGEST = "largest"


@dataclass(frozen=True)
class Arm:
    """One way to treat a network while it trains."""

    name: str
    target: str = ""  # smallest | random | largest; "" for none
    scheme: str = ""  # prune | scratch | dropout | zeroing | gaussian | restore; "" for none
    period: int = 0  # epochs between two events of a layer; 0 without events
    batches: int = 0  # of a temporary scheme
    dropout: float = 0.0  # probability of a hidden unit to be left out in a step

    @property
    def removes(self) -> bool:
        """Whether filters are gone for good."""
        return self.scheme in ("prune", SCRATCH)

    @property
    def temporary(self) -> bool:
        """Whether they come back."""
        return self.scheme in TEMPORARY


def arm(name: str) -> Arm:
    """By its name. Raises ValueError where it says nothing."""
    first, *rest = name.split("-")
    if name == NONE:
        return Arm(name)
    if name == SCRATCH:
        return Arm(name, "random", SCRATCH)
    if first == DROPOUT and len(rest) == 1:
        return Arm(name, scheme=DROPOUT, dropout=float(rest[0]))
    if first in TARGETS and len(rest) == 1:
        return Arm(name, first, "prune", int(rest[0]))
    if first in TEMPORARY and len(rest) == 2:
        return Arm(name, LARGEST, first, int(rest[1]), int(rest[0]))
    raise ValueError(f"no arm is called {name}")


def ranking(code: str) -> filters.Ranking | None:
    """How an arm ranks its filters, from the code it depends on; None where it ranks none by a score.

    Raises UserError where there is no such score.
    """
    path = Path(code)
    return filters.ranking(path.stem) if path.parent.name == "scores" else None
