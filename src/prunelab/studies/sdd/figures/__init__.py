"""Figures: one file each, named for what it shows, with `draw(tables, subtitle) -> Figure` (or
None where the study has nothing for it).

They read tables of plots/sdd/*.csv and nothing else. To add one: write its file and name it in FIGURES, all of which
stages/sdd/draw.py saves.
"""

from collections.abc import Callable, Mapping
from typing import Any

from matplotlib.figure import Figure

from prunelab.studies.sdd.figures import (
    distance,
    distance_by_layer,
    double_descent,
    dynamics,
    interpolation,
    memorization,
    planes,
    redense,
    redense_dynamics,
    reinit,
    sharpness,
    spectrum,
)

Tables = Mapping[str, list[dict[str, Any]]]

FIGURES: dict[str, Callable[[Tables, str], Figure | None]] = {
    "double_descent": double_descent.draw,
    "memorization": memorization.draw,
    "dynamics": dynamics.draw,
    "distance": distance.draw,
    "distance_by_layer": distance_by_layer.draw,
    "redense": redense.draw,
    "redense_dynamics": redense_dynamics.draw,
    "interpolation": interpolation.draw,
    "sharpness": sharpness.draw,
    "spectrum": spectrum.draw,
    "planes": planes.draw,
    "reinit": reinit.draw,
}
