"""Where this study's artefacts lie; what other studies share has its place in core/artifacts.py."""

from pathlib import Path

NAME = "sdd"
# Rounds beside the pruning rounds, in the form of core/artifacts.py (`of_round`); re-dense ones there always are.
REDENSE = Path("data/sdd/rounds/redense")
REINIT = Path("data/sdd/rounds/reinit")
LANDSCAPE = Path("data/sdd/rounds/landscape")
# What the analysis makes of all of them: tables, test examples, summary, verdicts.
ANALYSIS = Path("data/sdd/analysis")
TEST_EXAMPLES = "test_examples.npz"
SUMMARY = "summary.json"
CLAIMS = "claims.json"
# What git keeps of that, with the figures: in PLOTS the tables and verdicts under the same names.
PLOTS = Path("plots/sdd")
CURVE = PLOTS / "double_descent.csv"  # by which runs are compared
CURVE_COLUMNS = ("round", "seed", "sparsity", "remaining", "train", "test_last", "test_best", "validation")
FIGURES = "figures"
CLAIMS_PAGE = "claims.md"
METRICS = Path("metrics/sdd.json")
REPORT = Path("data/sdd/report.txt")
