"""A claim and the verdict that its effects give. A claim is

- *supported* if every effect it rests on lies on the claimed side: its value is no less than the least that counts,
  and its interval over replicates and test examples together is above zero;
- *contradicted* if some effect lies below the least that would count, whatever was chosen to measure it;
- *not decidable* otherwise, or where the run cannot show it; then a command says what would.

How often a verdict is wrong was tried in simulated worlds where the answer is known (benchmarks/verdicts.py).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from prunelab.judging.effects import Effect

SUPPORTED, CONTRADICTED, UNDECIDED = "supported", "contradicted", "not decidable"
# What may be needed without a number; deciding.py finds one.
MORE_REPLICATES, MORE_ROUNDS = "more replicates", "more rounds"


@dataclass(frozen=True)
class Claim:
    """A verdict and what it rests on."""

    text: str
    verdict: str
    why: str
    effects: list[Effect] = field(default_factory=list)
    # What would decide it: parameters to run it with (a list: several runs); None if it is decided.
    needs: Mapping[str, Any] | None = None
    caution: str = ""  # what the verdict must not be read without, such as a condition of the claim that does not hold


def judged(text: str, effects: Sequence[Effect]) -> Claim:
    """The verdict that effects give."""
    failing = [effect.what for effect in effects if effect.fails]
    open_ = [effect for effect in effects if not effect.holds and not effect.fails]
    if failing:
        return Claim(text, CONTRADICTED, "; ".join(failing) + ": not as claimed", list(effects))
    if any(effect.replicates is None for effect in open_):
        why = "one replicate shows nothing of how replicates differ"
        return Claim(text, UNDECIDED, why, list(effects), {"seeds": MORE_REPLICATES})
    if open_:
        why = "; ".join(effect.what for effect in open_) + ": too uncertain in this run"
        return Claim(text, UNDECIDED, why, list(effects), {"seeds": MORE_REPLICATES})
    return Claim(text, SUPPORTED, "all effects as claimed", list(effects))


def undecided(text: str, why: str, needs: Mapping[str, Any], effects: Sequence[Effect] = ()) -> Claim:
    """What a run cannot show, and the parameters of one that could."""
    return Claim(text, UNDECIDED, why, list(effects), needs)
