"""The parameters that only this study has, and which parts it trains on; conf/study/lens.yaml explains each."""

from typing import Annotated, Any

from pydantic import Field, model_validator

from prunelab.errors import short
from prunelab.fields import ROUNDS as MOST_ROUNDS
from prunelab.fields import Derived, Number, Section, one_of, whole

ROUNDS, EARLY = True, True
WHICH = ("again", "misclassified", "improved", "random", "worsened")
# What each draws, or which rounds it has: from r00 on, or from the first `every` on.
DRAWN, FROM_DENSE = ("random", "again"), ("misclassified",)
SHARE = "a number between 0 and 1"


def _share() -> Any:
    return Field(gt=0, lt=1, description=SHARE)


class LeaveOut(Section):
    """`leave_out.*`: the dense network trained on a part of the training set."""

    every: int = whole(0, MOST_ROUNDS)
    which: list[Annotated[str, one_of(WHICH)]] = Field(
        description=f"a list, empty or of {', '.join(WHICH)}, none twice"
    )
    share: Number = _share()
    draws: int = whole(2, 1000)
    keep: Number = _share()
    worst: Number = _share()

    @model_validator(mode="after")
    def _agree(self) -> "LeaveOut":
        if len({*self.which}) < len(self.which):
            raise ValueError(
                f"leave_out.which={short(self.which)}: must be {LeaveOut.model_fields['which'].description}"
            )
        if self.worst >= self.keep:
            raise ValueError(f"leave_out.worst={self.worst:g}: must be less than leave_out.keep={self.keep:g}")
        return self


def leave_out_runs(config: Any) -> dict[str, str]:
    """Each part of the training set that is trained on, and the round whose losses choose it; none if `every` is 0.

    {"misclassified-r00": "r00", "improved-r06": "r06", ..., "random-0": "r00", "again-0": "r00", ...}
    What is drawn depends on no round: it is the same for all of them, and for every criterion and retraining scheme.
    """
    every = config.leave_out.every
    if not every:
        return {}
    found: dict[str, str] = {}
    for which in config.leave_out.which:
        if which in DRAWN:
            found |= {f"{which}-{draw}": "r00" for draw in range(config.leave_out.draws)}
            continue
        names = (which, f"beside_{which}") if which == "worsened" else (which,)
        rounds = [f"r{i:02d}" for i in range(0 if which in FROM_DENSE else every, config.n_rounds + 1, every)]
        found |= {f"{name}-{key}": key for name in names for key in rounds}
    return found


def lens_reads(config: Any) -> dict[str, str]:
    """What lens_draw looks at beside rounds: networks trained on parts, if there are any."""
    return {"lens": "data/lens/trained" if leave_out_runs(config) else "data/early"}


PARAMETERS = {"subgroups": Annotated[int, whole(2, 1000)], "leave_out": LeaveOut}
DERIVED = {
    "leave_out_runs": Derived(leave_out_runs, "n_rounds and leave_out"),
    "lens_reads": Derived(lens_reads, "leave_out"),
}
