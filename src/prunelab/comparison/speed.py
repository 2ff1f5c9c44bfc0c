"""What pruning buys once a network is used: time, operations and bytes at every round, as a table and a figure."""

from collections.abc import Sequence
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from matplotlib.lines import Line2D
from matplotlib.ticker import FuncFormatter, LogLocator, NullFormatter

from prunelab import style
from prunelab.comparison.tickets import Stored
from prunelab.errors import UserError
from prunelab.tickets import file, speed
from prunelab.tickets.speed import Cost
from prunelab.tickets.ticket import Ticket

Row = dict[str, Any]
MEASURES = {
    "milliseconds": ("time", "ms per 1,000 samples"),
    "flops": ("operations", "FLOPs per sample"),
    "bytes": ("size", "bytes of the file"),
}
COLUMNS = (
    *("round", "seed", "sparsity", "remaining", "test_last", "compact"),
    *(f"{name}{beside}" for name in MEASURES for beside in ("", "_dense", "_ratio")),
)


def measure(stored: Stored, keys: Sequence[str]) -> list[Row]:
    """A row for each round, beside the dense network, which is the first round's, whole.

    Tickets are compact where the model can be; else whole, and `compact` is 0.
    """
    tickets = [stored.ticket(key) for key in keys]
    smaller = [_smaller(ticket) for ticket in tickets]
    networks = [tickets[0].network(), *(ticket.network() for ticket in smaller)]
    pixels = speed.thousand(stored.raw(stored.data.x_test[: speed.SAMPLES]))
    sizes = [len(file.content(ticket)) for ticket in (tickets[0], *smaller)]
    counts = [speed.flops(network, tickets[0].sample_shape) for network in networks]
    taken = speed.milliseconds(networks, pixels)
    dense, *costs = (Cost(*one) for one in zip(taken, counts, sizes, strict=True))
    return [_row(ticket, cost, dense) for ticket, cost in zip(smaller, costs, strict=True)]


def _smaller(ticket: Ticket) -> Ticket:
    try:
        return ticket.compact()
    except UserError:  # no perceptron
        return ticket


def _row(ticket: Ticket, cost: Cost, dense: Cost) -> Row:
    one = ticket.description
    row: Row = {
        "round": one.source.round,
        "seed": one.source.seed,
        "sparsity": one.sparsity,
        "remaining": 1 - one.sparsity,
        "test_last": one.metrics["last"]["test_accuracy"],
        "compact": int(ticket.is_compact),
    }
    for name in MEASURES:
        here, there = getattr(cost, name), getattr(dense, name)
        row |= {name: here, f"{name}_dense": there, f"{name}_ratio": speed.times(there, here) if here else None}
    return row


def text(rows: Sequence[Row]) -> str:
    """The table as lines that line up; the dense network first, then each round with how many times less it is."""
    lines = [
        f"{'':5s}  {'sparsity':>9s}  {'test':>6s}  {'ms per 1,000':>17s}  {'FLOPs a sample':>19s}  {'bytes':>19s}",
        f"{'dense':5s}  {0:>9.2%}  {rows[0]['test_last']:>6.1%}  {rows[0]['milliseconds_dense']:>9.3f}{'':8s}  "
        f"{rows[0]['flops_dense']:>11,}{'':8s}  {rows[0]['bytes_dense']:>11,}{'':8s}",
    ]
    for row in rows:
        said = [f"{row['milliseconds']:>9.3f} {_ratio(row['milliseconds_ratio'])}"]
        said += [f"{row[name]:>11,} {_ratio(row[f'{name}_ratio'])}" for name in ("flops", "bytes")]
        lines.append(f"{row['round']:5s}  {row['sparsity']:>9.2%}  {row['test_last']:>6.1%}  {'  '.join(said)}")
    return "\n".join(line.rstrip() for line in lines)


def _ratio(value: float | None) -> str:
    return f"{'':7s}" if value is None else f"({value:.3g}x)".rjust(7)


def draw(rows: Sequence[Row], subtitle: str, where: str) -> Figure:
    """One panel a measure, on a log axis; the dense network's as a line; test accuracy on the axis at the right."""
    some = style.with_a_place_for_nothing({"rows": rows})["rows"]
    figure = Figure(figsize=(9.6, 3.5))
    FigureCanvasAgg(figure)  # style.py measures text
    panels = figure.subplots(1, len(MEASURES))
    compact = bool(rows[0]["compact"])
    for number, (axes, (name, (what, unit))) in enumerate(zip(panels, MEASURES.items(), strict=True)):
        right = axes.twinx()
        right.plot(*_points(some, "test_last"), color=style.BLUE, linestyle="--", linewidth=1.2)
        right.set_ylim(0, 1)
        right.grid(visible=False)
        right.spines["right"].set_visible(True)
        last = number == len(MEASURES) - 1
        style.accuracy_axis(right, "last test accuracy (%)" if last else "")
        right.tick_params(axis="y", colors=style.BLUE, labelright=last)
        right.yaxis.label.set_color(style.BLUE)
        axes.set_zorder(right.get_zorder() + 1)
        axes.patch.set_visible(False)
        axes.plot(*_points(some, name), color=style.RED, marker="o", markersize=3)
        axes.axhline(rows[0][f"{name}_dense"], color=style.BLACK, linestyle=":", linewidth=1.2)
        axes.set_yscale("log")
        axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
        axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:,.0f}" if value >= 1 else f"{value:g}"))
        axes.yaxis.set_minor_formatter(NullFormatter())
        axes.set_title(f"{what} ({unit})")
        style.sparsity_axis(axes, some, narrow=True)
    lines: dict[str, Any] = {
        "compact ticket" if compact else "whole network, pruned weights zero": (style.RED, "-", "o"),
        "dense network": (style.BLACK, ":", None),
        "test accuracy (right axis)": (style.BLUE, "--", None),
    }
    handles = [
        Line2D([], [], color=color, linestyle=line, marker=marker, markersize=3, label=label)
        for label, (color, line, marker) in lines.items()
    ]
    panels[0].legend(handles=handles, loc="lower left", fontsize=7.5)  # where no curve comes: all of them fall
    style.title(figure, "What pruning buys in use", subtitle)
    nothing = sum(not row["flops"] for row in rows)
    empty = (
        f" Not on a log axis: {nothing} that take no operation, since no path of weights is left." if nothing else ""
    )
    style.note(figure, f"One replicate. Time: median of repeats in turn, {where}. {said(compact)}{empty}")
    return figure


def said(compact: bool) -> str:
    """In words what was measured beside the dense network."""
    if compact:
        return "Compact: without units and inputs that pruning left idle; a layer with few weights keeps these alone."
    return "This model cannot be made compact: pruned weights are zeros, and cost what others do."


def _points(rows: Sequence[Row], name: str) -> tuple[list[float], list[float]]:
    places = sorted(rows, key=lambda row: float(row["remaining"]), reverse=True)
    places = [row for row in places if row[name]]  # a log axis has no zero
    return [float(row["remaining"]) for row in places], [float(row[name]) for row in places]
