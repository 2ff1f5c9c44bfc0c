"""The study's figures, a file each: draw(found, subtitle) -> Figure."""

from collections.abc import Callable

from matplotlib.figure import Figure

from prunelab.studies.theory.figures import bells, curve, mechanism, race
from prunelab.studies.theory.figures.found import Found

FIGURES: dict[str, Callable[[Found, str], Figure]] = {
    "curve": curve.draw,
    "bells": bells.draw,
    "mechanism": mechanism.draw,
    "race": race.draw,
}
