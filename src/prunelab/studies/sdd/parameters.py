"""The parameters that only this study has, and which rounds it looks at; conf/study/sdd.yaml explains each."""

from itertools import pairwise
from typing import Annotated, Any

from pydantic import Field, model_validator

from prunelab.errors import short
from prunelab.fields import EPOCHS, IMAGES, Derived, Number, Section, positive, whole
from prunelab.fields import ROUNDS as MOST_ROUNDS

ROUNDS = True
ALPHAS = "a list of 1 to 20 numbers greater than 0, at most 1000000, increasing"


class Redense(Section):
    """`redense.*`: training of the whole network after its pruned weights came back at zero."""

    epochs: int = whole(1, EPOCHS)
    lr: Number = positive(1000)
    every: int = whole(1, MOST_ROUNDS)


class Reinit(Section):
    """`reinit.*`: the masks of some rounds, trained from new random initialisations."""

    every: int = whole(0, MOST_ROUNDS)


class Landscape(Section):
    """`landscape.*`: the loss around the solutions of some re-dense rounds."""

    every: int = whole(0, MOST_ROUNDS)
    examples: int = whole(0, IMAGES)
    directions: int = whole(1, 1000)
    eigenvalues: int = whole(1, 100)
    probes: int = whole(2, 100_000)
    density: int = whole(0, 1000)
    density_probes: int = whole(1, 100_000)
    alphas: list[Annotated[Number, Field(gt=0, le=1e6, allow_inf_nan=False)]] = Field(
        min_length=1, max_length=20, description=ALPHAS
    )
    plane: bool = Field(description="true or false")

    @model_validator(mode="after")
    def _agree(self) -> "Landscape":
        if any(b <= a for a, b in pairwise(self.alphas)):
            raise ValueError(f"landscape.alphas={short(self.alphas)}: must be {ALPHAS}")
        if self.density and self.density_probes > self.probes:
            raise ValueError(
                f"landscape.density_probes={self.density_probes}: must be at most landscape.probes={self.probes}"
            )
        return self


def redense_rounds(config: Any) -> list[str]:
    """The rounds that are re-dense trained, from r00 on."""
    return [f"r{i:02d}" for i in range(0, config.n_rounds + 1, config.redense.every)]


def spectrum_rounds(config: Any) -> list[str]:
    """Of the landscape rounds those with a spectrum: all, or none if `landscape.density` is 0. Not in params.yaml."""
    return landscape_rounds(config) if config.landscape.density else []


def reinit_rounds(config: Any) -> list[str]:
    """The rounds whose masks are trained from a new initialisation as well; none if `reinit.every` is 0."""
    every = config.reinit.every
    return [f"r{i:02d}" for i in range(every, config.n_rounds + 1, every)] if every else []


def landscape_rounds(config: Any) -> list[str]:
    """Of the re-dense rounds, every such one, from r00 on; none if `landscape.every` is 0."""
    every = config.landscape.every
    return redense_rounds(config)[::every] if every else []


PARAMETERS = {"redense": Redense, "reinit": Reinit, "landscape": Landscape}
DERIVED = {
    "redense_rounds": Derived(redense_rounds, "n_rounds and redense.every"),
    "reinit_rounds": Derived(reinit_rounds, "n_rounds and reinit.every"),
    "landscape_rounds": Derived(landscape_rounds, "n_rounds, redense.every and landscape.every"),
}
