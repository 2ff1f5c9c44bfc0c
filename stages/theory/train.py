"""Train the two-layer network at every share of weights kept, replicates side by side."""

import torch

from prunelab import config, progress
from prunelab.core import artifacts
from prunelab.core.rounds import replicates
from prunelab.core.rounds.replicates import OnEpoch
from prunelab.studies.theory import places, warnings
from prunelab.studies.theory.network import measures, sweep
from stages import run


def main() -> None:
    """Write data/theory/runs."""
    theory = config.read("train").theory
    print(warnings.text(theory), end="")
    with artifacts.writing(places.RUNS) as unfinished, progress.Bar("theory", theory.seeds, "run") as bar:

        def work(seed: int, device: torch.device, report: OnEpoch) -> None:
            found = sweep.run(theory, seed, lambda row: report({"test_accuracy": row["test"]}, len(theory.kept)))
            folder = artifacts.replicate(unfinished, seed)
            artifacts.write_table(folder / places.SWEEP, found.rows, measures.COLUMNS)
            artifacts.write_table(folder / places.RACE, found.race)
            artifacts.write_arrays(folder / places.MARGINS, {"margins": found.margins})

        replicates.run(work, theory.seeds, "cpu", 1, bar.step)


if __name__ == "__main__":
    run(main)
