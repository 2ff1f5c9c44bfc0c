"""What a study's parameters may be: pydantic models whose descriptions are what a refusal says.

conf/config.yaml explains every parameter. The names a parameter may take are read from where the things
themselves live (a folder of files, or a table), so a new dataset or criterion needs no edit here.
"""

import math
import re
import unicodedata
from collections.abc import Iterable
from itertools import pairwise
from typing import Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from prunelab import corruption
from prunelab.core import byname, images
from prunelab.core.training import restart
from prunelab.errors import short


def _number(value: object) -> object:
    """1 is a number like 1.0; true and "1" are none."""
    return float(value) if type(value) is int and abs(value) < 1 << 53 else value


ENGINE = ("bfloat16", "channels_last", "compile")  # the fields of core/training/engine.py
Number = Annotated[float, BeforeValidator(_number)]


def _one_of(names: Iterable[str]) -> Any:
    """A string that must be one of `names`."""
    names = list(names)
    return Field(pattern=f"^(?:{'|'.join(map(re.escape, names))})$", description=f"one of {', '.join(names)}")


# What no honest study reaches, and what would hang, fill the memory or end in an overflow instead of a line.
EPOCHS, IMAGES, SEED, REPLICATES, ROUNDS = 100_000, 100_000_000, 2**32 - 1, 1000, 99


def _whole(least: int, most: int) -> Any:
    return Field(ge=least, le=most, description=f"a whole number from {least} to {most}")


def _fraction() -> Any:
    return Field(ge=0, lt=1, description="a number in [0, 1)")


def _positive(most: int) -> Any:
    return Field(gt=0, le=most, allow_inf_nan=False, description=f"a number greater than 0, at most {most}")


class _Section(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Subset(_Section):
    """`subset.*`: fewer images than the data set has."""

    train: int = _whole(0, IMAGES)
    test: int = _whole(0, IMAGES)


class Model(_Section):
    """`model.*`: which network."""

    name: str = _one_of(byname.names("models"))
    width: Number = _positive(100)
    batchnorm_init: str = _one_of(["ones", "uniform"])


class Train(_Section):
    """`train.*`: the dense run's schedule, which `rewind`, `lr_rewind` and `scratch` repeat."""

    epochs: int = _whole(1, EPOCHS)
    batch_size: int = _whole(1, IMAGES)
    optimizer: str = _one_of(["sgd", "nesterov", "adam"])
    lr: Number = _positive(1000)
    momentum: Number = _fraction()
    weight_decay: Number = Field(ge=0, le=1000, allow_inf_nan=False, description="a number from 0 to 1000")
    milestones: list[Annotated[int, Field(ge=1, le=EPOCHS)]] = Field(
        description=f"a list of epochs, increasing, each from 1 to {EPOCHS}"
    )
    gamma: Number = Field(gt=0, le=1, description="a number in (0, 1]")
    warmup_epochs: int = _whole(0, EPOCHS)
    augment: str = _one_of(["none", "flip", "shift", "flip_shift"])
    validation: int = _whole(0, IMAGES)
    rewind_iteration: int = _whole(0, EPOCHS * IMAGES)


class Prune(_Section):
    """`prune.*`: what each round removes, and how the survivors are retrained."""

    criterion: str = _one_of(byname.names("criteria"))
    fraction: Number = _fraction()
    scope: str = _one_of(["global", "layer"])
    schedule: str = _one_of(["iterative", "one_shot"])
    retrain: str = _one_of(restart.SCHEMES)


class Finetune(_Section):
    """`finetune.*`: the schedule of `prune.retrain=finetune`."""

    epochs: int = _whole(1, EPOCHS)
    lr: Number = _positive(1000)


class Redense(_Section):
    """`redense.*`: training of the whole network after its pruned weights came back at zero."""

    epochs: int = _whole(1, EPOCHS)
    lr: Number = _positive(1000)
    every: int = _whole(1, ROUNDS)


class Reinit(_Section):
    """`reinit.*`: the masks of some rounds, trained from new random initialisations."""

    every: int = _whole(0, ROUNDS)


class Landscape(_Section):
    """`landscape.*`: the loss around the solutions of some re-dense rounds."""

    every: int = _whole(0, ROUNDS)
    examples: int = _whole(0, IMAGES)
    directions: int = _whole(1, 1000)
    eigenvalues: int = _whole(1, 100)
    probes: int = _whole(2, 100_000)
    plane: bool = Field(description="true or false")


class Config(_Section):
    """A whole study. Frozen; every value checked."""

    setting: str = Field(min_length=1, description="the name of a file in conf/setting/")
    dataset: str = _one_of(byname.names("datasets"))
    data_root: str = Field(min_length=1, description="a folder, or a file for npz and table")
    subset: Subset
    noise: Number = _fraction()
    noise_type: str = _one_of(corruption.NOISE_TYPES)
    seeds: list[Annotated[int, Field(ge=0, le=SEED)]] = Field(
        min_length=1,
        max_length=REPLICATES,
        description=f"a list of 1 to {REPLICATES} whole numbers from 0 to {SEED}, none twice",
    )
    device: str = _one_of(["auto", "cpu", "cuda"])
    threads: int = _whole(1, 1024)
    n_rounds: int = _whole(1, ROUNDS)
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
        check_text(self.data_root)
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds={short(self.seeds)}: must be {allowed(('seeds',))}")
        if train.optimizer == "nesterov" and not train.momentum:
            raise ValueError("train.momentum=0.0: must be greater than 0 with train.optimizer=nesterov")
        if train.optimizer == "adam" and train.momentum:
            raise ValueError(f"train.momentum={train.momentum}: must be 0 with train.optimizer=adam, which has its own")
        if any(b <= a for a, b in pairwise(train.milestones)):
            raise ValueError(f"train.milestones={short(train.milestones)}: must be {allowed(('train', 'milestones'))}")
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
            check_fits(train, self.noise, self.subset.train or source.NUM_TRAIN)
        return self


def check_text(data_root: str) -> None:
    """Raises ValueError for a path that would not come through params.yaml and dvc.yaml as it is."""
    if "${" in data_root:
        raise ValueError(f"data_root={short(data_root)}: must not contain ${{, which DVC fills in")
    if any(unicodedata.category(character) in ("Cc", "Zl", "Zp") for character in data_root):
        raise ValueError(f"data_root={short(data_root)}: must not contain control characters or line breaks")


def check_fits(train: Train, noise: float, num_examples: int) -> None:
    """Check the settings whose limits depend on how many training images there are.

    Raises ValueError or UserError with the line to show.
    """
    corruption.check_counts(noise, train.validation, num_examples)
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
