"""`prunelab export`: a round of a finished run as one file to use anywhere."""

import argparse
import contextlib
from pathlib import Path
from typing import Any

from numpy.typing import NDArray

from prunelab.comparison import runs, tickets
from prunelab.comparison.suspects import check_place
from prunelab.errors import UserError
from prunelab.tickets import file, onnx_file, speed
from prunelab.tickets.ticket import Ticket

ABOUT = "Write one round's network as a file that rebuilds it anywhere, or as ONNX. Trains nothing."
SUFFIXES = {"to": ".safetensors", "onnx": ".onnx"}


def arguments(parser: argparse.ArgumentParser) -> None:
    """What the command takes."""
    parser.add_argument("name", metavar="RUN", help=f"experiment, branch, tag or commit, or {runs.WORKSPACE}")
    parser.add_argument("round", metavar="ROUND", help="such as r28; or dense, valley, sweet_spot, end, ...")
    parser.add_argument("--seed", type=int, help="of the replicate; default: the first")
    parser.add_argument("--to", type=Path, metavar="FILE", help="a ticket, .safetensors")
    parser.add_argument("--onnx", type=Path, metavar="FILE", help="an ONNX model, .onnx")
    parser.add_argument("--compact", action="store_true", help="leave out idle units and pixels (perceptrons only)")


def run(options: argparse.Namespace) -> None:
    """Write, and say what it costs beside the dense network."""
    if not (options.to or options.onnx):
        raise UserError("export: must be told where to, with --to FILE.safetensors or --onnx FILE.onnx or both")
    if options.onnx:
        onnx_file.check_installed()
    (found,), _ = runs.read([options.name])
    for name, suffix in SUFFIXES.items():
        target = getattr(options, name)
        if target and target.suffix.lower() != suffix:
            raise UserError(f"--{name} {target}: must end in {suffix}")
        if target:
            check_place(found, target, f"--{name}")
            tickets.check_target(target, f"--{name}")
            setattr(options, name, target.resolve())
    seed, key = tickets.seed_of(found, options.seed), tickets.round_of(found, options.round)
    with tickets.opened(found, seed, [tickets.rounds_of(found)[0], key]) as stored:
        _export(options, stored, key)


def _export(options: argparse.Namespace, stored: tickets.Stored, key: str) -> None:
    ticket, dense = stored.ticket(key), stored.ticket(tickets.rounds_of(stored.run)[0])
    train, of_train, test, of_test = tickets.check(stored, key, ticket)
    if options.compact:
        ticket = ticket.compact()
    print(described(ticket))
    what = "images" if ticket.features is None else "examples"
    print(f"as the study stored it: {train} of {of_train} training and {test} of {of_test} test {what}")
    apart = _written(options, ticket, stored.raw(stored.data.x_test[: tickets.CHECKED]))
    if options.to:
        print(f"{options.to.name}: {_beside(len(file.content(dense)), options.to.stat().st_size, 'bytes')}")
    if options.onnx:
        print(f"{options.onnx.name}: {options.onnx.stat().st_size:,} bytes; ONNX Runtime agrees to {apart:.1g}")
    pixels = speed.thousand(stored.raw(stored.data.x_test[: speed.SAMPLES]))
    before, after = speed.milliseconds([dense.network(), ticket.network()], pixels)
    print(f"1,000 {what}: {_beside(before, after, 'ms', 2)}")
    print(f"on {speed.where()}")
    if not ticket.is_compact:
        print("note: pruned weights are zeros here and take their time; --compact leaves them out (perceptrons only)")


def _written(options: argparse.Namespace, ticket: Ticket, samples: NDArray[Any]) -> float:
    """Write what is asked for, both or nothing; how far the ONNX model's outputs are off, if there is one."""
    with contextlib.ExitStack() as places:
        if options.to:
            places.enter_context(file.replacing(options.to)).write_bytes(file.content(ticket))
        return onnx_file.write(options.onnx, ticket, samples) if options.onnx else 0.0


def described(ticket: Ticket) -> str:
    """What a ticket is, in a line."""
    one = ticket.description
    shape, inputs = "x".join(map(str, ticket.sample_shape)), "pixels"
    if one.features is not None:
        shape, inputs = f"{len(one.features.mean)} features", "features"
    left = "" if one.compact is None else f", {one.compact.pixels} {inputs} and {one.compact.hidden} units left"
    return (
        f"{one.source.round} of seed {one.source.seed}: {one.model.name} on {one.source.dataset} ({shape}, "
        f"{len(one.classes)} classes), {one.survivors} of {one.prunable} weights ({one.sparsity:.2%} pruned{left}), "
        f"test accuracy {one.metrics['last']['test_accuracy']:.1%}"
    )


def _beside(dense: float, other: float, unit: str, digits: int = 0) -> str:
    times = f"{speed.times(dense, other):.3g}"
    said = "" if times == "1" else f" ({times} times as much)"
    return f"{other:,.{digits}f} {unit}; dense {dense:,.{digits}f} {unit}{said}"
