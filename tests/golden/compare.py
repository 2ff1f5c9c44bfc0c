"""Stored and new numbers side by side."""

import base64
from collections.abc import Iterator

# Measured: other instruction sets (MKL_CBWR=COMPATIBLE or AVX2, ATEN_CPU_CAPABILITY=default), two threads, and weights
# moved by 1e-6 of themselves before each run move numbers by up to 1e-5 and change no answer in the tables. A momentum,
# a stream or a label that is another moves them by 1e-2 and more.
TOLERANCE = {"numbers.json": 1e-4, "tables.json": 1e-3}
# Lanczos stops at 1e-3 (landscape/curvature.py).
EIGENVALUES = 1e-2


def differences(old, new, tolerance, name="") -> Iterator[str]:
    """A line for each leaf of two nested structures that differs by more than it may."""
    if isinstance(old, dict) and isinstance(new, dict):
        for key in [*old, *(key for key in new if key not in old)]:
            if key not in old or key not in new:
                yield f"{name}/{key}: {'is new' if key in new else 'is gone'}"
            elif key == "bytes":
                yield from _bits(old[key], new[key], name)
            else:
                yield from differences(old[key], new[key], tolerance, f"{name}/{key}")
    elif isinstance(old, list) and isinstance(new, list) and len(old) == len(new):
        for i, pair in enumerate(zip(old, new, strict=True)):
            yield from differences(*pair, tolerance, f"{name}[{i}]")
    elif _number(old) and _number(new):
        share = EIGENVALUES if "eigenvalue" in name else tolerance
        if not abs(old - new) <= share * max(1.0, abs(old)):
            yield f"{name}: {old:.7g} -> {new:.7g}"
    elif old != new:
        yield f"{name}: {old!r} -> {new!r}"


def _number(value):
    return isinstance(value, int | float) and not isinstance(value, bool)


def _bits(old, new, name):
    a, b = base64.b64decode(old), base64.b64decode(new)
    if len(a) != len(b):
        yield f"{name}: {len(a)} -> {len(b)} bytes"
    elif other := sum((x ^ y).bit_count() for x, y in zip(a, b, strict=True)):
        yield f"{name}: {other} bits of {8 * len(a)} are others"
