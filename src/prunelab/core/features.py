"""Features as images of one pixel: each feature is a channel, which training then standardises like any other.

Shapes: N training and M test examples of D features.
"""

from collections.abc import Callable, Sequence
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator

from prunelab.core.files import shown
from prunelab.errors import UserError

Array = NDArray[np.float64]
Positive = Annotated[float, Field(gt=0, allow_inf_nan=False)]


class Standardisation(BaseModel):
    """What is done to features first: (value / unit - mean) / std in float64, then float32; [D] each.

    `unit` is the largest size of a feature's training values, so that no square overflows; mean and deviation are in
    it. All three are kept because only the same steps in the same order round to the same values. `names` are the
    columns that a table has; there are none where features have places only (npz).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    names: list[str]
    unit: list[Positive]
    mean: list[FiniteFloat]
    std: list[Positive]

    @model_validator(mode="after")
    def _agree(self) -> "Standardisation":
        if not len(self.unit) == len(self.mean) == len(self.std) > 0:
            raise ValueError("must have a unit, a mean and a std for each feature, and one feature at least")
        if len(self.names) not in (0, len(self.mean)) or len({*self.names}) < len(self.names):
            raise ValueError(f"names must be none, or a different one for each of {len(self.mean)} features")
        return self

    def name(self, column: int) -> str:
        """What a feature is called in a line."""
        return self.names[column] if self.names else f"feature {column}"

    def steps(self) -> Array:
        """Unit, mean and std: [3, D]."""
        return np.array([self.unit, self.mean, self.std])

    def applied(self, x_ND: NDArray[Any], where: str, at: Callable[[int], str]) -> NDArray[np.float32]:
        """Numbers to float32 [N, D, 1, 1].

        Args:
            x_ND: of any number type.
            where: the file, for the line.
            at: what an example is called, by its position, for the line.

        Raises:
            UserError: a value is not finite, or is so far from the others that float32 cannot hold it.
        """
        x = x_ND.astype(np.float64)
        unit, mean, std = self.steps()
        with np.errstate(all="ignore"):
            result = ((x / unit - mean) / std).astype(np.float32)
        for row, column in np.argwhere(~np.isfinite(result))[:1].tolist():
            raise _odd(f"{where}: {shown(self.name(column))} of {at(row)}", x[row, column])
        return np.ascontiguousarray(result[:, :, None, None])

    def undone(self, x_ND11: NDArray[np.float32]) -> Array:
        """The numbers that `applied` made these of, as far as float32 still tells: float64 [N, D, 1, 1]."""
        unit, mean, std = self.steps()[:, :, None, None]
        result: Array = (x_ND11.astype(np.float64) * std + mean) * unit
        return result


def standardised(
    x_train_ND: NDArray[Any], x_test_MD: NDArray[Any], names: Sequence[str], where: str
) -> tuple[NDArray[np.float32], NDArray[np.float32], Standardisation]:
    """Numbers to float32 [N, D, 1, 1], each feature by its mean and standard deviation over the training examples.

    Training does that once more, on the examples that are not held out (core/inputs.py), and its outcome depends on
    neither shift nor scale; done here in float64 first, a year or a time in seconds loses nothing to float32. A feature
    that never varies becomes 0.

    Args:
        x_train_ND: N training examples of D features.
        x_test_MD: test examples.
        names: of the features, if they have any.
        where: the file, for the line.

    Returns:
        Both, and how it was done.

    Raises:
        UserError: a value is not finite, or is so far from the others that float32 cannot hold it.
    """
    found = _of(x_train_ND.astype(np.float64), names, where)
    train = found.applied(x_train_ND, where, "training example {}".format)
    return train, found.applied(x_test_MD, where, "test example {}".format), found


def _of(train: Array, names: Sequence[str], where: str) -> Standardisation:
    """By the training examples [N, D]."""
    for row, column in np.argwhere(~np.isfinite(train))[:1].tolist():
        name = names[column] if names else f"feature {column}"
        raise _odd(f"{where}: {shown(name)} of training example {row}", train[row, column])
    unit = np.abs(train).max(axis=0)
    unit = np.where(unit > 0, unit, 1.0)
    scaled = train / unit
    mean = scaled.mean(axis=0)
    varies = train.min(axis=0) != train.max(axis=0)
    # A mean of equal numbers may be off by a rounding, and their deviation then not 0.
    mean = np.where(varies, mean, scaled[0])
    std = np.where(varies, np.sqrt(((scaled - mean) ** 2).mean(axis=0)), 1.0)
    return Standardisation(names=list(names), unit=unit.tolist(), mean=mean.tolist(), std=std.tolist())


def _odd(what: str, value: float) -> UserError:
    return UserError(f"{what} is {value}, must be a number of the size of the others")
