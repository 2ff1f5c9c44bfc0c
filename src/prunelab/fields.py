"""What sections of parameters are made of: pydantic fields whose descriptions are what a refusal says.

Both schema.py and each study's parameters.py are written with these.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

# What no honest study reaches, and what would hang, fill the memory or end in an overflow instead of a line.
EPOCHS, IMAGES, SEED, REPLICATES, ROUNDS = 100_000, 100_000_000, 2**32 - 1, 1000, 99


def _number(value: object) -> object:
    """1 is a number like 1.0; true and "1" are none."""
    return float(value) if type(value) is int and abs(value) < 1 << 53 else value


Number = Annotated[float, BeforeValidator(_number)]


class Section(BaseModel):
    """Named values: frozen, no others than these, none converted."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


@dataclass(frozen=True)
class Derived:
    """A list of what to make, for a `foreach` of dvc.yaml, which conf/ derives from other parameters."""

    derive: Callable[[Any], Any]  # from the whole, checked configuration
    source: str  # the parameters it follows from, in words


def one_of(names: Iterable[str]) -> Any:
    """A string that must be one of `names`."""
    names = list(names)
    return Field(pattern=f"^(?:{'|'.join(map(re.escape, names))})$", description=f"one of {', '.join(names)}")


def whole(least: int, most: int) -> Any:
    """A whole number within these bounds."""
    return Field(ge=least, le=most, description=f"a whole number from {least} to {most}")


def fraction() -> Any:
    """A number from 0 on, below 1."""
    return Field(ge=0, lt=1, description="a number in [0, 1)")


def positive(most: int) -> Any:
    """A finite number above 0."""
    return Field(gt=0, le=most, allow_inf_nan=False, description=f"a number greater than 0, at most {most}")
