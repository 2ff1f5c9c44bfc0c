"""What the report page has to say of runs of the study labels: pictures, a filter by class, a table to search."""

import base64
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from prunelab.comparison import suspects
from prunelab.comparison.runs import Run
from prunelab.studies.labels import places

MOST = 1000  # suspects on the page


@dataclass(frozen=True)
class Section:
    """One run's."""

    run: Run
    metrics: dict[str, Any]
    page: dict[str, Any]  # what the script of the page is given: rows, and where their pictures are
    figures: list[tuple[str, str]]


def section(run: Run) -> Section:
    """Of a run whose pictures may be missing from DVC's cache: then the table stands alone. Raises UserError."""
    rows = suspects.read(run)[:MOST]
    sheet, cells = run.bytes(str(places.PICTURES / places.SHEET)), run.bytes(str(places.PICTURES / places.CELLS))
    found = json.loads(cells) if sheet and cells else {"index": []}
    place = {index: position for position, index in enumerate(found["index"])}
    names = ("rank", "index", "name", "given", "suggested", "score", "chain_rank", "wrong")
    page = {
        "rows": [{name: row[name] for name in names} | {"cell": place.get(row["index"])} for row in rows],
        "sheet": inline(sheet) if sheet and place else None,
        "across": found.get("across"),
        "width": found.get("width"),
        "height": found.get("height"),
        "count": len(place),
    }
    metrics = json.loads(run.text(str(places.METRICS)) or "{}")
    pictures = [
        (name, run.bytes(str(places.PLOTS / places.FIGURES / f"{name}.png"))) for name in ("ranking", "confusions")
    ]
    return Section(run, metrics, page, [(name, inline(png)) for name, png in pictures if png])


def sections(runs: Sequence[Run]) -> list[Section]:
    """Of all of them."""
    return [section(run) for run in runs]


def inline(png: bytes) -> str:
    """As an address that a page can show without a file."""
    return f"data:image/png;base64,{base64.b64encode(png).decode()}"
