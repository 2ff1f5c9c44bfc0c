"""Signal against noise, step by step: which of the two grows first decides what is learnt."""

import matplotlib.pyplot as plt
from matplotlib.figure import Figure

from prunelab import style
from prunelab.studies.theory.figures.found import Found


def draw(found: Found, subtitle: str) -> Figure:
    """A column each for dense, best and over-pruned: correlations above, loss below (one replicate)."""
    three = found.three
    figure, grid = plt.subplots(
        2, len(three), figsize=(2.8 * len(three) + 0.6, 4.6), sharey="row", sharex="col", squeeze=False
    )
    for (upper, lower), (name, at) in zip(grid.T, three, strict=True):
        rows = [row for row in found.race if row["kept"] == found.curve.kept[at]]
        steps = [row["step"] for row in rows]
        upper.plot(steps, [row["signal"] for row in rows], color=style.GREEN, label="signal, $\\Gamma$")
        upper.plot(steps, [row["noise"] for row in rows], color=style.RED, linestyle="--", label="noise, $\\Upsilon$")
        lower.plot(steps, [row["loss"] for row in rows], color=style.ORANGE)
        lower.axhline(found.theory.loss, color=style.BLACK, linestyle="--", linewidth=1)
        lower.set_yscale("log")
        upper.set_title(f"{name}, $p = {found.curve.kept[at]:g}$")
        lower.set_xlabel("step")
    grid[0, 0].set_ylabel("largest correlation")
    grid[1, 0].set_ylabel("training loss")
    grid[0, 0].legend(loc="best")
    style.title(figure, "The race", subtitle)
    note = f"One replicate (seed {found.curve.seeds[0]}); dashed: the loss at which training ends."
    figure.supxlabel(note, fontsize=7.5, color="#555555", x=0.01, ha="left")
    return figure
