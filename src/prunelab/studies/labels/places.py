"""Where this study's artefacts lie."""

from pathlib import Path

NAME = "labels"
CROSSFIT = Path("data/labels/crossfit")  # a folder a replicate
ANSWERS = "answers.npz"  # inside CROSSFIT/seedN
# Small copies of the most suspected pictures, for the report page.
PICTURES = Path("data/labels/pictures")
SHEET, CELLS = "sheet.png", "cells.json"
# What git keeps of the study.
PLOTS = Path("plots/labels")
SUSPECTS = PLOTS / "suspects.csv"
CURVE = PLOTS / "ranking.csv"  # by which runs are compared
CURVE_COLUMNS = ("seeds", "seed", "looked_at", "score", "precision", "found")
FIGURES = "figures"
METRICS = Path("metrics/labels.json")
REPORT = Path("data/labels/report.txt")
