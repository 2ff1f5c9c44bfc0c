"""The parameters that only this study has, and its arms; conf/study/stability.yaml explains each.

An arm is one way to treat a network while it trains: `none`, `scratch`, `dropout-0.3`, `largest-006` (which filters
go, and every how many epochs), `zeroing-50-006` (a temporary scheme, its batches, its period).
"""

import re
from typing import Annotated, Any

from pydantic import Field, model_validator

from prunelab.core import byname
from prunelab.errors import UserError, short
from prunelab.fields import EPOCHS, IMAGES, Derived, Number, Section, fraction, one_of, whole

ROUNDS = False
TARGETS = ("smallest", "random", "largest")
TEMPORARY = ("zeroing", "gaussian", "restore")
NONE, SCRATCH, DROPOUT = "none", "scratch", "dropout"
PERIODS = f"a list of 1 to 20 whole numbers from 1 to {EPOCHS}, increasing"
SCHEMES = f"a list, empty or of {', '.join(f'{name}-N' for name in TEMPORARY)} with N from 1 to {EPOCHS}, none twice"
CONTROLS = "a list, empty or of scratch, dropout-P with P between 0 and 1, none twice"
FRACTION = "a number in [0, 1), or a list of them, one for each of stability.layers"
EPOCH = f"a whole number from 0 to {EPOCHS}, or a list of them, one for each of stability.layers"
ALPHAS = "a list of numbers greater than 0, increasing"
ALL = "all"
Epoch = Annotated[int, Field(ge=0, le=EPOCHS)]
Share = Annotated[Number, fraction()]


class Flatness(Section):
    """`flatness.*`: curvature and gradients where arms end."""

    arms: list[str] = Field(max_length=1000, description="a list of arms, or [all]")
    examples: int = whole(0, IMAGES)
    data: str = one_of(["test", "train"])
    eigenvalues: int = whole(1, 1000)
    probes: int = whole(2, 10_000)
    density: int = whole(0, 1000)
    alphas: list[Annotated[Number, Field(gt=0, le=1e6)]] = Field(max_length=20, description=ALPHAS)

    @model_validator(mode="after")
    def _agree(self) -> "Flatness":
        if sorted({*self.alphas}) != self.alphas:
            raise ValueError(f"flatness.alphas={short(self.alphas)}: must be {ALPHAS}")
        return self


class Stability(Section):
    """`stability.*`: what is pruned while the network trains, and when."""

    targets: list[Annotated[str, one_of(TARGETS)]] = Field(
        description=f"a list, empty or of {', '.join(TARGETS)}, none twice"
    )
    periods: list[Annotated[int, Field(ge=1, le=EPOCHS)]] = Field(min_length=1, max_length=20, description=PERIODS)
    temporary: list[str] = Field(max_length=100, description=SCHEMES)
    controls: list[str] = Field(max_length=100, description=CONTROLS)
    score: str = one_of(byname.names("scores"))
    structure: str = one_of(["filters", "weights"])
    layers: int = whole(0, 1000)
    fraction: Share | list[Share] = Field(description=FRACTION)
    start: Epoch | list[Epoch] = Field(description=EPOCH)
    end: Epoch | list[Epoch] = Field(description=EPOCH)
    gaussian_burst: Number = Field(ge=0, le=1e6, description="a number from 0 to 1e6")

    @model_validator(mode="after")
    def _agree(self) -> "Stability":
        """Check what no single value shows; every message names the parameter to change."""
        for name in ("targets", "temporary", "controls"):
            given = getattr(self, name)
            if len({*given}) < len(given):
                raise ValueError(_refused(name, given))
        for name, fits in (("temporary", _temporary), ("controls", _control)):
            if not all(map(fits, getattr(self, name))):
                raise ValueError(_refused(name, getattr(self, name)))
        if sorted({*self.periods}) != self.periods:
            raise ValueError(_refused("periods", self.periods))
        for name in ("fraction", "start", "end"):
            value = getattr(self, name)
            if isinstance(value, list) and not self.layers:
                raise ValueError(f"stability.{name}={short(value)}: must be one number with stability.layers=0, all")
            if isinstance(value, list) and len(value) != self.layers:
                raise ValueError(f"stability.{name}={short(value)}: must have {self.layers} values, stability.layers")
        odd = next((pair for pair in zip(*self.spans, strict=True) if pair[0] > pair[1]), None)
        if odd:
            raise ValueError(f"stability.end={short(self.end)}: must not be before stability.start={short(self.start)}")
        return self

    @property
    def spans(self) -> tuple[list[int], list[int]]:
        """Starts and ends of the pruned layers, or one of each for all."""
        count = max(1, self.layers)
        start, end = (value if isinstance(value, list) else [value] * count for value in (self.start, self.end))
        return start, end

    @property
    def gradual(self) -> list[int]:
        """Those periods with which some layer has several events; the others are one-shot."""
        longest = max(end - start for start, end in zip(*self.spans, strict=True))
        return [period for period in self.periods if period <= longest]


