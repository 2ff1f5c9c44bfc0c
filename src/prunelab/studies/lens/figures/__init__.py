"""Figures: one file each, named for what it shows, with `draw(shown, subtitle) -> Figure` (or None where there is
nothing for it). To add one: write its file and name it in FIGURES.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from prunelab.studies.lens.figures import el2n, gallery, leave_out, losses, subgroups, subgroups_by_sparsity
from prunelab.studies.lens.figures.shown import Shown

FIGURES: dict[str, Callable[[Shown, str], Figure | None]] = {
    "losses": losses.draw,
    "subgroups": subgroups.draw,
    "subgroups_by_sparsity": subgroups_by_sparsity.draw,
    "leave_out": leave_out.draw,
    "el2n": el2n.draw,
    "gallery": gallery.draw,
}
