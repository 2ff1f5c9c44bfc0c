"""Where the study's files lie, beside core/artifacts.py's."""

from pathlib import Path

ARMS = Path("data/stability/arms")
MEASURED = Path("data/stability/measured")  # of arms' ends:
FLATNESS = MEASURED / "flatness"
RELIANCE = MEASURED / "reliance"
# In the folder of one replicate of one arm, beside artifacts' WEIGHTS, HISTORY, EXAMPLES, RECORD:
UNITS = "units.npz"  # by layer, which filters (or weights) the arm targeted, bool
EVENTS = "events.csv"  # a row for each event
# And of one replicate of what was measured:
ALONG = "along.csv"  # loss along eigenvectors
SPECTRUM = "spectrum.csv"  # nodes of the density of the Hessian's eigenvalues
LAYERS = "layers.csv"  # curvature by layer
# What git keeps, with the figures:
PLOTS = Path("plots/stability")
ARM_TABLE = PLOTS / "arms.csv"  # by which runs are compared
TEST_EXAMPLES = "test_examples.npz"
FIGURES = "figures"
CLAIMS = "claims.json"
CLAIMS_PAGE = "claims.md"
METRICS = Path("metrics/stability.json")
REPORT = Path("data/stability/report.txt")
CURVE = ARM_TABLE
CURVE_COLUMNS = ("arm", "target", "scheme", "period", "seed", "rate", "stability", "test", "train")