def _refused(name: str, given: object) -> str:
    return f"stability.{name}={short(given)}: must be {Stability.model_fields[name].description}"


def _temporary(text: str) -> bool:
    found = re.fullmatch(rf"({'|'.join(TEMPORARY)})-([1-9][0-9]*)", text)
    return found is not None and int(found[2]) <= EPOCHS


def _control(text: str) -> bool:
    return text == SCRATCH or re.fullmatch(rf"{DROPOUT}-0\.[0-9]*[1-9]", text) is not None


def pruned_name(target: str, period: int) -> str:
    """Of an arm that prunes while training."""
    return f"{target}-{period:03d}"


def temporary_names(stability: Stability) -> list[str]:
    """Arms whose targets come back, with the longest period that is not one-shot, if there is one."""
    period = [*stability.gradual, *stability.periods][max(0, len(stability.gradual) - 1)]
    return [f"{scheme}-{period:03d}" for scheme in stability.temporary]


def arm_names(stability: Stability) -> list[str]:
    """All arms: `none` and other controls, target by period, temporary schemes."""
    pruned = [pruned_name(target, period) for target in stability.targets for period in stability.periods]
    return [NONE, *stability.controls, *pruned, *temporary_names(stability)]


def arms(config: Any) -> dict[str, str]:
    """Each arm, and the code that ranks its filters: that of a score, where one is asked."""
    stability = config.stability
    score = f"src/prunelab/scores/{stability.score}.py"
    unranked = (NONE, *stability.controls, *(pruned_name("random", period) for period in stability.periods))
    ranked = [name for name in arm_names(stability) if name not in unranked and stability.structure == "filters"]
    return {name: score if name in ranked else "src/prunelab/core" for name in arm_names(stability)}


def flatness_arms(config: Any) -> list[str]:
    """Arms whose curvature is measured."""
    given = config.flatness.arms
    return arm_names(config.stability) if given == [ALL] else list(given)


def reliance_arms(config: Any) -> list[str]:
    """Temporary schemes: what do networks rely on that had been taken from them?"""
    return temporary_names(config.stability)


def stability_reads(config: Any) -> dict[str, str]:
    """What stability_draw looks at beside the arms: what was measured of them, if anything was."""
    measured = flatness_arms(config) or reliance_arms(config)
    return {"stability": "data/stability/measured" if measured else "data/stability/arms"}


def check(config: Any) -> None:
    """What this study needs of all parameters together. Raises UserError with one line."""
    stability, epochs = config.stability, config.train.epochs
    if max(stability.spans[1]) > epochs - 2:
        raise UserError(
            f"stability.end={short(stability.end)}: must be at most {epochs - 2}, so that an epoch of train.epochs="
            f"{epochs} follows; epochs are counted from 0"
        )
    known = arm_names(stability)
    given = config.flatness.arms
    odd = [name for name in given if name not in known]
    if odd and given != [ALL]:
        raise UserError(f"flatness.arms={short(odd[0])}: must be [all] or of {', '.join(known)}")
    if len({*given}) < len(given):
        raise UserError(f"flatness.arms={short(given)}: must name none twice")


PARAMETERS = {"stability": Stability, "flatness": Flatness}
DERIVED = {
    "arms": Derived(arms, "stability"),
    "flatness_arms": Derived(flatness_arms, "stability and flatness"),
    "reliance_arms": Derived(reliance_arms, "stability"),
    "stability_reads": Derived(stability_reads, "stability and flatness"),
}
