"""Small copies of the most suspected pictures, for the report page."""

from pathlib import Path
from typing import Any

import numpy as np

from prunelab import gallery
from prunelab.core import artifacts
from prunelab.core.images import Images
from prunelab.studies.labels import places

MOST, LARGEST, ACROSS = 1000, 48, 40


def keep(folder: Path, suspects: list[dict[str, Any]], pictures: Images) -> None:
    """Write the sheet and which example is where on it into the (unfinished) folder.

    Args:
        folder: where to.
        suspects: rows of suspects.csv; the first group's are taken, which the page lists.
        pictures: the data set; of features there is no sheet.
    """
    first = [row for row in suspects if row["seeds"] == suspects[0]["seeds"]]
    index = [row["index"] for row in sorted(first, key=lambda row: row["rank"])][:MOST]
    if pictures.x_train.dtype != np.uint8:
        index = []
    cells: dict[str, Any] = {"index": index, "across": ACROSS, "width": 0, "height": 0}
    if index:
        whole = gallery.sheet(pictures.x_train[index], pictures.max_value, LARGEST, ACROSS)
        whole.save(folder / places.SHEET, optimize=True)
        down = -(-len(index) // ACROSS)
        cells |= {"width": whole.width // min(ACROSS, len(index)), "height": whole.height // down}
    artifacts.write_json(folder / places.CELLS, cells)
