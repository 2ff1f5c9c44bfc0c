"""Figures: one file each, named for what it shows, with `draw(shown, subtitle) -> Figure` (or None where there is
nothing for it). To add one: write its file and name it in FIGURES.
"""

from collections.abc import Callable

from matplotlib.figure import Figure

from prunelab.studies.labels.figures import confusions, gallery, ranking
from prunelab.studies.labels.figures.shown import Shown

FIGURES: dict[str, Callable[[Shown, str], Figure | None]] = {
    "gallery": gallery.draw,
    "ranking": ranking.draw,
    "confusions": confusions.draw,
}
