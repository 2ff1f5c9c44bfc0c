"""Where this study's artefacts lie."""

from pathlib import Path

NAME = "theory"
RUNS = Path("data/theory/runs")  # a folder a replicate
# In it:
SWEEP = "sweep.csv"  # a row for each p
RACE = "race.csv"  # for each p, a row a step
MARGINS = "margins.npz"  # of every fresh example at every p
# What git keeps of that, with the figures.
PLOTS = Path("plots/theory")
CURVE = PLOTS / "curve.csv"  # by which runs are compared
CURVE_COLUMNS = ("kept", "seed", "test_error", "share", "test", "train_loss", "reached")
FIGURES = "figures"
CLAIMS = "claims.json"
CLAIMS_PAGE = "claims.md"
METRICS = Path("metrics/theory.json")
REPORT = Path("data/theory/report.txt")
