"""A digest over all that a ticket's file says, so that a changed bit anywhere is noticed."""

import hashlib
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

ENTRY = "seal"  # of the description in the file


def of(description: Mapping[str, Any], arrays: Mapping[str, NDArray[Any]]) -> str:
    """SHA-256, in hexadecimal, of a description (as JSON has it, without its seal) and of arrays as they are stored.

    Of each array its name, dtype, shape and bytes (little-endian), in the order of the names.
    """
    said = {name: value for name, value in description.items() if name != ENTRY}
    digest = hashlib.sha256(json.dumps(said, sort_keys=True).encode())
    for name in sorted(arrays):
        value = np.asarray(arrays[name], order="C")
        value = value.astype(value.dtype.newbyteorder("<"), copy=False)
        digest.update(json.dumps([name, value.dtype.str, value.shape]).encode())
        digest.update(value.data if value.size else b"")
    return digest.hexdigest()
