"""The study's figures, a file each: draw(run, subtitle) -> Figure, or None where the run has not what it shows."""

from collections.abc import Callable

from matplotlib.figure import Figure

from prunelab.studies.stability.figures import (
    along_eigenvectors,
    correlation,
    dynamics,
    events,
    fit,
    flatness,
    rate,
    spectrum,
    temporary,
    tradeoff,
)
from prunelab.studies.stability.shown import Run

FIGURES: dict[str, Callable[[Run, str], Figure | None]] = {
    "events": events.draw,
    "dynamics": dynamics.draw,
    "tradeoff": tradeoff.draw,
    "rate": rate.draw,
    "correlation": correlation.draw,
    "fit": fit.draw,
    "temporary": temporary.draw,
    "flatness": flatness.draw,
    "spectrum": spectrum.draw,
    "along_eigenvectors": along_eigenvectors.draw,
}
