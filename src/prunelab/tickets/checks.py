"""What a ticket's file must hold: names, types and shapes, before any array is read; then the values.

What is allocated is bounded by the tensors of the model that the description names.
"""

from collections.abc import Mapping
from math import prod
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from prunelab.core import networks
from prunelab.core.files import shown
from prunelab.errors import UserError
from prunelab.tickets import ticket as tickets
from prunelab.tickets import whole
from prunelab.tickets.description import Description
from prunelab.tickets.ticket import Ticket

MASK = "/mask"
COUNTER = "num_batches_tracked"  # of batch norm: what a state holds beside float32
TYPES = {"F32": "float32", "F64": "float64", "I32": "int32", "I64": "int64", "U8": "uint8"}  # safetensors' -> numpy's
ROUNDING = 1e-9  # of a sparsity

Shapes = Mapping[str, tuple[int, ...]]
Header = Mapping[str, tuple[str, tuple[int, ...]]]  # name -> type, shape


def masked(description: Description, shapes: Shapes) -> list[str]:
    """The names of the weights that may have a mask: those that can be pruned; of a compact ticket all weights."""
    if description.compact is not None:
        return [name for name in shapes if name.endswith(".weight")]
    with torch.device("meta"):
        return networks.prunable(description.model.name, whole.body(description))


def header(found: Header, description: Description, shapes: Shapes, where: str) -> None:
    """Hold a file's header against the network's tensors.

    Args:
        found: of each array, as safetensors names types.
        description: of the network.
        shapes: its tensors.
        where: the file, for the line.

    Raises:
        UserError: an array is missing, too many, or of another type or shape.
    """
    weights, compact = masked(description, shapes), description.compact is not None
    for name in found:
        of = name.removesuffix(MASK)
        if of not in shapes:
            raise UserError(f"{where}: has a tensor {shown(name)}, which its network has not")
        if of != name and of not in weights:
            raise UserError(f"{where}: has a tensor {name}, but {of} is no weight that is pruned")
    for name, shape in shapes.items():
        needed = [name, name + MASK] if compact and name in weights else [name]
        for one in needed:
            if one not in found:
                raise UserError(f"{where}: has no tensor {one}, which its network has")
        _one(name, found[name], shape, len(needed) > 1, where)
        bits, count = found.get(name + MASK), prod(shape)
        if bits is not None and bits != ("U8", ((count + 7) // 8,)):
            raise UserError(f"{where}: {name}{MASK}: is {_words(*bits)}, must be a bit for each of {count} weights")


def _one(name: str, found: tuple[str, tuple[int, ...]], shape: tuple[int, ...], survivors: bool, where: str) -> None:
    kind = "I64" if name.endswith(COUNTER) else "I32" if name == tickets.PIXELS else "F32"
    if survivors and found[0] == kind and len(found[1]) == 1 and found[1][0] <= prod(shape):
        return
    if survivors or found != (kind, shape):
        must = f"{TYPES[kind]} (N,), N at most {prod(shape)}" if survivors else _words(kind, shape)
        raise UserError(f"{where}: {name} is {_words(*found)}, must be {must}")


def _words(kind: str, shape: tuple[int, ...]) -> str:
    return f"{TYPES.get(kind, kind)} {shape}"


def finite(arrays: Mapping[str, NDArray[Any]], where: str) -> None:
    """Raises UserError where an array holds NaN or infinity."""
    for name, value in arrays.items():
        if value.dtype.kind == "f" and not np.isfinite(value).all():
            raise UserError(f"{where}: damaged, {shown(name)} holds NaN or infinity")


def values(ticket: Ticket, where: str) -> None:
    """Hold values against each other. Raises UserError where they do not agree."""
    if ticket.is_compact:
        pixels_P = ticket.tensors[tickets.PIXELS]
        if len(pixels_P) and not 0 <= int(pixels_P.min()) <= int(pixels_P.max()) < prod(ticket.sample_shape):
            raise UserError(f"{where}: damaged, {tickets.PIXELS} are not all of a sample's {prod(ticket.sample_shape)}")
    else:  # of a compact one there are the survivors alone
        for name, mask in ticket.masks.items():
            if (ticket.tensors[name][~mask] != 0).any():
                raise UserError(f"{where}: damaged, {name} is not zero where {name}{MASK} says that it is pruned")
    _counts(ticket, where)


def _counts(ticket: Ticket, where: str) -> None:
    """Of a whole ticket all are known; of a compact one, that there are not more than before."""
    said = ticket.description
    if ticket.is_compact:
        with torch.device("meta"):
            body = whole.body(said)
        kept = set(networks.prunable(said.model.name, body))
        weights = [name for name in body.state_dict() if name.endswith(".weight")]
        counted = [mask for name, mask in zip(weights, ticket.masks.values(), strict=True) if name in kept]
    else:
        counted = list(ticket.masks.values())
    # NumPy's counting takes no memory; PyTorch's sum would take eight bytes a weight.
    survivors, prunable = (sum(f(mask.numpy()) for mask in counted) for f in (np.count_nonzero, np.size))
    wrong = survivors > said.survivors if ticket.is_compact else survivors != said.survivors
    if wrong:
        raise UserError(f"{where}: damaged, says that {said.survivors} weights survive, and {survivors} do")
    if not ticket.is_compact and prunable != said.prunable:
        raise UserError(f"{where}: damaged, says that {said.prunable} weights can be pruned, and {prunable} can")
    if abs(said.sparsity - (1 - said.survivors / said.prunable)) > ROUNDING:
        raise UserError(
            f"{where}: damaged, says that {said.survivors} of {said.prunable} weights survive, and {said.sparsity:.6g} "
            "are pruned"
        )
