"""Arrays of numbers to pixels: which range they have, where their channels are, what an alpha channel shows.

Shapes: N images, C channels, H x W pixels, D features. Nothing here is guessed from one of two arrays: what holds
for the training images holds for the test images.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab.errors import UserError

Array = NDArray[Any]
WHITE, WHITE_16 = 255, 65535
# 16-bit numbers that all lie below this came from 8, 10, 12 or 14 bits: scaled as 16 bits they would be nearly black.
FULL_16 = 1 << 14
LAYOUTS = {"NHWC": 3, "NCHW": 1}  # where the channels are
SHAPES = "[N, H, W], [N, H, W, C] or [N, C, H, W] with C 1 or 3 (2 or 4 with alpha), or [N, D]"


def from_16_bit(values: Array) -> NDArray[np.uint8]:
    """0..65535 to 0..255, rounded to the nearest."""
    return ((values.astype(np.int32) + 128) // 257).astype(np.uint8)


def check_full_16(top: int, where: str) -> None:
    """Raises UserError where 16-bit numbers use so little of their range that white must be another value."""
    if top < FULL_16:
        raise UserError(
            f"{where}: holds the largest of all 16-bit values, {top}, so white is not {WHITE_16}; scale them to 0..255 "
            "yourself (255 times the value, divided by that of white)"
        )


def on_white(colour_HWC: NDArray[np.uint8], alpha_HW: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """What is seen of pixels with alpha on a white page: c a + 255 (1 - a), rounded to the nearest."""
    alpha = alpha_HW[..., None].astype(np.uint32)
    shown: NDArray[np.uint8] = ((colour_HWC * alpha + WHITE * (WHITE - alpha) + 127) // WHITE).astype(np.uint8)
    return shown


def to_bytes(train: Array, test: Array, where: str) -> tuple[Array, Array, str]:
    """Two arrays of one range to uint8, and in words how.

    Raises:
        UserError: their range is none that has one meaning; the line says what to do.
    """
    _check_numbers(train, test, where)
    if {train.dtype.kind, test.dtype.kind} == {"b"}:
        return train * np.uint8(WHITE), test * np.uint8(WHITE), "false and true as 0 and 255"
    low, high = (float(f([f(x) for x in (train, test)])) for f in (np.min, np.max))
    spans = [f"{x.dtype} {float(x.min()):.7g}..{float(x.max()):.7g}" for x in (train, test)]
    found = f"{where}: x_train is {spans[0]} and x_test {spans[1]}"
    floats = "f" in (train.dtype.kind, test.dtype.kind)
    if low < 0:
        raise UserError(
            f"{found}, must both be whole numbers 0..255 or fractions 0..1; save 255 * (x - low) / (high - low), "
            "rounded, with one low and one high for both arrays"
        )
    if floats and high <= 1:
        return _fractions(train, test)
    whole = not floats or all((x == np.round(x)).all() for x in (train, test))
    if whole and high <= WHITE:
        return train.astype(np.uint8), test.astype(np.uint8), "values 0..255 as they are"
    if not whole:
        advice = "round them (numpy.round)" if high <= WHITE else "divide them by the value of white"
        if min(float(train.max()), float(test.max())) <= 1:
            advice = "bring both to one of these"
        raise UserError(f"{found}, with fractions, must both be whole numbers 0..255 or fractions 0..1; {advice}")
    if {train.dtype, test.dtype} == {np.dtype(np.uint16)}:
        check_full_16(int(high), f"{where}: {'x_train' if train.max() == high else 'x_test'}")
        return from_16_bit(train), from_16_bit(test), "16-bit values divided by 257, rounded"
    raise UserError(
        f"{found}, must both be whole numbers 0..255 or fractions 0..1; divide them by the value of white (or save "
        "both arrays as uint16, if that is 65535)"
    )


def _check_numbers(train: Array, test: Array, where: str) -> None:
    for name, x in (("x_train", train), ("x_test", test)):
        if x.dtype.kind not in "iufb":
            raise UserError(f"{where}: {name} is {x.dtype}, must be numbers")
        if x.dtype.kind == "f" and not np.isfinite(x).all():
            raise UserError(f"{where}: {name} holds NaN or infinity; replace such values, or leave their images out")


def _fractions(train: Array, test: Array) -> tuple[Array, Array, str]:
    error, results = 0.0, []
    for x in (train, test):
        scaled = x.astype(np.float64) * WHITE
        results.append(np.round(scaled).astype(np.uint8))
        error = max(error, float(np.abs(scaled - results[-1]).max()))
    # float32 holds k/255 to a ten-thousandth of a grey level; that is no loss.
    loss = f"largest rounding error {error:.2g} of a grey level" if error > 1e-3 else "rounding error 0"
    return results[0], results[1], f"fractions 0..1 times 255, {loss}"


def channels_first(train: Array, test: Array, layout: str | None, where: str) -> tuple[Array, Array, str]:
    """uint8 images of any layout to [N, C, H, W] with C 1 or 3, and in words what was decided.

    Args:
        train: [N, H, W], [N, H, W, C] or [N, C, H, W]; C 2 or 4 has alpha.
        test: the same layout.
        layout: a name in LAYOUTS where both fit; None to tell them apart.
        where: the file, for the line.

    Raises:
        UserError: no layout fits, or both do.
    """
    if train.shape[1:] != test.shape[1:]:
        raise UserError(f"{where}: x_test has images of {test.shape[1:]}, must be {train.shape[1:]} as in x_train")
    if train.ndim == 3:
        return train[:, None], test[:, None], "grey [N, H, W]"
    if train.ndim != 4:
        raise UserError(f"{where}: x_train is {train.shape}, must be {SHAPES}")
    fits = [name for name, axis in LAYOUTS.items() if 1 <= train.shape[axis] <= 4]
    if layout is not None:
        if layout not in LAYOUTS:
            raise UserError(f"{where}: layout is {layout!r}, must be NHWC or NCHW")
        fits = [name for name in fits if name == layout]
    if not fits:
        raise UserError(f"{where}: x_train is {train.shape}, must be {layout or SHAPES}")
    if len(fits) == 2:
        raise UserError(
            f"{where}: x_train is {train.shape}, which can be NHWC or NCHW; say which with an entry layout='NHWC' or "
            "layout='NCHW' in the npz"
        )
    axis = LAYOUTS[fits[0]]
    last = [np.moveaxis(x, axis, 3) for x in (train, test)]
    words = f"{'grey' if train.shape[axis] < 3 else 'colour'}, {fits[0]}"
    if train.shape[axis] in (2, 4):
        opaque = all((x[..., -1] == WHITE).all() for x in last)
        words += f" with alpha, {'opaque and dropped' if opaque else 'laid on white'}"
        last = [x[..., :-1] if opaque else on_white(x[..., :-1], x[..., -1]) for x in last]
    return *(np.ascontiguousarray(np.moveaxis(x, 3, 1)) for x in last), words  # type: ignore[return-value]
