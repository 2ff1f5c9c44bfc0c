"""Where this study's artefacts lie."""

from pathlib import Path

NAME = "lens"
LEAVE_OUT = Path("data/lens/trained/leave_out")  # a folder for each part, in the form of core/artifacts.py (`of_round`)
PART = "part.npz"  # inside a part's replicate: which examples it was trained on, packed bits
# What git keeps of the study.
PLOTS = Path("plots/lens")
CURVE = PLOTS / "curve.csv"  # by which runs are compared
CURVE_COLUMNS = ("round", "seed", "sparsity", "remaining", "train", "test_last", "validation", "train_loss")
TEST_EXAMPLES = "test_examples.npz"
CLAIMS = "claims.json"
CLAIMS_PAGE = "claims.md"
FIGURES = "figures"
METRICS = Path("metrics/lens.json")
REPORT = Path("data/lens/report.txt")
