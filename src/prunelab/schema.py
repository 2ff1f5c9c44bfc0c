"""What a study's parameters may be: pydantic models whose descriptions are what a refusal says.

conf/config.yaml explains every parameter. The names a parameter may take are read from where the things
themselves live (a folder of files, or a table), so a new dataset or criterion needs no edit here.
"""

import math
import re
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from prunelab import corruption
from prunelab.core import byname, images
from prunelab.core.training import restart


def _number(value: object) -> object:
    """YAML 1.1 reads 1e-3 as text and DVC reads it as a number; agree with DVC, and never take true for 1."""
    if isinstance(value, str):
        try:
            return float(value)
        except ValueError:
            return value
    return float(value) if type(value) is int else value


ENGINE = ("bfloat16", "channels_last", "compile")  # the fields of core/training/engine.py
Number = Annotated[float, BeforeValidator(_number)]


def _one_of(names: Iterable[str]) -> Any:
    """A string that must be one of `names`."""
    names = list(names)
    return Field(pattern=f"^(?:{'|'.join(map(re.escape, names))})$", description=f"one of {', '.join(names)}")


def _at_least(least: int) -> Any:
    return Field(ge=least, description=f"a whole number, at least {least}")


def _fraction() -> Any:
    return Field(ge=0, lt=1, description="a number in [0, 1)")


def _positive() -> Any:
    return Field(gt=0, allow_inf_nan=False, description="a number greater than 0")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Subset(_Section):
    """`subset.*`: fewer images than the data set has."""

    train: int = _at_least(0)
    test: int = _at_least(0)


class Model(_Section):
    """`model.*`: which network."""

    name: str = _one_of(byname.names("models"))
    width: Number = _positive()
    batchnorm_init: str = _one_of(["ones", "uniform"])


class Train(_Section):
    """`train.*`: the dense run's schedule, which `rewind`, `lr_rewind` and `scratch` repeat."""

    epochs: int = _at_least(1)
    batch_size: int = _at_least(1)
    optimizer: str = _one_of(["sgd", "nesterov", "adam"])
    lr: Number = _positive()
    momentum: Number = _fraction()
    weight_decay: Number = Field(ge=0, allow_inf_nan=False, description="a number, at least 0")
    milestones: list[Annotated[int, Field(ge=1)]] = Field(description="a list of epochs, increasing, each at least 1")
    gamma: Number = Field(gt=0, le=1, description="a number in (0, 1]")
    warmup_epochs: int = _at_least(0)
    augment: str = _one_of(["none", "flip", "shift", "flip_shift"])
    validation: int = _at_least(0)
    rewind_iteration: int = _at_least(0)


class Prune(_Section):
    """`prune.*`: what each round removes, and how the survivors are retrained."""

    criterion: str = _one_of(byname.names("criteria"))
    fraction: Number = _fraction()
    scope: str = _one_of(["global", "layer"])
    schedule: str = _one_of(["iterative", "one_shot"])
    retrain: str = _one_of(restart.SCHEMES)


class Finetune(_Section):
    """`finetune.*`: the schedule of `prune.retrain=finetune`."""

    epochs: int = _at_least(1)
    lr: Number = _positive()


class Redense(_Section):
    """`redense.*`: training of the whole network after its pruned weights came back at zero."""

    epochs: int = _at_least(1)
    lr: Number = _positive()
    every: int = _at_least(1)


class Reinit(_Section):
    """`reinit.*`: the masks of some rounds, trained from new random initialisations."""

    every: int = _at_least(0)


class Landscape(_Section):
    """`landscape.*`: the loss around the solutions of some re-dense rounds."""

    every: int = _at_least(0)
    examples: int = _at_least(0)
    directions: int = _at_least(1)
    eigenvalues: int = _at_least(1)
    probes: int = _at_least(2)
    plane: bool = Field(description="true or false")


class Config(_Section):
    """A whole study. Frozen; every value checked."""

    setting: str = Field(min_length=1, description="the name of a file in conf/setting/")
    dataset: str = _one_of(byname.names("datasets"))
    data_root: str = Field(min_length=1, description="a folder")
    subset: Subset
    noise: Number = _fraction()
    noise_type: str = _one_of(corruption.NOISE_TYPES)
    seeds: list[Annotated[int, Field(ge=0)]] = Field(
        min_length=1, description="a list of at least one whole number, none negative, none twice"
    )
    device: str = _one_of(["auto", "cpu", "cuda"])
    n_rounds: int = Field(ge=1, le=99, description="a whole number from 1 to 99")
    model: Model
    train: Train
    prune: Prune
    finetune: Finetune
    redense: Redense
    reinit: Reinit
    landscape: Landscape
    sparse: bool = Field(description="true or false")
    engine: list[Annotated[str, _one_of(ENGINE)]] = Field(description=f"a list, empty or of {', '.join(ENGINE)}")

    @model_validator(mode="after")
    def _agree(self) -> "Config":
        """Check what no single value shows; every message names the parameter to change."""
        train = self.train
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds={self.seeds}: must be {allowed(('seeds',))}")
        if train.optimizer == "nesterov" and not train.momentum:
            raise ValueError("train.momentum=0.0: must be greater than 0 with train.optimizer=nesterov")
        if train.optimizer == "adam" and train.momentum:
            raise ValueError(f"train.momentum={train.momentum}: must be 0 with train.optimizer=adam, which has its own")
        if any(b <= a for a, b in pairwise(train.milestones)):
            raise ValueError(f"train.milestones={train.milestones}: must be {allowed(('train', 'milestones'))}")
        if train.warmup_epochs > train.epochs:
            raise ValueError(f"train.warmup_epochs={train.warmup_epochs}: must be at most train.epochs={train.epochs}")
        source = images.facts(self.dataset)
        if self.noise_type == "asymmetric" and not source.LOOK_ALIKE:
            raise ValueError(
                "noise_type='asymmetric': must be one of symmetric, uniform_other, pairflip with "
                f"dataset={self.dataset}, which has no map of look-alikes"
            )
        if source.NUM_TRAIN is not None:  # otherwise the stages check, when they have seen the data
            if self.subset.train > source.NUM_TRAIN:
                raise ValueError(f"subset.train={self.subset.train}: must be at most {source.NUM_TRAIN}")
            check_fits(train, self.subset.train or source.NUM_TRAIN)
        return self


def check_fits(train: Train, num_examples: int) -> None:
    """Check the settings whose limits depend on how many training images there are.

    Raises ValueError with the line to show.
    """
    if train.validation >= num_examples:
        raise ValueError(f"train.validation={train.validation}: must be less than the {num_examples} training images")
    steps = math.ceil((num_examples - train.validation) / train.batch_size)
    if train.rewind_iteration >= steps * train.epochs:
        raise ValueError(
            f"train.rewind_iteration={train.rewind_iteration}: must be less than the {steps * train.epochs} "
            f"iterations of the dense run ({train.epochs} epochs of {steps})"
        )


def field(path: tuple[Any, ...]) -> Any:
    """The pydantic field at a path such as ("train", "lr"); list positions are left out."""
    fields, found = Config.model_fields, None
    for name in path:
        if not isinstance(name, str) or name not in fields:
            break
        found = fields[name]
        fields = getattr(found.annotation, "model_fields", None) or {}
    return found


def allowed(path: tuple[Any, ...]) -> str:
    """What the value there may be, in words."""
    found = field(path)
    return (found.description if found else None) or "a section of named values"
