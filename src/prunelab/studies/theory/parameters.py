"""The parameters that only this study has; conf/study/theory.yaml explains each."""

from itertools import pairwise
from typing import Annotated

from pydantic import Field, model_validator

from prunelab.errors import short
from prunelab.fields import IMAGES, REPLICATES, SEED, Derived, Number, Section, fraction, one_of, positive, whole

ROUNDS = False
MOST_WEIGHTS = 100_000_000  # of the network: a replicate holds five such arrays of floats
KEPT = "a list of 2 to 100 numbers in (0, 1], decreasing, the first 1"
SEEDS = f"a list of 1 to {REPLICATES} whole numbers from 0 to {SEED}, none twice"


class Theory(Section):
    """`theory.*`: the two-layer network, its data, and how it is trained and pruned."""

    kept: list[Annotated[Number, Field(gt=0, le=1)]] = Field(min_length=2, max_length=100, description=KEPT)
    seeds: list[Annotated[int, Field(ge=0, le=SEED)]] = Field(min_length=1, max_length=REPLICATES, description=SEEDS)
    classes: int = whole(2, 1000)
    filters: int = whole(1, 100_000)
    dimension: int = whole(2, 1_000_000)
    examples: int = whole(2, 100_000)
    test_examples: int = whole(2, IMAGES)
    signal: Number = Field(ge=0, le=1000, allow_inf_nan=False, description="a number from 0 to 1000")
    noise: Number = Field(ge=0, le=1000, allow_inf_nan=False, description="a number from 0 to 1000")
    power: int = whole(2, 10)
    init: Number = positive(1000)
    loss: Number = positive(1000)
    step: Number = Field(gt=0, le=1, description="a number in (0, 1]")
    max_steps: int = whole(1, 1_000_000)
    descent: str = one_of(["flow", "constant"])
    rate: Number = positive(1_000_000)
    label_noise: Number = fraction()
    mask: str = one_of(["random", "magnitude"])

    @model_validator(mode="after")
    def _agree(self) -> "Theory":
        """Check what no single value shows; every message names the parameter to change."""
        if self.kept[0] != 1 or any(b >= a for a, b in pairwise(self.kept)):
            raise ValueError(f"theory.kept={short(self.kept)}: must be {KEPT}")
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"theory.seeds={short(self.seeds)}: must be {SEEDS}")
        for name in ("dimension", "examples", "test_examples"):
            if getattr(self, name) < self.classes:
                raise ValueError(f"theory.{name}={getattr(self, name)}: must be at least theory.classes={self.classes}")
        weights = self.classes * self.filters * self.dimension
        if weights > MOST_WEIGHTS:
            raise ValueError(
                f"theory.filters={self.filters}: must be at most {MOST_WEIGHTS // (self.classes * self.dimension)}, "
                f"with theory.classes={self.classes} and theory.dimension={self.dimension}"
            )
        return self


PARAMETERS = {"theory": Theory}
DERIVED: dict[str, Derived] = {}
