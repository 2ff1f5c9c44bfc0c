"""Handwritten digits as pictures, a fifth of the training labels wrong: `uv run python docs/wrong_digits.py my_digits`.

Writes my_digits/{train,test}/CLASS/NUMBER.png, as somebody's own pictures lie, and my_digits.csv with which of them are
in the wrong folder. With `--told`, all of it is in my_digits/labels.csv (file, label, clean_label) instead.
"""

import argparse
import csv
from pathlib import Path

import numpy as np
from PIL import Image

from prunelab.datasets import digits

WORDS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")


def main() -> None:
    """Write the folder."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--wrong", type=float, default=0.2, help="share of training labels; default: %(default)s")
    parser.add_argument("--told", action="store_true", help="say in labels.csv which are wrong")
    options = parser.parse_args()
    data, rng, rows = digits.load(Path()), np.random.default_rng(1), []
    for part, x, y in (("train", data.x_train, data.y_train), ("test", data.x_test, data.y_test)):
        given = y.copy()
        if part == "train":
            chosen = rng.permutation(len(y))[: round(options.wrong * len(y))]
            given[chosen] = (y[chosen] + rng.integers(1, 10, len(chosen))) % 10
        for number, (pixels, label, true) in enumerate(zip(x, given, y, strict=True)):
            path = Path(part) / WORDS[label] / f"{number:04d}.png"
            (options.folder / path).parent.mkdir(parents=True, exist_ok=True)
            Image.fromarray(np.round(pixels[0] * (255 / 16)).astype(np.uint8)).save(options.folder / path)
            rows.append({"file": path.as_posix(), "label": WORDS[label], "clean_label": WORDS[true]})
    table = options.folder / "labels.csv" if options.told else options.folder.with_suffix(".csv")
    with table.open("w", newline="", encoding="utf-8") as file:
        written = csv.DictWriter(file, list(rows[0]))
        written.writeheader()
        written.writerows(rows)
    wrong = sum(row["label"] != row["clean_label"] for row in rows)
    print(f"{options.folder}: {len(rows)} pictures, {wrong} in a wrong folder; which, stands in {table}")


if __name__ == "__main__":
    main()
