"""Picture files (PNG, JPEG, ...) as uint8 arrays: what a viewer would show, or one line where that is a guess.

On stated grounds: 16-bit grey is divided by 257; a picture is turned as its EXIF says; a palette is what it stands
for, and grey if all of its colours in use are; what is transparent shows a white page. Nothing is resized.
"""

import contextlib
import warnings
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps
from tqdm import tqdm

from prunelab.core.files import shown
from prunelab.core.images import empty, reading
from prunelab.core.pixels import check_full_16, from_16_bit, on_white
from prunelab.errors import UserError

EXTENSIONS = (".bmp", ".gif", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".ppm", ".tif", ".tiff", ".webp")
FORMATS = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")  # Pillow would ask a PostScript interpreter for others
DEEP = ("I", "I;16", "I;16B", "I;16L", "I;16N")
GREY = ("1", "L", "LA", "La", *DEEP)
COLOUR = ("RGB", "RGBA", "RGBa", "RGBX", "YCbCr")
PALETTE = ("P", "PA")
# Modes whose pixels another mode holds without a guess.
PLAIN = {"1": "L", "La": "LA", "RGBa": "RGBA", "RGBX": "RGB", "YCbCr": "RGB", "P": "RGBA", "PA": "RGBA"}
TRANSPARENT = {"1": "LA", "L": "LA", "RGB": "RGBA"}  # with one colour that is named as transparent
ORIENTATION, ON_ITS_SIDE, WHITE_IS_ZERO = 0x0112, range(5, 9), 0x0106

Pixels = NDArray[np.uint8]


def is_picture(path: Path) -> bool:
    """Whether a file's name says that it is a picture of a kind that is read here."""
    return path.suffix.lower() in EXTENSIONS


class Reader:
    """Reads the pictures of one data set: all of one size, in colour if one of them is. Counts what it decides."""

    def __init__(self) -> None:
        self._decided: Counter[str] = Counter()
        self._deepest, self._deep = 0, Path()

    def read(
        self, parts: Mapping[str, Sequence[Path]], colour: bool = False
    ) -> tuple[dict[str, Pixels], tuple[str, ...]]:
        """Decode pictures into an array [N, C, H, W] for each part; C is 3 if `colour` or if one of all is, else 1.

        Returns them and what was decided, a line each. A progress bar says which part.

        Raises:
            UserError: a file is damaged, of another size than the first, or holds no single picture whose pixels
                0..255 are known; the line names it.
        """
        size, in_colour = self._look([path for paths in parts.values() for path in paths])
        colour |= in_colour
        arrays = {}
        for part, paths in parts.items():
            arrays[part] = empty((len(paths), 3 if colour else 1, *size))
            bar = tqdm(paths, desc=part, unit="picture", mininterval=1)
            for row, path in zip(arrays[part], bar, strict=True):
                with _opened(path) as picture:
                    pixels = self._pixels(picture, path, count=True)
                row[...] = pixels.transpose(2, 0, 1) if pixels.ndim == 3 else pixels[None]
        if self._deepest:
            check_full_16(self._deepest, shown(self._deep))
        total = sum(map(len, parts.values()))
        return arrays, tuple(f"{what}: {count} of {total}" for what, count in self._decided.items() if count)

    def _look(self, paths: Sequence[Path]) -> tuple[tuple[int, int], bool]:
        """(height, width) of all pictures, and whether one is in colour."""
        size, colour = None, False
        for path in paths:
            with _opened(path) as picture:
                found, in_colour = self._header(picture, path)
            size = size or found
            if found != size:
                raise UserError(
                    f"{shown(path)}: is {found[1]}x{found[0]}, must be {size[1]}x{size[0]} like {shown(paths[0])}"
                )
            colour |= in_colour
        assert size
        return size, colour

    def _header(self, picture: Image.Image, path: Path) -> tuple[tuple[int, int], bool]:
        """What `_look` asks of one picture; decoded only where its header does not tell."""
        width, height = picture.size
        if picture.mode in (*GREY, *COLOUR) and (picture.format == "JPEG" or width == height):
            _check(picture, path)
            aside = width != height and picture.getexif().get(ORIENTATION, 1) in ON_ITS_SIDE
            return (width, height) if aside else (height, width), picture.mode in COLOUR
        pixels = self._pixels(picture, path, count=False)
        return (pixels.shape[0], pixels.shape[1]), pixels.ndim == 3

    def _pixels(self, picture: Image.Image, path: Path, count: bool) -> Pixels:
        """What a picture shows: [H, W], or [H, W, 3] in colour."""
        _check(picture, path)
        decided = self._decided if count else Counter[str]()
        if _bits_16(picture) and picture.mode not in DEEP:
            decided["16 bits a colour, of which the upper 8 count"] += 1
        turned = picture.getexif().get(ORIENTATION, 1) not in (0, 1)
        picture = ImageOps.exif_transpose(picture)
        decided["turned as their EXIF says"] += turned
        if picture.mode in DEEP:
            return self._scaled(np.asarray(picture), path, decided)
        mode = TRANSPARENT.get(picture.mode) if "transparency" in picture.info else None
        palette = picture.mode in PALETTE
        pixels: NDArray[Any] = np.asarray(picture.convert(mode or PLAIN.get(picture.mode, picture.mode)))
        if pixels.ndim == 3 and pixels.shape[2] in (2, 4):
            colour, alpha = pixels[..., :-1], pixels[..., -1]
            opaque = bool((alpha == 255).all())
            pixels = colour if opaque else on_white(colour, alpha)
            decided["alpha, opaque and dropped"] += opaque and not palette
            decided["transparent, laid on white"] += not opaque
        decided["palette, resolved"] += palette
        if pixels.ndim == 3 and (pixels.shape[2] == 1 or (palette and (pixels == pixels[..., :1]).all())):
            return pixels[..., 0]
        return pixels

    def _scaled(self, values: NDArray[Any], path: Path, decided: Counter[str]) -> Pixels:
        if values.min() < 0 or values.max() > 65535:
            raise UserError(f"{shown(path)}: spans {values.min()}..{values.max()}, more than 16 bits; {SAVE}")
        if values.max() > self._deepest:
            self._deepest, self._deep = int(values.max()), path
        decided["16 bits of grey, divided by 257 and rounded"] += 1
        return from_16_bit(values)


SAVE = "save it as 8-bit grey or RGB"


@contextlib.contextmanager
def _opened(path: Path) -> Iterator[Image.Image]:
    with reading(shown(path)), warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of odd metadata; what cannot be read raises
        with Image.open(path, formats=FORMATS) as picture:
            yield picture


def _bits_16(picture: Image.Image) -> bool:
    """Whether the file has 16 bits a colour, of which Pillow keeps 8."""
    return any(";16" in str(tile[3]) for tile in getattr(picture, "tile", ()))


def _check(picture: Image.Image, path: Path) -> None:
    """Raises UserError where a file holds no single picture whose pixels are known."""
    frames = getattr(picture, "n_frames", 1)
    if frames > 1:
        raise UserError(f"{shown(path)}: has {frames} frames, must be one picture; save the one you mean")
    if picture.mode not in (*GREY, *COLOUR, *PALETTE):
        raise UserError(
            f"{shown(path)}: has pixels of kind {picture.mode}, whose colours 0..255 would be a guess; {SAVE}"
        )
    inverted = getattr(picture, "tag_v2", {}).get(WHITE_IS_ZERO) == 0
    if picture.mode in DEEP and ("transparency" in picture.info or inverted):
        raise UserError(f"{shown(path)}: has 16 bits and {'0 for white' if inverted else 'transparency'}; {SAVE}")
