"""What a ticket says about its network: all that rebuilds it, and where it came from. JSON in the file's header.

C channels of a sample, D features, K classes.
"""

from math import prod
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from prunelab.core.features import Positive as Size
from prunelab.core.features import Standardisation

FORMAT: Final = "prunelab ticket"
VERSION: Final = 1
# Far above any network that is trained here; what a damaged or hostile file claims must not be allocated.
MOST_PIXELS = 1 << 28

Count = Annotated[int, Field(ge=0)]
Positive = Annotated[int, Field(ge=1)]
Share = Annotated[float, Field(ge=0, le=1)]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Model(_Part):
    """Which file of src/prunelab/models/, and how wide."""

    name: str
    width: Annotated[float, Field(gt=0, le=100)]


class Normalisation(_Part):
    """What is done to pixels first: value / max_value, less the mean, by the standard deviation; [C] each.

    Raw ones; or features that were standardised (`Description.features`), each of which is a channel.
    """

    mean: list[FiniteFloat]
    std: list[Size]
    max_value: Positive


class Labels(_Part):
    """The labels that the network was trained on.

    `origin`: "as they are" in the data; "simulated", by noise on the data's; or "came with the data", beside true ones.
    `sha256` is that of the given labels, int64, little-endian, those held out for validation included.
    """

    origin: Literal["as they are", "simulated", "came with the data"]
    noise: Share
    noise_type: str
    permuted: Count  # how many of those trained on
    validation: Count  # how many were held out
    sha256: str


class Source(_Part):
    """Which run's round this is. `workspace`: its working tree, on this commit."""

    commit: str
    workspace: bool
    round: str
    seed: Count
    dataset: str


class Compact(_Part):
    """A network without what pruning left idle: pixels that are read, units of each hidden layer that are left."""

    pixels: Count
    hidden: list[Count]


class Description(_Part):
    """All of it."""

    format: Literal["prunelab ticket"] = FORMAT
    version: Literal[1] = VERSION
    model: Model
    sample_shape: Annotated[list[Positive], Field(min_length=3, max_length=3)]  # [C, H, W]
    classes: Annotated[list[str], Field(min_length=2)]  # names, by number
    normalisation: Normalisation
    sparsity: Share  # of the prunable weights
    survivors: Count
    prunable: Positive
    labels: Labels
    source: Source
    metrics: dict[str, Any]  # of the round's record: `last` epoch, and `best`
    made_with: dict[str, Any]  # PyTorch's version, kind of processor, threads
    written_by: str  # version of prunelab
    compact: Compact | None = None
    # Of raw features, before normalisation; absent for pictures, whose files are as they would be without it.
    features: Standardisation | None = Field(default=None, exclude_if=lambda value: value is None)

    @model_validator(mode="after")
    def _agree(self) -> "Description":
        channels = self.sample_shape[0]
        if not len(self.normalisation.mean) == len(self.normalisation.std) == channels:
            raise ValueError(f"normalisation must have a mean and a std for each of {channels} channels")
        if prod(self.sample_shape) > MOST_PIXELS:
            raise ValueError(f"sample_shape must be of at most {MOST_PIXELS} pixels")
        if self.features is not None and self.sample_shape != [len(self.features.mean), 1, 1]:
            raise ValueError(f"sample_shape must be [{len(self.features.mean)}, 1, 1], as there are features")
        if len({*self.classes}) < len(self.classes):
            raise ValueError("classes must have different names")
        return self

    @property
    def shape(self) -> tuple[int, int, int]:
        """(C, H, W) of one sample."""
        c, h, w = self.sample_shape
        return c, h, w
