"""Curves to point at and to switch on and off, as a Vega-Lite chart: the same values as the figures."""

from collections.abc import Sequence
from typing import Any

import numpy as np

from prunelab import style
from prunelab.comparison.figure import COLOURS, ROUNDS, abscissa
from prunelab.comparison.grid import Grid

MEASURES = {"test_last": "last test accuracy", "test_best": "best test accuracy", "train": "train accuracy"}


def values(grid: Grid) -> list[dict[str, Any]]:
    """A row for each study, round and measure: mean over replicates and one standard deviation, in percent."""
    rows, place = [], _place_of_nothing(grid)
    for study in grid.studies.values():
        curves = study.curves
        for name, title in MEASURES.items():
            percent = 100 * getattr(curves, name)
            spread = percent.std(axis=1, ddof=1) if percent.shape[1] > 1 else np.zeros(len(percent))
            for r, (mean, std) in enumerate(zip(percent.mean(axis=1), spread, strict=True)):
                remaining = float(1 - curves.sparsity_R[r]) or place
                row: dict[str, Any] = {"study": grid.title(study), "measure": title, "round": f"r{r:02d}", "number": r}
                row |= {"remaining": round(remaining, 9), "sparsity": f"{100 * curves.sparsity_R[r]:.2f}%"}
                shown = {"mean": mean, "std": std, "low": mean - std, "high": mean + std}
                rows.append(row | {key: round(float(value), 4) for key, value in shown.items()})
    return rows


def _place_of_nothing(grid: Grid) -> float:
    return style.place_of_nothing(float(1 - s) for study in grid.studies.values() for s in study.curves.sparsity_R)


def chart(grid: Grid) -> dict[str, Any]:
    """A panel for each measure; a click on a study in the legend shows it alone or with others clicked."""
    studies = [grid.title(study) for study in grid.studies.values()]
    shown = {"condition": {"param": "chosen", "value": 1}, "value": 0.05}
    color = {
        "field": "study",
        "type": "nominal",
        "sort": studies,
        "scale": {"domain": studies}
        | ({"range": COLOURS} if len(studies) <= len(COLOURS) else {"scheme": "tableau20"}),
        "legend": {"title": "click to choose", "orient": "bottom", "columns": 2, "labelLimit": 500},
    }
    x = _rounds() if abscissa(grid) == "round" else _sparsity(_place_of_nothing(grid))
    scale = {"zero": False}
    tooltip = _tooltip(("study", "measure", "round", "sparsity", "mean", "std"))
    band = {
        "params": [
            {"name": "chosen", "select": {"type": "point", "fields": ["study"], "toggle": "true"}, "bind": "legend"}
        ],
        "mark": {"type": "area", "opacity": 0.15},
        "encoding": {
            "y": {"field": "low", "type": "quantitative", "scale": scale, "title": "accuracy (%)"},
            "y2": {"field": "high"},
            "opacity": {"condition": {"param": "chosen", "value": 0.15}, "value": 0},
        },
    }
    line = {
        "mark": {"type": "line", "strokeWidth": 2},
        "encoding": {"y": {"field": "mean", "type": "quantitative", "scale": scale}, "opacity": shown},
    }
    points = {
        "params": [{"name": "hover", "select": {"type": "point", "on": "mouseover", "clear": "mouseout"}}],
        "mark": {"type": "circle"},
        "encoding": {
            "y": {"field": "mean", "type": "quantitative", "scale": scale},
            "opacity": shown,
            "size": {"condition": {"param": "hover", "empty": False, "value": 120}, "value": 30},
            "tooltip": tooltip,
        },
    }
    return {
        "$schema": "https://vega.github.io/schema/vega-lite/v5.json",
        "data": {"values": values(grid)},
        "facet": {
            "field": "measure",
            "type": "nominal",
            "title": None,
            "sort": list(MEASURES.values()),
            "header": {"labelFontSize": 13, "labelFontWeight": "bold"},
        },
        "columns": 3,
        "spec": {
            "width": 290,
            "height": 240,
            "encoding": {"x": x, "color": color},
            "layer": [band, line, points],
        },
        "resolve": {"axis": {"x": "independent", "y": "independent"}},
        "config": {"font": "system-ui, sans-serif", "view": {"stroke": "#ddd"}, "axis": {"gridColor": "#eee"}}
        | {"legend": {"symbolType": "stroke", "symbolOpacity": 1, "symbolStrokeWidth": 3, "labelFontSize": 12}},
    }


def _sparsity(place_of_nothing: float) -> dict[str, Any]:
    place = round(place_of_nothing, 9)
    return {
        "field": "remaining",
        "type": "quantitative",
        "scale": {"type": "log", "reverse": True, "nice": False},
        "axis": {
            "title": "sparsity (% of prunable weights removed)",
            "labelExpr": f"datum.value == {place} ? '100' : format(100 * (1 - datum.value), '.5~g')",
            "values": [1, 0.1, 0.01, 0.001, 0.0001, 0.00001, place],
        },
    }


def _rounds() -> dict[str, Any]:
    return {"field": "number", "type": "quantitative", "axis": {"title": ROUNDS}}


def _tooltip(names: Sequence[str]) -> list[dict[str, Any]]:
    titles = {"mean": "mean (%)", "std": "standard deviation"}
    return [
        {"field": name, "title": titles.get(name, name)}
        | ({"format": ".2f", "type": "quantitative"} if name in titles else {"type": "nominal"})
        for name in names
    ]
