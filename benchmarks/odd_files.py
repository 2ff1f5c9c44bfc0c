"""What becomes of odd files: every case of tests/odd_*.py. `uv run python -m benchmarks.odd_files`, a few seconds.

Prints a line for each: what it is, and what was read or the one line that names what is wrong.
"""

import importlib
import sys
from collections import Counter
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent


def main() -> None:
    """Run all cases; ends with status 1 where one went wrong."""
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    campaign: Any = importlib.import_module("odd_files")
    counts: Counter[str] = Counter()
    for case in campaign.all_cases():
        right, what = campaign.outcome(case)
        refused = isinstance(case.right, str)
        counts["wrong" if not right else "named in one line" if refused else "read right"] += 1
        print(f"{'ok   ' if right else 'WRONG'} {case.dataset:13s} {case.name:36s} {what[:160]}")
    print(f"\n{counts.total()} odd files: {', '.join(f'{n} {what}' for what, n in sorted(counts.items()))}")
    sys.exit(bool(counts["wrong"]))


if __name__ == "__main__":
    main()
