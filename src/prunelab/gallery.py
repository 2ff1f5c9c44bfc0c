"""Examples as pictures: in a panel of a figure, and as small copies on one sheet."""

from typing import Any

import numpy as np
from matplotlib.axes import Axes
from numpy.typing import NDArray
from PIL import Image

Pixels = NDArray[np.uint8]


def upright(x_CHW: Pixels, max_value: int) -> Pixels:
    """A picture as bytes 0..255: [H, W] if it is grey, else [H, W, 3]."""
    scaled = x_CHW if max_value == 255 else np.round(x_CHW * (255 / max_value)).astype(np.uint8)
    return np.asarray(scaled[0] if len(scaled) == 1 else scaled.transpose(1, 2, 0))


def show(axes: Axes, x_CHW: Pixels, max_value: int) -> None:
    """Draw a picture; grey ones dark on white."""
    pixels = upright(x_CHW, max_value)
    grey: dict[str, Any] = {"cmap": "gray_r", "vmin": 0, "vmax": 255} if pixels.ndim == 2 else {}
    axes.imshow(pixels, interpolation="nearest", **grey)


def sheet(x_NCHW: Pixels, max_value: int, largest: int, across: int) -> Image.Image:
    """Pictures side by side on one sheet, row by row, each cell of the same size.

    Args:
        x_NCHW: at least one.
        max_value: of a pixel.
        largest: pixels that the longer side of a cell may have; larger pictures are made smaller.
        across: cells of a row.
    """
    height, width = x_NCHW.shape[2:]
    scale = min(1.0, largest / max(height, width))
    size = max(1, round(width * scale)), max(1, round(height * scale))
    rows = -(-len(x_NCHW) // across)
    whole = Image.new("L" if x_NCHW.shape[1] == 1 else "RGB", (size[0] * min(across, len(x_NCHW)), size[1] * rows))
    for i, x_CHW in enumerate(x_NCHW):
        one = Image.fromarray(upright(x_CHW, max_value))
        small = one if one.size == size else one.resize(size, Image.Resampling.LANCZOS)
        whole.paste(small, (size[0] * (i % across), size[1] * (i // across)))
    return whole
