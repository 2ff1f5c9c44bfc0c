"""What parameters may be: pydantic models whose descriptions are what a refusal says.

conf/ explains every parameter; a study's own stand in its parameters.py. The names a parameter may take are read from
where the things themselves live (a folder of files, or a table): a new dataset or criterion needs no edit here.
"""

import math
import unicodedata
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import Field, create_model, model_validator

from prunelab import corruption
from prunelab import studies as of_studies
from prunelab.core import byname, sources
from prunelab.core.training import restart
from prunelab.errors import short
from prunelab.fields import EPOCHS, IMAGES, REPLICATES, ROUNDS, SEED, Number, Section, fraction, one_of, positive, whole

ENGINE = ("bfloat16", "channels_last", "compile", "stacked", "graphs")  # the fields of core/training/engine.py


class Subset(Section):
    """`subset.*`: fewer images than the data set has."""

    train: int = whole(0, IMAGES)
    test: int = whole(0, IMAGES)


class Model(Section):
    """`model.*`: which network."""

    name: str = one_of(byname.names("models"))
    width: Number = positive(100)
    batchnorm_init: str = one_of(["ones", "uniform"])


class Train(Section):
    """`train.*`: the dense run's schedule, which `rewind`, `lr_rewind` and `scratch` repeat."""

    epochs: int = whole(1, EPOCHS)
    batch_size: int = whole(1, IMAGES)
    optimizer: str = one_of(["sgd", "nesterov", "adam"])
    lr: Number = positive(1000)
    momentum: Number = fraction()
    weight_decay: Number = Field(ge=0, le=1000, allow_inf_nan=False, description="a number from 0 to 1000")
    milestones: list[Annotated[int, Field(ge=1, le=EPOCHS)]] = Field(
        description=f"a list of epochs, increasing, each from 1 to {EPOCHS}"
    )
    gamma: Number = Field(gt=0, le=1, description="a number in (0, 1]")
    warmup_epochs: int = whole(0, EPOCHS)
    augment: str = one_of(["none", "flip", "shift", "flip_shift"])
    validation: int = whole(0, IMAGES)
    rewind_iteration: int = whole(0, EPOCHS * IMAGES)


class Early(Section):
    """`early.*`: the early ensemble, networks trained for a short time."""

    networks: int = whole(1, 1000)
    share: Number = Field(gt=0, le=1, description="a number in (0, 1]")


class Prune(Section):
    """`prune.*`: what each round removes, and how the survivors are retrained."""

    criterion: str = one_of(byname.names("criteria"))
    fraction: Number = fraction()
    scope: str = one_of(["global", "layer"])
    schedule: str = one_of(["iterative", "one_shot"])
    retrain: str = one_of(restart.SCHEMES)


class Finetune(Section):
    """`finetune.*`: the schedule of `prune.retrain=finetune`."""

    epochs: int = whole(1, EPOCHS)
    lr: Number = positive(1000)


class Common(Section):
    """What every study has. Frozen; every value checked."""

    setting: str = Field(min_length=1, description="the name of a file in conf/setting/")
    studies: list[Annotated[str, one_of(of_studies.names())]] = Field(
        description=f"a list, empty or of {', '.join(of_studies.names())}, none twice"
    )
    dataset: str = one_of(byname.names("datasets"))
    data_root: str = Field(min_length=1, description="a folder, or a file for npz and table")
    subset: Subset
    noise: Number = fraction()
    noise_type: str = one_of(corruption.NOISE_TYPES)
    seeds: list[Annotated[int, Field(ge=0, le=SEED)]] = Field(
        min_length=1,
        max_length=REPLICATES,
        description=f"a list of 1 to {REPLICATES} whole numbers from 0 to {SEED}, none twice",
    )
    device: str = one_of(["auto", "cpu", "cuda"])
    threads: int = whole(1, 1024)
    n_rounds: int = whole(1, ROUNDS)
    model: Model
    train: Train
    early: Early
    prune: Prune
    finetune: Finetune
    sparse: bool = Field(description="true or false")
    engine: list[Annotated[str, one_of(ENGINE)]] = Field(description=f"a list, empty or of {', '.join(ENGINE)}")

    @model_validator(mode="after")
    def _agree(self) -> "Common":
        """Check what no single value shows; every message names the parameter to change."""
        train = self.train
        check_text(self.data_root)
        if len(set(self.seeds)) < len(self.seeds):
            raise ValueError(f"seeds={short(self.seeds)}: must be {allowed(('seeds',))}")
        if len(set(self.studies)) < len(self.studies):
            raise ValueError(f"studies={short(self.studies)}: must be {allowed(('studies',))}")
        if train.optimizer == "nesterov" and not train.momentum:
            raise ValueError("train.momentum=0.0: must be greater than 0 with train.optimizer=nesterov")
        if train.optimizer == "adam" and train.momentum:
            raise ValueError(f"train.momentum={train.momentum}: must be 0 with train.optimizer=adam, which has its own")
        if any(b <= a for a, b in pairwise(train.milestones)):
            raise ValueError(f"train.milestones={short(train.milestones)}: must be {allowed(('train', 'milestones'))}")
        if train.warmup_epochs > train.epochs:
            raise ValueError(f"train.warmup_epochs={train.warmup_epochs}: must be at most train.epochs={train.epochs}")
        check_engine(self.engine, train)
        source = sources.source(self.dataset)
        needs_map = corruption.NOISE_TYPES[self.noise_type].of_map
        if needs_map and not corruption.look_alikes(source, self.noise_type):
            others = [name for name, kind in corruption.NOISE_TYPES.items() if kind.of_map is None]
            raise ValueError(
                f"noise_type={self.noise_type!r}: must be one of {', '.join(others)} with dataset={self.dataset}, "
                "which has no map of look-alikes" + (" of all classes" if needs_map == "LOOK_ALIKES" else "")
            )
        if source.NUM_TRAIN is not None:  # otherwise the stages check, when they have seen the data
            if self.subset.train > source.NUM_TRAIN:
                raise ValueError(f"subset.train={self.subset.train}: must be at most {source.NUM_TRAIN}")
            check_fits(train, self.noise, self.subset.train or source.NUM_TRAIN)
        return self


if TYPE_CHECKING:

    class Config(Common):
        """All parameters: the common ones and those of every study, by the names of their sections."""

        def __getattr__(self, name: str) -> Any: ...
else:
    _OF_STUDIES = [of_studies.parameters(name).PARAMETERS for name in of_studies.names()]
    _SECTIONS = {name: (section, ...) for some in _OF_STUDIES for name, section in some.items()}
    Config = create_model("Config", __base__=Common, __module__=__name__, **_SECTIONS)


def check_engine(engine: list[str], train: Train) -> None:
    """Raises ValueError for what replicates trained as one cannot do, by the name of the parameter to change."""
    if "graphs" in engine and "stacked" not in engine:
        raise ValueError(f"engine={short(engine)}: must hold stacked if it holds graphs, which are of such replicates")
    if "graphs" in engine and train.optimizer == "adam":
        raise ValueError("train.optimizer='adam': must be sgd or nesterov with engine=[stacked,graphs]")
    others = [name for name in engine if name not in ("stacked", "graphs")]
    if "stacked" in engine and others:
        raise ValueError(f"engine={short(engine)}: must not hold {others[0]} beside stacked, which makes no use of it")
    if "stacked" in engine and train.augment != "none":
        raise ValueError(f"train.augment={train.augment!r}: must be none with engine=[stacked]")
    if "stacked" in engine and train.validation:
        raise ValueError(f"train.validation={train.validation}: must be 0 with engine=[stacked]")


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
