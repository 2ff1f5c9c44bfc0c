"""What becomes of wrong parameters: `uv run python -m benchmarks.parameters`, three minutes.

Every case of tests/wrong_parameters.py, by each way in: how many end in one line that names the parameter, before
anything is written; how many are no mistake, because DVC reads them so too; how many end otherwise.
"""

import argparse
import importlib
import random
import sys
from typing import Any

from tqdm import tqdm

from benchmarks.flips import aligned
from benchmarks.odd_files import ROOT


def main() -> None:
    """Try all of them; ends with status 1 where one ended otherwise."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cases", type=int, default=0, help="so many of each way in, drawn at random; 0 for all")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    sys.path[:0] = [str(ROOT / "tests"), str(ROOT / "src")]
    campaign: Any = importlib.import_module("wrong_parameters")
    chosen = campaign.cases()
    if options.cases:
        chosen = [case for way in campaign.WAYS for case in campaign.sample(way, options.cases, options.seed)]
    random.Random(options.seed).shuffle(chosen)
    terminal = sys.stderr  # place() keeps what stages say to itself
    with campaign.place():
        found = [campaign.tried(case) for case in tqdm(chosen, unit="case", file=terminal, mininterval=1)]
    print(aligned(campaign.table(found)))
    wrong = [one for one in found if one.kind not in campaign.RIGHT]
    for one in wrong:
        print(f"{one.kind}: {one.case.way}: {one.case.what[:80]!r}: {one.said[:300]!r}")
    sys.exit(bool(wrong))


if __name__ == "__main__":
    main()
