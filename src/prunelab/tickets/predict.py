"""What a ticket makes of samples: a row each, with probabilities of all classes."""

from typing import Any

import torch

from prunelab.tickets import batches
from prunelab.tickets.samples import Samples
from prunelab.tickets.ticket import Ticket

Row = dict[str, Any]


def rows(ticket: Ticket, samples: Samples) -> list[Row]:
    """For each sample: its name, what is predicted and how probable that is; label and whether it is right, if known.

    Then the probability of each class, in a column `p_CLASS`.
    """
    found: list[Row] = []
    outputs_NK = batches.outputs(ticket.network(), torch.from_numpy(samples.pixels))
    # Of the outputs: two of them may be one probability once rounded.
    best_N, p_NK = outputs_NK.argmax(dim=1).tolist(), outputs_NK.softmax(dim=1).tolist()
    for i, (best, p_K) in enumerate(zip(best_N, p_NK, strict=True)):
        row: Row = {samples.called: samples.names[i], "predicted": ticket.classes[best], "probability": p_K[best]}
        if samples.labels is not None:
            row |= {"label": samples.labels[i], "right": int(samples.labels[i] == row["predicted"])}
        found.append(row | {f"p_{name}": p for name, p in zip(ticket.classes, p_K, strict=True)})
    return found


def columns(ticket: Ticket, samples: Samples) -> list[str]:
    """The names of a row's cells, in order."""
    known = ["label", "right"] if samples.labels is not None else []
    return [samples.called, "predicted", "probability", *known, *(f"p_{name}" for name in ticket.classes)]
