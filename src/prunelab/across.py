"""The two claims that compare runs (SDD, observations 2 and 3), judged on DVC experiments.

    uv run python -m prunelab.across                 # HEAD and all experiments on it
    uv run python -m prunelab.across main NAME ...   # branches, tags, commits or experiments

Runs are compared that differ in one parameter only: `noise` for claim 4, `prune.criterion` for claim 5. Replicates are
paired by seed. Distances between sparsities are in rounds: a round removes the same share whatever the noise.
"""

import argparse
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from prunelab import config
from prunelab.analysis import regimes, verdicts
from prunelab.analysis.claims import UNDECIDED, Claim, Effect, interval, judged, points
from prunelab.errors import UserError
from prunelab.figures import claims as pages

Array = NDArray[np.float64]
HIGH = 0.9  # early-stopped accuracy is compared from this sparsity on


@dataclass(frozen=True)
class Curves:
    """plots/double_descent.csv of one run: R rounds, S replicates."""

    seeds: tuple[int, ...]
    sparsity_R: Array
    train: Array  # [R, S]
    test_last: Array
    test_best: Array

    def efficacy(self) -> Array:
        """The round of each replicate's pruning efficacy: the last one whose train accuracy is the dense model's."""
        rounds = np.arange(len(self.sparsity_R), dtype=float)
        return np.array([regimes.pruning_efficacy(train, rounds) for train in self.train.T])

    def sweet_spot(self) -> Array:
        """The round of each replicate's highest last test accuracy."""
        return np.argmax(self.test_last, axis=0).astype(float)


def curves(rows: Sequence[Mapping[str, Any]]) -> Curves:
    """From the table's rows."""
    keys, seeds = sorted({row["round"] for row in rows}), sorted({int(row["seed"]) for row in rows})
    at = {(row["round"], int(row["seed"])): row for row in rows}

    def column(name: str) -> Array:
        return np.array([[float(at[key, seed][name]) for seed in seeds] for key in keys])

    return Curves(tuple(seeds), column("sparsity")[:, 0], *(column(n) for n in ("train", "test_last", "test_best")))


def noise_levels(runs: Mapping[float, Curves]) -> Claim:
    """Claim 4, between the lowest and the highest noise."""
    levels = sorted(level for level in runs if level > 0)
    if len(levels) < 2:
        why = f"needs runs that differ in noise alone, at two levels above 0; found {levels}"
        return Claim(verdicts.NOISE_LEVELS, UNDECIDED, why, [], verdicts.RUN_NOISE_LEVELS)
    low, high = runs[levels[0]], runs[levels[-1]]
    between = f"noise {levels[0]:g} and {levels[-1]:g}"
    effects = [
        _rounds(f"last round that interpolates, lower - higher, {between}", low.efficacy() - high.efficacy()),
        _rounds(f"round of the sweet spot, higher - lower, {between}", high.sweet_spot() - low.sweet_spot()),
    ]
    return judged(verdicts.NOISE_LEVELS, effects, verdicts.MORE_SEEDS)


def criteria(runs: Mapping[str, Curves]) -> Claim:
    """Claim 5."""
    needed = ("magnitude", "gradient", "random")
    if any(name not in runs for name in needed):
        why = (
            f"needs runs that differ in criterion alone: {', '.join(needed)}; found {', '.join(sorted(runs)) or 'none'}"
        )
        return Claim(verdicts.CRITERIA, UNDECIDED, why, [], verdicts.RUN_CRITERIA)
    magnitude, gradient, random = (runs[name] for name in needed)
    efficacy = {name: run.efficacy() for name, run in runs.items()}
    others = np.max([value for name, value in efficacy.items() if name != "magnitude"], axis=0)
    least = np.min([value for name, value in efficacy.items() if name != "random"], axis=0)
    sparse = magnitude.sparsity_R >= HIGH
    best = np.maximum(magnitude.test_best[sparse], random.test_best[sparse])
    effects = [
        _rounds("efficacy: magnitude - the best other", efficacy["magnitude"] - others),
        _rounds("efficacy: the worst other - random", least - efficacy["random"]),
        points(
            f"best-epoch test accuracy from {HIGH:.0%} sparsity on: gradient - the better of the others",
            (gradient.test_best[sparse] - best).mean(axis=0),
        ),
    ]
    return judged(verdicts.CRITERIA, effects, verdicts.MORE_SEEDS)


def _rounds(what: str, differences_S: Array) -> Effect:
    return Effect(what, round(float(differences_S.mean()), 6), "rounds", interval(differences_S))


def alike(runs: Mapping[str, tuple[dict[str, Any], Curves]], name: str) -> dict[Any, Curves]:
    """The largest group of runs that differ in one parameter only: its value -> curves (the first of equals).

    Args:
        runs: parameters and curves, by the name of the run.
        name: dotted, of the parameter.
    """
    groups: dict[str, dict[Any, Curves]] = {}
    for params, found in runs.values():
        rest = {key: value for key, value in flat(params).items() if key not in (name, "setting")}
        groups.setdefault(repr(sorted(rest.items())), {}).setdefault(flat(params)[name], found)
    return max(groups.values(), key=len, default={})


def flat(params: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """Dotted names; what is derived from other parameters is left out."""
    result: dict[str, Any] = {}
    for key, value in params.items():
        if isinstance(value, Mapping) and key not in config.DERIVED:
            result |= flat(value, f"{prefix}{key}.")
        elif key not in config.DERIVED:
            result[f"{prefix}{key}"] = value
    return result


def read(names: Sequence[str]) -> dict[str, tuple[dict[str, Any], Curves]]:
    """Parameters and curves of revisions or experiments; of all experiments on HEAD, and HEAD, if none is named.

    Raises UserError with one line for a name that does not exist or a run that has no curve.
    """
    import csv
    import io

    import dvc.api
    from dvc.exceptions import DvcException
    from scmrepo.exceptions import SCMError

    if not names:
        found = [row["Experiment"] or row["rev"] for row in dvc.api.exp_show() if row["rev"] != "workspace"]
        names = list(dict.fromkeys(found))
    runs = {}
    for name in names:
        try:
            params = dvc.api.params_show("params.yaml", rev=name)
            text = dvc.api.read("plots/double_descent.csv", rev=name)
        except (DvcException, SCMError, OSError) as error:
            raise UserError(f"{name}: no such run, or one without curves ({' '.join(str(error).split())})") from None
        runs[name] = (params, curves(list(csv.DictReader(io.StringIO(text)))))
    return runs


def main(arguments: Sequence[str] | None = None) -> None:
    """Print the page."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("names", nargs="*", help="experiments, branches, tags or commits; default: HEAD and all on it")
    names = parser.parse_args(arguments).names
    try:
        runs = read(names)
    except UserError as error:
        sys.exit(f"error: {error}")
    found = {"4": noise_levels(alike(runs, "noise")), "5": criteria(alike(runs, "prune.criterion"))}
    print(pages.page(verdicts.as_json(found), f"Compared: {', '.join(runs)}"))


if __name__ == "__main__":
    main()
